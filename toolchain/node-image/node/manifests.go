package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const manifests = dataDir + "/server/manifests"

// partOf is the part of the cluster that a file belongs to, as --disable names it: coredns for coredns.yaml.
func partOf(path string) string {
	part, _, _ := strings.Cut(filepath.Base(path), ".")
	return part
}

// applyManifests keeps server/manifests applied, in the order of their names, as k3s does. Before a file is applied for the
// first time, what is given for its name is done. What is disabled is deleted, if an earlier start had it.
func applyManifests(disabled []string, before map[string]func()) {
	applied := map[string]time.Time{}
	for ; ; time.Sleep(5 * time.Second) {
		files, _ := filepath.Glob(manifests + "/*.y*ml")
		for _, f := range files {
			if slices.Contains(disabled, partOf(f)) {
				if asAdmin("delete", "--ignore-not-found", "--wait=false", "-f", f) == nil {
					os.Remove(f)
				}
				continue
			}
			st, err := os.Stat(f)
			if err != nil || applied[f].Equal(st.ModTime()) {
				continue
			}
			if prepare := before[filepath.Base(f)]; prepare != nil {
				prepare()
				delete(before, filepath.Base(f))
			}
			if asAdmin("apply", "--server-side", "--force-conflicts", "-f", f) == nil {
				applied[f] = st.ModTime()
			}
		}
	}
}

// asAdmin runs kubectl as the administrator.
func asAdmin(args ...string) error {
	return run(nil, "kubectl", append([]string{"--kubeconfig=" + credDir + "/admin.kubeconfig"}, args...)...)
}
