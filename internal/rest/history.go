package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Server) registerHistory(api huma.API) {
	register(api, huma.Operation{
		OperationID: "getQueueHistory", Method: http.MethodGet, Path: apiPrefix + "queues/history", Tags: []string{"Scheduler"},
		Summary: "Get what the queues used in the last hours",
		Description: "It is read from Prometheus, for those to whom the scheduler says which queues there are. Without a Prometheus " +
			"there is no history.",
		Errors: []int{http.StatusNotFound},
	}, s.getQueueHistory)
}

type queueHistoryInput struct {
	Hours int `query:"hours" default:"6" minimum:"1" maximum:"168" doc:"How many hours, until now."`
}

// QueueHistory is what the queues used, over time.
type QueueHistory struct {
	Step   int           `json:"step" doc:"The seconds from one point to the next."`
	Series []QueueSeries `json:"series"`
}

// QueueSeries is what a queue used.
type QueueSeries struct {
	Queue  string       `json:"queue"`
	Points [][2]float64 `json:"points" doc:"Times, in seconds since 1970, and the dominant share of what the queue used, from 0 to 1."`
}

func (s *Server) getQueueHistory(ctx context.Context, in *queueHistoryInput) (*answer[QueueHistory], error) {
	if s.options.Scheduler == nil {
		return nil, errNoScheduler()
	}
	// It knows who may see the queues.
	queues, err := s.options.Scheduler.Queues(ctx, callerOf(ctx).token)
	if err != nil {
		return nil, err
	}
	if s.history == nil {
		return nil, problem(http.StatusNotFound, "there is no history: kubenexus serve was given no --prometheus")
	}
	names := make([]string, 0, len(queues.Items))
	for i := range queues.Items {
		names = append(names, queues.Items[i].Name)
	}
	history, err := s.history.read(ctx, time.Duration(in.Hours)*time.Hour, time.Now(), names)
	if err != nil {
		return nil, err
	}
	return &answer[QueueHistory]{history}, nil
}
