// Command pod-security judges the workloads in the file that it is given as the API server's Pod Security admission would, by
// the same evaluator: the strictest level that each meets, and what keeps it from `restricted`.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// workload is any object with pods in it; which of the fields is filled depends on its kind.
type workload struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		corev1.PodSpec `json:",inline"`
		Template       *corev1.PodTemplateSpec `json:"template"`
		JobTemplate    *struct {
			Spec struct {
				Template corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
	} `json:"spec"`
}

// verdict is what is said of one workload.
type verdict struct {
	Object     string      `json:"object"`
	Level      api.Level   `json:"level"`
	Checks     int         `json:"checks"`
	Violations []violation `json:"violations"`
}

// violation is what keeps a workload from the level restricted.
type violation struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "pod-security: "+err.Error())
		os.Exit(2)
	}
}

func run(file string) error {
	manifests, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return err
	}
	verdicts := []verdict{}
	documents := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096)
	for {
		var raw json.RawMessage
		if err := documents.Decode(&raw); errors.Is(err, io.EOF) {
			return json.NewEncoder(os.Stdout).Encode(verdicts)
		} else if err != nil {
			return err
		}
		judged, err := judge(evaluator, raw)
		if err != nil {
			return err
		}
		if judged != nil {
			verdicts = append(verdicts, *judged)
		}
	}
}

// judge returns nil for an object without pods.
func judge(evaluator policy.Evaluator, raw json.RawMessage) (*verdict, error) {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(raw, &kind); err != nil {
		return nil, err
	}
	switch kind.Kind {
	case "Pod", "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job", "CronJob":
	default:
		return nil, nil
	}
	var given workload
	if err := json.Unmarshal(raw, &given); err != nil {
		return nil, fmt.Errorf("%s: %w", kind.Kind, err)
	}
	template := corev1.PodTemplateSpec{ObjectMeta: given.ObjectMeta, Spec: given.Spec.PodSpec}
	if given.Spec.Template != nil {
		template = *given.Spec.Template
	} else if given.Spec.JobTemplate != nil {
		template = given.Spec.JobTemplate.Spec.Template
	}
	result := verdict{
		Object:     given.Kind + "/" + given.Name,
		Level:      api.LevelPrivileged,
		Violations: []violation{},
	}
	for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
		results := evaluator.EvaluatePod(
			api.LevelVersion{Level: level, Version: api.LatestVersion()}, &template.ObjectMeta, &template.Spec)
		allowed := policy.AggregateCheckResults(results).Allowed
		if allowed && (level == api.LevelBaseline || result.Level == api.LevelBaseline) {
			result.Level = level
		}
		if level == api.LevelBaseline {
			continue
		}
		result.Checks = len(results)
		for _, each := range results {
			if !each.Allowed {
				result.Violations = append(result.Violations,
					violation{Reason: each.ForbiddenReason, Detail: each.ForbiddenDetail})
			}
		}
	}
	return &result, nil
}
