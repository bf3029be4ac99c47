// Start an operation with Temporal's Go SDK, and read its outcome.
//
// Usage: go run . WORKSPACE_ID ENVIRONMENT_ID [REF]
// Environment: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE (default).
// Prints one line of JSON; exit code 0 for succeeded, 1 for any other outcome.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
)

const operation = "environment.review.compose"

// Input is what the workflow takes: ids as lowercase hyphenated uuids, and nothing it does not know.
type Input struct {
	WorkspaceID   string `json:"workspace_id"`
	EnvironmentID string `json:"environment_id"`
	Ref           string `json:"ref,omitempty"`
}

// Result is what the workflow returns: the outcome, and the id of what it made.
type Result struct {
	RunID       string  `json:"run_id"`
	Outcome     string  `json:"outcome"`
	RelatedType *string `json:"related_type"`
	RelatedID   *string `json:"related_id"`
}

var (
	operationRunID   = temporal.NewSearchAttributeKeyKeyword("OperationRunId")
	operationType    = temporal.NewSearchAttributeKeyKeyword("OperationType")
	workspaceID      = temporal.NewSearchAttributeKeyKeyword("WorkspaceId")
	environmentID    = temporal.NewSearchAttributeKeyKeyword("EnvironmentId")
	operationOutcome = temporal.NewSearchAttributeKeyKeyword("OperationOutcome")
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: go run . WORKSPACE_ID ENVIRONMENT_ID [REF]")
	}
	input := Input{WorkspaceID: os.Args[1], EnvironmentID: os.Args[2]}
	if len(os.Args) > 3 {
		input.Ref = os.Args[3]
	}
	temporalClient, err := client.Dial(client.Options{
		HostPort:  os.Getenv("TEMPORAL_ADDRESS"),
		Namespace: cmp.Or(os.Getenv("TEMPORAL_NAMESPACE"), client.DefaultNamespace),
		Logger:    sdklog.NewStructuredLogger(slog.Default()),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer temporalClient.Close()

	// Make the id once for each piece of work and keep it: a start that is repeated with it does no harm.
	result, err := compose(context.Background(), temporalClient, uuid.NewString(), input)
	if err != nil {
		log.Fatal(err)
	}
	line, _ := json.Marshal(result)
	fmt.Println(string(line))
	if result.Outcome != "succeeded" {
		os.Exit(1)
	}
}

// compose starts the operation and waits for it.
//
// A workflow that did not complete still left an outcome where its code had the last word; an empty one
// means that only the run itself can tell (GET /api/v1/operations/{run_id}?wait=20).
func compose(ctx context.Context, temporalClient client.Client, runID string, input Input) (Result, error) {
	run, err := temporalClient.ExecuteWorkflow(ctx, options(runID, input), operation, input)
	if err != nil {
		return Result{}, err
	}
	result := Result{RunID: runID}
	err = run.Get(ctx, &result)
	var failed *temporal.WorkflowExecutionError
	if !errors.As(err, &failed) {
		return result, err
	}
	log.Print(failed)
	described, err := temporalClient.DescribeWorkflow(ctx, run.GetID(), run.GetRunID())
	if err == nil {
		result.Outcome, _ = described.TypedSearchAttributes.GetKeyword(operationOutcome)
	}
	return result, err
}

func options(runID string, input Input) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       "operation-run.v1." + operation + "." + runID,
		TaskQueue:                "operation-runs",
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionTimeout: 2 * time.Hour,
		StaticSummary:            "Environment review, requested by the nightly job",
		// So that the console finds it; they decide nothing.
		TypedSearchAttributes: temporal.NewSearchAttributes(
			operationRunID.ValueSet(runID),
			operationType.ValueSet(operation),
			workspaceID.ValueSet(input.WorkspaceID),
			environmentID.ValueSet(input.EnvironmentID),
		),
	}
}
