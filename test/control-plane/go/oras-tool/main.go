// Command oras-tool pushes files to an OCI registry and pulls them back, as the oras command does: each file a layer with
// a media type and its name as title, no config unless one is named. It stands for any foreign client of artifacts.
//
//	oras-tool push [flags] HOST/REPOSITORY:TAG FILE[:MEDIATYPE]...
//	oras-tool pull [flags] HOST/REPOSITORY:TAG|@DIGEST
//
// Both work in the folder that -directory names and print the digest of the manifest.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/file"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// What oras gives a file without one.
const defaultMediaType = "application/vnd.oci.image.layer.v1.tar"

type options struct {
	plainHTTP    bool
	caFile       string
	user         string
	password     string
	directory    string
	artifactType string
	config       string
	annotations  annotations
}

type annotations map[string]string

func (a annotations) String() string { return "" }

func (a annotations) Set(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found {
		return errors.New("an annotation is key=value")
	}
	a[key] = value
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "oras-tool:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: oras-tool push|pull [flags] REFERENCE [FILE[:MEDIATYPE]...]")
	}
	chosen := options{annotations: annotations{}}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.BoolVar(&chosen.plainHTTP, "plain-http", false, "speak HTTP without TLS")
	flags.StringVar(&chosen.caFile, "ca-file", "", "PEM file with the authority to trust")
	flags.StringVar(&chosen.user, "user", "", "user name")
	flags.StringVar(&chosen.password, "password", "", "password")
	flags.StringVar(&chosen.directory, "directory", ".", "folder of the files")
	flags.StringVar(&chosen.artifactType, "artifact-type", "", "artifact type of the manifest (push)")
	flags.StringVar(&chosen.config, "config", "", "FILE:MEDIATYPE that becomes the config (push)")
	flags.Var(chosen.annotations, "annotation", "key=value on the manifest, may be repeated (push)")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("which artifact? HOST/REPOSITORY:TAG")
	}
	repository, err := open(flags.Arg(0), chosen)
	if err != nil {
		return err
	}
	files, err := file.New(chosen.directory)
	if err != nil {
		return err
	}
	defer files.Close()
	var manifest v1.Descriptor
	switch args[0] {
	case "push":
		manifest, err = push(ctx, files, repository, flags.Args()[1:], chosen)
	case "pull":
		reference := repository.Reference.Reference
		manifest, err = oras.Copy(ctx, repository, reference, files, reference, oras.DefaultCopyOptions)
	default:
		return fmt.Errorf("push or pull, not %q", args[0])
	}
	if err != nil {
		return err
	}
	fmt.Println(manifest.Digest)
	return nil
}

func open(reference string, chosen options) (*remote.Repository, error) {
	repository, err := remote.NewRepository(reference)
	if err != nil {
		return nil, err
	}
	if repository.Reference.Reference == "" {
		return nil, fmt.Errorf("%s has neither tag nor digest", reference)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if chosen.caFile != "" {
		pem, err := os.ReadFile(chosen.caFile)
		if err != nil {
			return nil, err
		}
		authorities := x509.NewCertPool()
		if !authorities.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", chosen.caFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: authorities}
	}
	client := &auth.Client{Client: &http.Client{Transport: transport}, Cache: auth.NewCache()}
	if chosen.user != "" {
		credential := auth.Credential{Username: chosen.user, Password: chosen.password}
		client.Credential = auth.StaticCredential(repository.Reference.Registry, credential)
	}
	repository.PlainHTTP = chosen.plainHTTP
	repository.Client = client
	return repository, nil
}

func push(
	ctx context.Context, files *file.Store, repository *remote.Repository, names []string, chosen options,
) (v1.Descriptor, error) {
	pack := oras.PackManifestOptions{ManifestAnnotations: chosen.annotations}
	for _, name := range names {
		layer, err := add(ctx, files, name)
		if err != nil {
			return v1.Descriptor{}, err
		}
		pack.Layers = append(pack.Layers, layer)
	}
	version := oras.PackManifestVersion1_1
	artifactType := chosen.artifactType
	if chosen.config != "" {
		config, err := add(ctx, files, chosen.config)
		if err != nil {
			return v1.Descriptor{}, err
		}
		pack.ConfigDescriptor = &config
	} else if artifactType == "" {
		artifactType = "application/vnd.unknown.artifact.v1"
	}
	manifest, err := oras.PackManifest(ctx, files, version, artifactType, pack)
	if err != nil {
		return v1.Descriptor{}, err
	}
	tag := repository.Reference.Reference
	if err := files.Tag(ctx, manifest, tag); err != nil {
		return v1.Descriptor{}, err
	}
	return oras.Copy(ctx, files, tag, repository, tag, oras.DefaultCopyOptions)
}

// A name may be that of a folder: it is packed as tar+gzip, as oras does it.
func add(ctx context.Context, files *file.Store, argument string) (v1.Descriptor, error) {
	name, mediaType, found := strings.Cut(argument, ":")
	if !found {
		mediaType = defaultMediaType
	}
	return files.Add(ctx, name, mediaType, "")
}
