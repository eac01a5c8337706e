package rest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
)

type logsInput struct {
	OfJob
	Pod       string `query:"pod" maxLength:"253" doc:"The name of the pod. Without it, the first of the Job's pods."`
	Index     int    `query:"index" minimum:"-1" maximum:"100000" default:"-1" doc:"The completion index of the pod, in place of its name."`
	Container string `query:"container" maxLength:"63" doc:"The container, if the pod has several."`
	Tail      int64  `query:"tail" minimum:"1" maximum:"100000" default:"1000" doc:"How many lines from the end."`
	Previous  bool   `query:"previous" doc:"The log of the container that ran before the last restart."`
}

// maxLog is the maximum size of a log.
const maxLog = 10 << 20

type logsOutput struct {
	ContentType string `header:"Content-Type"`
	Body        func(huma.Context)
}

func (s *Server) getLogs(ctx context.Context, in *logsInput) (*logsOutput, error) {
	pod, err := s.podOfJob(ctx, in)
	if err != nil {
		return nil, err
	}
	limit := int64(maxLog)
	log, err := s.client.CoreV1().Pods(in.Namespace).GetLogs(pod, &corev1.PodLogOptions{
		Container: in.Container, TailLines: &in.Tail, LimitBytes: &limit, Previous: in.Previous,
	}).Stream(ctx)
	if err != nil {
		return nil, err
	}
	return &logsOutput{ContentType: "text/plain; charset=utf-8", Body: func(ctx huma.Context) {
		defer log.Close()
		// A caller who is gone reads no error.
		_, _ = io.Copy(ctx.BodyWriter(), io.LimitReader(log, maxLog))
	}}, nil
}

// podOfJob finds the pod of a Job that is meant.
func (s *Server) podOfJob(ctx context.Context, in *logsInput) (string, error) {
	pods, err := s.podsOfJob(ctx, in.Namespace, in.Name)
	if err != nil {
		return "", err
	}
	for i := range pods {
		switch pod := &pods[i]; {
		case in.Pod != "":
			if pod.Name == in.Pod {
				return pod.Name, nil
			}
		case in.Index < 0 || pod.Annotations[batchv1.JobCompletionIndexAnnotation] == fmt.Sprint(in.Index):
			return pod.Name, nil
		}
	}
	which := "pods"
	if in.Pod != "" || in.Index >= 0 {
		which = "such pod"
	}
	return "", problem(http.StatusNotFound, fmt.Sprintf("Job %s/%s has no %s", in.Namespace, in.Name, which))
}

// podsOfJob returns the pods of a Job, the newest of each index first. The caller has to see the Job as well.
func (s *Server) podsOfJob(ctx context.Context, namespace, name string) ([]corev1.Pod, error) {
	job, err := s.client.BatchV1().Jobs(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	list, err := s.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: batchv1.ControllerUidLabel + "=" + string(job.UID),
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int {
		index := func(p *corev1.Pod) string { return p.Annotations[batchv1.JobCompletionIndexAnnotation] }
		return cmp.Or(
			cmp.Compare(len(index(&a)), len(index(&b))), cmp.Compare(index(&a), index(&b)),
			b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name),
		)
	})
	return list.Items, nil
}

// Event is an event of a Job or of one of its pods.
type Event struct {
	At      time.Time `json:"at"`
	Type    string    `json:"type" example:"Warning"`
	Reason  string    `json:"reason" example:"GangUnschedulable"`
	Object  string    `json:"object" example:"Pod/training-0-x7k2p"`
	Message string    `json:"message"`
	Count   int       `json:"count" doc:"How often it happened."`
}

// Events are events, the latest last.
type Events struct {
	Items []Event `json:"items"`
}

// maxEvents is how many events of a Job are answered, and maxEventPages how many pages of a namespace's events are read for them.
const (
	maxEvents     = 500
	maxEventPages = 20
	eventPage     = 500
)

func (s *Server) listEvents(ctx context.Context, in *OfJob) (*answer[Events], error) {
	pods, err := s.podsOfJob(ctx, in.Namespace, in.Name)
	if err != nil {
		return nil, err
	}
	of := map[types.UID]bool{}
	for i := range pods {
		of[pods[i].UID] = true
	}
	found := Events{Items: []Event{}}
	for _, selector := range []fields.Set{{"involvedObject.kind": "Job", "involvedObject.name": in.Name}, {"involvedObject.kind": "Pod"}} {
		options := metav1.ListOptions{FieldSelector: selector.String(), Limit: eventPage}
		for range maxEventPages {
			page, err := s.client.CoreV1().Events(in.Namespace).List(ctx, options)
			if err != nil {
				return nil, err
			}
			for i := range page.Items {
				if e := &page.Items[i]; e.InvolvedObject.Kind == "Job" || of[e.InvolvedObject.UID] {
					found.Items = append(found.Items, eventOf(e))
				}
			}
			if options.Continue = page.Continue; options.Continue == "" {
				break
			}
		}
	}
	slices.SortStableFunc(found.Items, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Reason, b.Reason))
	})
	found.Items = found.Items[max(0, len(found.Items)-maxEvents):]
	return &answer[Events]{found}, nil
}

func eventOf(e *corev1.Event) Event {
	event := Event{
		Type: e.Type, Reason: e.Reason, Object: e.InvolvedObject.Kind + "/" + e.InvolvedObject.Name, Message: e.Message,
		Count: int(max(1, e.Count)), At: e.CreationTimestamp.Time,
	}
	for _, at := range []time.Time{e.LastTimestamp.Time, e.EventTime.Time} {
		if at.After(event.At) {
			event.At = at
		}
	}
	if e.Series != nil {
		event.Count = int(e.Series.Count)
		if at := e.Series.LastObservedTime.Time; at.After(event.At) {
			event.At = at
		}
	}
	return event
}
