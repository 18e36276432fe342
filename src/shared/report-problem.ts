/** Logs a problem for operators. The call does not fail, because a later sweep repairs it. */
export type ReportProblem = (problem: string, about: { readonly runId: string }, error: unknown) => void
