package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2/klogr"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/diff"
	engine "github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/sync/resource"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
)

const (
	namespace = "default"
	between   = 100 * time.Millisecond
	// Steps without any news, after which a sync is given up: what it has just made and waits to see may have been
	// deleted by somebody, and then it would wait for ever.
	patience = 50
)

// What one sync did. Phase is Argo CD's: Succeeded, Failed or Error.
type answer struct {
	Phase   string   `json:"phase"`
	Message string   `json:"message"`
	Results []result `json:"results"`
}

type result struct {
	Object  string `json:"object"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

type app struct {
	config  *rest.Config
	cache   cache.ClusterCache
	kubectl kube.Kubectl
	folder  string
	name    string
}

type state struct {
	phase   common.OperationPhase
	message string
	results []common.ResourceSyncResult
	started metav1.Time
}

func newApp(config *rest.Config, folder, name string) *app {
	log := klogr.New()
	remember := func(object *unstructured.Unstructured, _ bool) (interface{}, bool) {
		mine := tracks(object, name)
		return mine, mine
	}
	return &app{
		config:  config,
		cache:   cache.NewClusterCache(config, cache.SetLogr(log), cache.SetPopulateResourceInfoHandler(remember)),
		kubectl: &kube.KubectlCmd{Log: log, Tracer: tracing.NopTracer{}},
		folder:  folder,
		name:    name,
	}
}

// sync brings the cluster to what the folder says.
func (a *app) sync(ctx context.Context, revision string) answer {
	targets, err := read(a.folder, a.name)
	if err != nil {
		return failed(err)
	}
	now := state{phase: common.OperationRunning, started: metav1.Now()}
	for idle := 0; idle < patience; {
		// Every step begins with what is live now, as in the application controller: a wave has to see that what the
		// one before has made is there.
		found, err := a.compare(targets)
		if err != nil {
			return failed(err)
		}
		if len(now.results) == 0 && !found.outOfSync {
			return answer{Phase: string(common.OperationSucceeded), Results: []result{}}
		}
		before := now.news()
		if now, err = a.step(revision, found, now); err != nil {
			return failed(err)
		}
		idle++
		if now.news() != before {
			idle = 0
		}
		if now.phase.Completed() {
			return done(now)
		}
		select {
		case <-ctx.Done():
			return failed(ctx.Err())
		case <-time.After(between):
		}
	}
	now.phase = common.OperationFailed
	return done(now)
}

func (s state) news() string {
	text := s.message
	for _, one := range s.results {
		text += fmt.Sprintf("\n%s %s %s", one.ResourceKey.String(), one.Status, one.HookPhase)
	}
	return text
}

type comparison struct {
	engine.ReconciliationResult
	modified  bool
	outOfSync bool
}

func (a *app) compare(targets []*unstructured.Unstructured) (comparison, error) {
	wanted := make([]*unstructured.Unstructured, len(targets))
	for i, target := range targets {
		wanted[i] = target.DeepCopy()
	}
	live, err := a.cache.GetManagedLiveObjs(wanted, func(r *cache.Resource) bool { return r.Info == true })
	if err != nil {
		return comparison{}, err
	}
	reconciled := engine.Reconcile(wanted, live, namespace, a.cache)
	differences, err := diff.DiffArray(reconciled.Target, reconciled.Live)
	if err != nil {
		return comparison{}, err
	}
	orphans := 0
	for i, target := range reconciled.Target {
		object := reconciled.Live[i]
		if target == nil && !resource.HasAnnotationOption(object, common.AnnotationSyncOptions, common.SyncOptionDisablePrune) {
			orphans++
		}
	}
	// Argo CD's own guard (allowEmpty: false).
	if len(targets) == 0 && orphans > 0 {
		return comparison{}, errors.New("auto-sync will wipe out all resources")
	}
	return comparison{reconciled, differences.Modified, differences.Modified || orphans > 0}, nil
}

func (a *app) step(revision string, found comparison, now state) (state, error) {
	// As the sync option PrunePropagationPolicy=background: the default waits for a garbage collector, and none runs here.
	propagation := metav1.DeletePropagationBackground
	context, cleanup, err := engine.NewSyncContext(
		revision, found.ReconciliationResult, a.config, a.config, a.kubectl, namespace, a.cache.GetOpenAPISchema(),
		engine.WithInitialState(now.phase, now.message, now.results, now.started),
		engine.WithPrune(true),
		engine.WithPrunePropagationPolicy(&propagation),
		engine.WithSkipHooks(!found.modified),
	)
	if err != nil {
		return now, err
	}
	defer cleanup()
	context.Sync()
	now.phase, now.message, now.results = context.GetState()
	return now, nil
}

func failed(err error) answer {
	return answer{Phase: string(common.OperationError), Message: err.Error(), Results: []result{}}
}

func done(now state) answer {
	found := answer{Phase: string(now.phase), Message: now.message, Results: []result{}}
	for _, one := range now.results {
		key := one.ResourceKey
		object := fmt.Sprintf("%s %s", key.Kind, key.Name)
		if key.Namespace != "" {
			object = fmt.Sprintf("%s %s/%s", key.Kind, key.Namespace, key.Name)
		}
		found.Results = append(found.Results, result{object, string(one.Status), one.Message})
	}
	return found
}
