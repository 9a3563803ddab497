package main

import (
	"os"
	"path/filepath"
	"time"
)

// applyManifests keeps server/manifests applied, as k3s does.
func applyManifests() {
	applied := map[string]time.Time{}
	for ; ; time.Sleep(5 * time.Second) {
		files, _ := filepath.Glob(dataDir + "/server/manifests/*.y*ml")
		for _, f := range files {
			if st, err := os.Stat(f); err == nil && !applied[f].Equal(st.ModTime()) &&
				run(nil, "kubectl", "--kubeconfig="+credDir+"/admin.kubeconfig", "apply", "--server-side", "--force-conflicts", "-f", f) == nil {
				applied[f] = st.ModTime()
			}
		}
	}
}
