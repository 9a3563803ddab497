// Command pulumi-resource-kubernetes is the Kubernetes provider, served from its published Go module. It has no embedded
// schema, as no program of ours asks for one: SDKs are generated elsewhere, and the resources need none at run time.
package main

import (
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

func main() {
	schema := []byte(`{"name":"kubernetes","version":"` + version.Version + `"}`)
	provider.Serve("kubernetes", version.Version, schema, []byte("{}"))
}
