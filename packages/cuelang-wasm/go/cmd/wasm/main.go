//go:build wasip1

// Command wasm is the engine as a WebAssembly reactor. The host asks for room
// with allocate, writes a request there, and calls handle; the answer's place
// is in the upper and its length in the lower half of the result, and it holds
// until the next call.
package main

import (
	"unsafe"

	"cuelang-wasm/engine"
)

var (
	session  = engine.NewSession()
	request  []byte
	response []byte
)

func main() {}

//go:wasmexport allocate
func allocate(size uint32) uint32 {
	request = make([]byte, size)
	response = nil
	if size == 0 {
		return 0
	}
	return uint32(uintptr(unsafe.Pointer(&request[0])))
}

//go:wasmexport handle
func handle() uint64 {
	in := request
	request = nil
	response = session.Handle(in)
	return uint64(uintptr(unsafe.Pointer(&response[0])))<<32 | uint64(len(response))
}
