/** Reports to the operators' log what went wrong without failing the call, because a later sweep makes up for it. */
export type ReportProblem = (problem: string, about: { readonly runId: string }, error: unknown) => void
