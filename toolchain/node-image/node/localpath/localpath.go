// Package localpath serves the StorageClass "local-path": a claim, once its pod is scheduled, gets a folder of the pod's
// node. Each node keeps its own folders; the server's alone makes and deletes the volumes.
package localpath

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"strings"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

const class = "local-path"

type provisioner struct {
	client     kubernetes.Interface
	root, node string
	volumes    bool
}

// Serve makes folders in root for claims on this node, and removes those whose volumes are deleted; with volumes, it makes
// the volumes of all nodes and deletes them when their claims are gone. It returns at once.
func Serve(client kubernetes.Interface, root, node string, volumes bool) {
	p := provisioner{client, root, node, volumes}
	factory := informers.NewSharedInformerFactory(client, 0)
	report := func(err error) {
		if err != nil {
			log.Printf("k3s: local-path: %v", err)
		}
	}
	on := func(informer cache.SharedIndexInformer, handle func(any) error) {
		informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(o any) { report(handle(o)) }, UpdateFunc: func(_, o any) { report(handle(o)) }})
	}
	claims, persistent := factory.Core().V1().PersistentVolumeClaims().Informer(), factory.Core().V1().PersistentVolumes().Informer()
	on(claims, p.makeFolder)
	if volumes {
		on(claims, p.provision)
		on(persistent, p.remove)
	}
	persistent.AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(o any) {
		if unknown, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = unknown.Obj
		}
		report(p.removeFolder(o))
	}})
	factory.Start(nil)
}

// wanted is the node that a claim's pod was scheduled to, as long as the claim has no volume; else empty.
func wanted(claim *v1.PersistentVolumeClaim) string {
	if claim.Spec.StorageClassName == nil || *claim.Spec.StorageClassName != class || claim.Spec.VolumeName != "" {
		return ""
	}
	return claim.Annotations["volume.kubernetes.io/selected-node"]
}

func volumeName(claim *v1.PersistentVolumeClaim) string { return "pvc-" + string(claim.UID) }

func (p provisioner) folder(claim *v1.PersistentVolumeClaim) string {
	return filepath.Join(p.root, strings.Join([]string{volumeName(claim), claim.Namespace, claim.Name}, "_"))
}

func (p provisioner) makeFolder(o any) error {
	claim := o.(*v1.PersistentVolumeClaim)
	if wanted(claim) != p.node {
		return nil
	}
	dir := p.folder(claim)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return os.Chmod(dir, 0o777) // past the umask: pods run as users of their own
}

func (p provisioner) provision(o any) error {
	claim := o.(*v1.PersistentVolumeClaim)
	node := wanted(claim)
	if node == "" {
		return nil
	}
	// A pod waits until the folder is there: its node makes it.
	mustExist := v1.HostPathDirectory
	_, err := p.client.CoreV1().PersistentVolumes().Create(context.Background(), &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: volumeName(claim)},
		Spec: v1.PersistentVolumeSpec{
			StorageClassName:              class,
			AccessModes:                   claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: v1.PersistentVolumeReclaimDelete,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: claim.Spec.Resources.Requests[v1.ResourceStorage]},
			ClaimRef: &v1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID},
			PersistentVolumeSource: v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{Path: p.folder(claim), Type: &mustExist}},
			NodeAffinity:           onlyOn(node),
		}}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // the claim was seen again before the binder had seen the volume
		return nil
	}
	return err
}

func onlyOn(node string) *v1.VolumeNodeAffinity {
	return &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
		MatchExpressions: []v1.NodeSelectorRequirement{{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{node}}}}}}}
}

func (p provisioner) isOurs(v *v1.PersistentVolume) bool {
	return v.Spec.StorageClassName == class && v.Spec.HostPath != nil && strings.HasPrefix(v.Spec.HostPath.Path, p.root+"/pvc-")
}

func (p provisioner) remove(o any) error {
	v := o.(*v1.PersistentVolume)
	if !p.isOurs(v) || v.Status.Phase != v1.VolumeReleased || v.Spec.PersistentVolumeReclaimPolicy != v1.PersistentVolumeReclaimDelete {
		return nil
	}
	return p.client.CoreV1().PersistentVolumes().Delete(context.Background(), v.Name, metav1.DeleteOptions{})
}

// removeFolder removes a deleted volume's folder; on the nodes where it is not, there is nothing to remove.
func (p provisioner) removeFolder(o any) error {
	v, ok := o.(*v1.PersistentVolume)
	if !ok || !p.isOurs(v) || v.Status.Phase != v1.VolumeReleased || v.Spec.PersistentVolumeReclaimPolicy != v1.PersistentVolumeReclaimDelete {
		return nil
	}
	return os.RemoveAll(v.Spec.HostPath.Path)
}
