// Command trivy scores the manifests in the folder that it is given as `trivy config` does: by its scanner for Kubernetes and
// the checks that are embedded in it. The published command holds scanners for everything else as well, which take most of the
// time to compile, and would first fetch a newer bundle of checks from the internet.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aquasecurity/trivy/pkg/iac/rego"
	"github.com/aquasecurity/trivy/pkg/iac/scan"
	"github.com/aquasecurity/trivy/pkg/iac/scanners/kubernetes"
)

// result is what one check says of one place in a file, which is not told: a file holds one object.
type result struct {
	Check    string `json:"check"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	File     string `json:"file"`
	Passed   bool   `json:"passed"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "trivy: "+err.Error())
		os.Exit(2)
	}
}

func run(folder string) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	scanner := kubernetes.NewScanner(rego.WithEmbeddedPolicies(true), rego.WithEmbeddedLibraries(true))
	results := []result{}
	for _, file := range files {
		// One by one: a check for one kind of object is made of all that are scanned together as soon as one is of that kind.
		found, err := scanner.ScanFS(context.Background(), os.DirFS(folder), file.Name())
		if err != nil {
			return err
		}
		for _, each := range found {
			if each.Status() == scan.StatusIgnored {
				continue
			}
			flat := each.Flatten()
			results = append(results, result{
				Check:    each.Rule().ID,
				Severity: string(flat.Severity),
				Message:  flat.Description,
				File:     file.Name(),
				Passed:   each.Status() == scan.StatusPassed,
			})
		}
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}
