// This program uses the REST API of kubenexus serve: it asks whether a gang would start, submits it, waits until it runs, and cancels it.
// docs/rest.md tells how to run it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/pkg/client"
)

func main() {
	address := flag.String("address", "", "where the API is, such as https://kubenexus-serve.kube-system.svc")
	ca := flag.String("ca", "", "the file with the certificate authority of the API")
	namespace := flag.String("namespace", "default", "the namespace of the gang")
	flag.Parse()
	if err := run(*address, *ca, os.Getenv("TOKEN"), *namespace); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address, caFile, token, namespace string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return err
	}
	api, err := client.New(address, client.Options{Token: token, CA: ca})
	if err != nil {
		return err
	}
	request := client.Request{Name: "from-go", Image: "busybox:1.37", Command: []string{"sleep", "1h"}, Replicas: 2, CPU: "1"}

	forecast, err := client.Check(api.WhatIfWithResponse(ctx, &client.WhatIfParams{Namespace: namespace}, request))
	if err != nil {
		return err
	}
	fmt.Println("what-if:", forecast.JSON200.Why)

	submitted, err := client.Check(api.SubmitWithResponse(ctx, namespace, &client.SubmitParams{IdempotencyKey: new("from-go-1")}, request))
	if err != nil {
		return err
	}
	fmt.Println("submitted:", submitted.JSON201.Items[0].Gang)

	for event, err := range client.Follow(api.Watch(ctx, &client.WatchParams{Namespace: &namespace})) {
		if err != nil {
			return err
		}
		if event.Name == "gang" && event.Data.Key.Name == "from-go" && event.Data.Phase == "Running" {
			break
		}
	}
	if err := show(ctx, api, namespace); err != nil {
		return err
	}

	request.Name, request.MinAvailable = "typo", 3
	_, err = client.Check(api.SubmitWithResponse(ctx, namespace, nil, request))
	if problem, ok := errors.AsType[*client.ErrorModel](err); ok {
		fmt.Println("refused:", problem.Status, problem.Errors[0].Location+":", problem.Errors[0].Message)
	}

	cancelled, err := client.Check(api.CancelJobWithResponse(ctx, namespace, "from-go"))
	if err != nil {
		return err
	}
	fmt.Println("cancelled:", cancelled.JSON200.Name)
	return nil
}

// show prints the gang, and waits for the events that say where its pods are.
func show(ctx context.Context, api *client.ClientWithResponses, namespace string) error {
	gangs, err := client.Check(api.ListGangsWithResponse(ctx, &client.ListGangsParams{Namespace: &namespace}))
	if err != nil {
		return err
	}
	for i := range gangs.JSON200.Items {
		if gang := &gangs.JSON200.Items[i]; gang.Key.Name == "from-go" {
			fmt.Println("listed:", gang.Key.Name, gang.Phase)
		}
	}
	for scheduled := 0; scheduled < 2; {
		events, err := client.Check(api.ListEventsWithResponse(ctx, namespace, "from-go"))
		if err != nil {
			return err
		}
		scheduled = 0
		for _, event := range events.JSON200.Items {
			if event.Reason == "Scheduled" {
				scheduled++
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the events: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	fmt.Println("events: both pods were scheduled")
	return nil
}
