// Command kubesec scores the manifests in the file that it is given by kubesec's own rules. The published command would first
// fetch a schema of each object from the internet; the API server and kube-score look at shapes already.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/controlplaneio/kubesec/v2/pkg/ruler"
	"go.uber.org/zap"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "kubesec: "+err.Error())
		os.Exit(2)
	}
}

func run(file string) error {
	manifests, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	rules := ruler.NewRuleset(zap.NewNop().Sugar())
	reports, err := rules.Run(file, manifests, ruler.SchemaConfig{DisableValidation: true})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(reports)
}
