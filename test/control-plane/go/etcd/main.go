// Command etcd is the etcd server: its module offers the code as a package but nothing that can be installed.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
