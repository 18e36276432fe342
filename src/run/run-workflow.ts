/** The Step Functions state machine, with one execution for each run. */
export interface RunWorkflow {
  /**
   * Starts the run's execution. Idempotent.
   * @throws WorkflowUnavailableError
   */
  start(runId: string): Promise<void>
  /** Completes a task token. Does nothing when it was completed before or timed out. */
  succeedToken(taskToken: string, output: unknown): Promise<void>
  /** Fails a task token. Does nothing when it was completed before or timed out. */
  failToken(taskToken: string, error: string, cause: string): Promise<void>
  /** Stops the run's execution. Does nothing when it does not exist or has ended. */
  stop(runId: string, cause: string): Promise<void>
  /** Status of the run's execution as Step Functions names it, such as `RUNNING`; undefined when there is none. */
  findStatus(runId: string): Promise<string | undefined>
  /** Ids of runs with a running execution, unordered. Eventually consistent: may miss an execution that was just started. */
  listRunning(): AsyncIterable<string>
}

/** Step Functions did not answer or throttled the call. It may have taken effect; all calls can be retried. */
export class WorkflowUnavailableError extends Error {
  override readonly name = 'WorkflowUnavailableError'
}
