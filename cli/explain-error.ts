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

/** Lines that explain an error body: its message, then its details. Other texts are shortened. */
export function explainError(body: unknown): string {
  const parsed = errorSchema.safeParse(typeof body === 'string' ? parseJson(body) : body)
  if (parsed.success) return linesOf(parsed.data).join('\n')
  return shownBody(typeof body === 'string' ? body : JSON.stringify(body))
}

const MAX_SHOWN_LENGTH = 500

/** Whether a text is HTML. */
export function isWebPage(text: string): boolean {
  return /^\s*<(?:!doctype html|html)\b/iu.test(text)
}

/** Short form of a body that another program than the service has sent; for a web page its title. */
export function shownBody(text: string): string {
  if (!isWebPage(text)) return text.slice(0, MAX_SHOWN_LENGTH)
  const title = /<title>(?<title>[^<]*)/iu.exec(text)?.groups?.title?.replaceAll(/\s+/gu, ' ').trim() ?? ''
  return title === '' ? 'a web page' : `a web page, "${title.slice(0, MAX_SHOWN_LENGTH)}"`
}

/** Titles that say less than the lines below them. */
const EMPTY_TITLE = /^(?:Error\(s\) occurred|Run not found\.$)/u

/** Omits a title that says less than the lines below it. */
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
