import * as z from 'zod'

interface ErrorBody {
  readonly message: string
  readonly explanation?: string | undefined
  readonly details?: z.infer<typeof detailsSchema> | undefined
}

const errorSchema: z.ZodType<ErrorBody> = z.lazy(() =>
  z.object({
    message: z.string(),
    explanation: z.string().optional().catch(undefined),
    details: detailsSchema.optional().catch(undefined),
  }),
)
const detailsSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('related'), parameterName: z.string(), description: z.string() }),
  z.object({ type: z.literal('parameter'), parameterName: z.string() }),
  z.object({ type: z.literal('batch'), errors: z.array(errorSchema) }),
  z.object({ type: z.literal('empty'), errors: z.array(errorSchema).optional() }),
])

/** Lines that explain an error body: its message, then its details. Other texts are returned unchanged. */
export function explainError(body: unknown): string {
  const parsed = errorSchema.safeParse(typeof body === 'string' ? parseJson(body) : body)
  if (parsed.success) return linesOf(parsed.data).join('\n')
  return (typeof body === 'string' ? body : JSON.stringify(body)).slice(0, 500)
}

/** Titles without information beyond the lines below them. */
const EMPTY_TITLE = /^(?:Error\(s\) occurred|Run not found\.$)/u

/** Omits a title that adds nothing. */
export function withoutTitle(words: string): string {
  const [title = '', ...lines] = words.split('\n')
  return EMPTY_TITLE.test(title) && lines.length > 0 ? lines.map((line) => line.trim()).join('\n') : words
}

function linesOf({ message, explanation, details }: ErrorBody): readonly string[] {
  if (explanation !== undefined) return [message, `  ${explanation}`]
  switch (details?.type) {
    case 'related':
      return [message, `  ${details.parameterName}: ${details.description}`]
    case 'parameter':
      return [`${details.parameterName}: ${message}`]
    case 'batch':
      return [message, ...details.errors.flatMap((one) => linesOf(one).map((line) => `  ${line}`))]
    case 'empty':
      return [
        message,
        ...(details.errors ?? []).flatMap((one) => (one.message === message ? [] : [`  ${one.message}`])),
      ]
    default:
      return [message]
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
