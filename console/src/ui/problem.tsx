import { ApiError } from '../api/client.ts'
import type { ErrorBody, Warning } from '../api/types.ts'

/** One problem, and the parameter that it is about. */
export interface Finding {
  readonly parameter: string | undefined
  readonly words: string
}

/** All messages of an error body, without repetition. */
export function findingsOf(body: ErrorBody): Finding[] {
  const { details, explanation } = body
  const inner = details?.type === 'parameter' ? [] : (details?.errors ?? []).flatMap(findingsOf)
  const own = explanation ?? reasonIn(details) ?? body.message
  const parameter =
    details?.type === 'parameter' || details?.type === 'related' ? details.parameterName : undefined
  const all = inner.length > 0 ? inner : [{ parameter, words: own }]
  // The explanation of a batch contains those of its entries.
  const isSaid = explanation === undefined || all.some(({ words }) => words === explanation)
  const explained = isSaid ? all : [...all, { parameter: undefined, words: explanation }]
  return explained.filter(({ words }, at) => explained.findIndex((other) => other.words === words) === at)
}

function reasonIn(details: ErrorBody['details']): string | null | undefined {
  if (details?.type === 'related') return details.description
  return details?.type === 'server' ? details.exceptionMessage : undefined
}

interface ProblemProps {
  readonly error: unknown
  /** The failed action: "The upload was refused". */
  readonly title?: string
}

/** Shows an error, with all messages of the service. */
export function Problem({ error, title }: ProblemProps) {
  const body = error instanceof ApiError ? error.body : undefined
  const message = messageOf(error)
  const findings = (body === undefined ? [] : findingsOf(body)).filter(({ words }) => words !== message)
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{title ?? message}</strong>
        {title !== undefined && <> {message}</>}
      </p>
      <Findings findings={findings} />
    </div>
  )
}

/** An error in place of a page, with the page's heading. */
export function PageProblem({ error, title }: Required<ProblemProps>) {
  return (
    <>
      <h1>{title}</h1>
      <Problem error={error} />
    </>
  )
}

function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  if (findings.length === 0) return null
  return (
    <ul class="findings">
      {findings.map(({ parameter, words }) => (
        <li key={`${parameter} ${words}`}>
          {parameter !== undefined && <code>{parameter}</code>} {words}
        </li>
      ))}
    </ul>
  )
}

export function Warnings({ warnings }: { readonly warnings: readonly Warning[] }) {
  if (warnings.length === 0) return null
  return (
    <ul class="findings warnings">
      {warnings.map(({ message, line, column }) => (
        <li key={message}>
          <code>
            line {line}, column {column}
          </code>{' '}
          {message}
        </li>
      ))}
    </ul>
  )
}

function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message
  // `fetch` throws a TypeError when the service does not answer.
  if (error instanceof TypeError)
    return 'The service cannot be reached. Check that it is running, and try again.'
  return error instanceof Error ? error.message : String(error)
}
