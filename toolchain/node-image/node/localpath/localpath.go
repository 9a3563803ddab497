// Package localpath serves the StorageClass "local-path": a claim, once its pod is scheduled, gets a folder of the node.
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
	client kubernetes.Interface
	root   string
}

// Serve provisions volumes in root and deletes them when their claims are gone. It returns at once.
func Serve(client kubernetes.Interface, root string) {
	p := provisioner{client, root}
	factory := informers.NewSharedInformerFactory(client, 0)
	on := func(informer cache.SharedIndexInformer, handle func(any) error) {
		report := func(o any) {
			if err := handle(o); err != nil {
				log.Printf("k3s: local-path: %v", err)
			}
		}
		informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: report, UpdateFunc: func(_, o any) { report(o) }})
	}
	on(factory.Core().V1().PersistentVolumeClaims().Informer(), p.provision)
	on(factory.Core().V1().PersistentVolumes().Informer(), p.remove)
	factory.Start(nil)
}

func (p provisioner) provision(o any) error {
	claim := o.(*v1.PersistentVolumeClaim)
	node := claim.Annotations["volume.kubernetes.io/selected-node"]
	if claim.Spec.StorageClassName == nil || *claim.Spec.StorageClassName != class || claim.Spec.VolumeName != "" || node == "" {
		return nil
	}
	name := "pvc-" + string(claim.UID)
	dir := filepath.Join(p.root, strings.Join([]string{name, claim.Namespace, claim.Name}, "_"))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o777); err != nil { // past the umask: pods run as users of their own
		return err
	}
	_, err := p.client.CoreV1().PersistentVolumes().Create(context.Background(), &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1.PersistentVolumeSpec{
			StorageClassName:              class,
			AccessModes:                   claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: v1.PersistentVolumeReclaimDelete,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: claim.Spec.Resources.Requests[v1.ResourceStorage]},
			ClaimRef: &v1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID},
			PersistentVolumeSource: v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{Path: dir}},
		}}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // the claim was seen again before the binder had seen the volume
		return nil
	}
	return err
}

func (p provisioner) remove(o any) error {
	v := o.(*v1.PersistentVolume)
	ours := v.Spec.StorageClassName == class && v.Spec.HostPath != nil && strings.HasPrefix(v.Spec.HostPath.Path, p.root+"/pvc-")
	if !ours || v.Status.Phase != v1.VolumeReleased || v.Spec.PersistentVolumeReclaimPolicy != v1.PersistentVolumeReclaimDelete {
		return nil
	}
	if err := os.RemoveAll(v.Spec.HostPath.Path); err != nil {
		return err
	}
	return p.client.CoreV1().PersistentVolumes().Delete(context.Background(), v.Name, metav1.DeleteOptions{})
}
