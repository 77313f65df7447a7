package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/argoproj/gitops-engine/pkg/utils/kube"
)

// How Argo CD knows its objects since its version 3 (application.resourceTrackingMethod: annotation).
const tracking = "argocd.argoproj.io/tracking-id"

// read returns every object of the folder's .yaml, .yml and .json files, as Argo CD reads a directory with
// `recurse: true`, marked as the application's.
func read(folder, application string) ([]*unstructured.Unstructured, error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s: app path does not exist", filepath.Base(folder))
	}
	var found []*unstructured.Unstructured
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !manifest(path) {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		objects, err := kube.SplitYAML(data)
		if err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
		found = append(found, objects...)
		return nil
	})
	for _, object := range found {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[tracking] = id(object, application)
		object.SetAnnotations(annotations)
	}
	return found, err
}

func manifest(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// tracks says whether an object is the application's, and no copy of one that is.
func tracks(object *unstructured.Unstructured, application string) bool {
	return object.GetAnnotations()[tracking] == id(object, application)
}

func id(object *unstructured.Unstructured, application string) string {
	key := kube.GetResourceKey(object)
	return fmt.Sprintf("%s:%s/%s:%s/%s", application, key.Group, key.Kind, key.Namespace, key.Name)
}
