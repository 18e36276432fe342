import { DomainError } from '../../contract/errors.ts'
import { printable } from '../../contract/quoted.ts'
import type { HttpAnswer } from '../../shared/http.ts'

/** Maximum length of an error body in a message. */
const MAX_PROBLEM_LENGTH = 300

/** Error of a push; the description is for operators. */
export function registryError(description: string, cause?: unknown): DomainError {
  return new DomainError(
    'REGISTRY_PUSHING_TASK_IMAGE_FAILED',
    { type: 'related', parameterName: 'image', description },
    { cause },
  )
}

/** Error in a response body (distribution specification, "Error Codes"); the start of the body when it is not JSON. */
export function readProblem({ body }: HttpAnswer): string {
  const text = body.toString()
  try {
    const { errors } = JSON.parse(text) as { errors: readonly { code: unknown; message: unknown }[] }
    const words = errors.map(({ code, message }) => `${code}: ${message}`).join('; ')
    return printable(words, MAX_PROBLEM_LENGTH)
  } catch {
    return printable(text, MAX_PROBLEM_LENGTH)
  }
}
