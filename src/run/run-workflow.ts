/** Step Functions, one execution a run. */
export interface RunWorkflow {
  /**
   * Starts the execution named after the run; a second call is harmless.
   * @throws WorkflowUnavailableError
   */
  start(runId: string): Promise<void>
  /** Answers a task token; nothing happens when it was answered or timed out. */
  succeedToken(taskToken: string, output: unknown): Promise<void>
  failToken(taskToken: string, error: string, cause: string): Promise<void>
  /** Stops the run's execution; nothing happens when there is none or it has ended. */
  stop(runId: string, cause: string): Promise<void>
  /** How the run's execution stands, `RUNNING` or an end in the words of Step Functions; undefined when there is none. */
  findStatus(runId: string): Promise<string | undefined>
  /** Runs whose executions go on, in no order; one that has just been started may be missing. */
  listRunning(): AsyncIterable<string>
}

/** Step Functions did not answer, or asked to slow down: what was asked for may have been done or not, and may be asked for again. */
export class WorkflowUnavailableError extends Error {
  override readonly name = 'WorkflowUnavailableError'
}
