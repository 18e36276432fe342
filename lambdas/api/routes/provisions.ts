import type { Context } from 'hono'
import * as z from 'zod'
import type { ObjectStore } from '../../../src/aws/object-store.ts'
import { DomainError, parameterError } from '../../../src/contract/errors.ts'
import type { JsonValue } from '../../../src/contract/json.ts'
import { printable, quoted } from '../../../src/contract/quoted.ts'
import {
  findArrayItem,
  provisionArrayItem,
  provisionArrayItemFile,
} from '../../../src/inputs/provision-array.ts'
import { provisionFile } from '../../../src/inputs/provision-file.ts'
import { provisionInput, provisionInputs } from '../../../src/inputs/provision-input.ts'
import {
  findRunAndTask,
  parameterNamed,
  type Repositories,
  requireParameter,
} from '../../../src/run/find-run.ts'
import type { Identity } from '../../../src/shared/identity.ts'
import { listOf } from '../../../src/shared/list-of.ts'
import type { UploadRepository } from '../../../src/upload/upload-repository.ts'
import { readDocument, readValueBody, type SentDocument } from '../input-body.ts'
import { joinedQuery } from '../query.ts'
import type { Handlers, RequestContext } from '../route-table.ts'
import { viewItemProvision, viewProvision } from '../views.ts'

/** Ports and settings of these handlers. */
interface Dependencies extends Repositories {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly uploads: UploadRepository
}

/**
 * Unknown keys and any `type` are ignored (http-api 3.4). The value is not checked here: it is JSON already, and a recursive check
 * would overflow the stack on deep nesting.
 */
export const provisionSchema = z.object({
  parameterName: z.string().optional(),
  value: z.custom<JsonValue>().optional(),
})
const batchSchema = listOf(provisionSchema.required({ parameterName: true }))

type BatchContext = RequestContext<'provisionInputs'>
type InputContext = RequestContext<'provisionInput'>
type ItemContext = RequestContext<'provisionInputItem'>

/** Values of inputs (http-api 5.15 to 5.17). The reference accepts multipart by POST only; core sends it by PUT as well (2.1). */
export function provisionHandlers(deps: Dependencies) {
  const one = quietly((context: InputContext) => provisionOne(deps, context))
  const item = quietly((context: ItemContext) => provisionItem(deps, context))
  return {
    provisionInput: one,
    provisionInputFile: one,
    provisionInputItem: item,
    provisionInputItemFile: item,
    provisionInputs: quietly((context: BatchContext) => provisionBatch(deps, context)),
  } satisfies Partial<Handlers>
}

/** Answers a success by 204 without a body when the client prefers `return=minimal` (RFC 7240, 4.2). */
function quietly<Called extends Context>(handle: (context: Called) => Promise<Response>): typeof handle {
  return async (context) => {
    const answer = await handle(context)
    const isMinimal = /\breturn=minimal\b/u.test(context.req.header('prefer') ?? '')
    if (!isMinimal || !answer.ok) return answer
    return context.body(null, 204, { 'preference-applied': 'return=minimal' })
  }
}

async function provisionOne(deps: Dependencies, context: InputContext): Promise<Response> {
  const { id, parameter } = context.req.param()
  const found = await findRunAndTask(deps, id)
  const input = requireParameter(found.task.inputs, parameter)
  const runId = found.run.id
  const sent = await readValueBody(deps, context, input.type, input.name)
  if ('file' in sent) {
    await provisionFile(deps, found, input.name, sent.file)
    return context.json(viewProvision({ parameterName: input.name, value: null }, runId, input.type))
  }
  const body = parseBody(provisionSchema, sent.document)
  // The URL's name is authoritative; a body that names another parameter is a mistake (5.15, REC).
  if (body.parameterName !== undefined && parameterNamed(found.task.inputs, body.parameterName) !== input) {
    const words = `the body names the parameter ${quoted(body.parameterName, 60)}, and the path ${quoted(input.name, 60)}; expected the same, or none in the body`
    throw parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', parameter, words)
  }
  const provisioned = await provisionInput(deps, found, {
    parameterName: input.name,
    value: body.value ?? null,
  })
  return context.json(viewProvision(shownOf(provisioned, sent), runId, input.type))
}

async function provisionItem(deps: Dependencies, context: ItemContext): Promise<Response> {
  const { id, parameter } = context.req.param()
  const target = findArrayItem(await findRunAndTask(deps, id), parameter, joinedQuery(context, 'value'))
  const sent = await readValueBody(deps, context, target.itemType, target.input.name)
  if ('file' in sent) {
    await provisionArrayItemFile(deps, target, sent.file)
    return context.json(viewItemProvision(target, null))
  }
  const value = parseBody(provisionSchema, sent.document).value ?? null
  await provisionArrayItem(deps, target, value)
  return context.json(viewItemProvision(target, shownOf({ value }, sent).value))
}

async function provisionBatch(deps: Dependencies, context: BatchContext): Promise<Response> {
  const runId = context.req.param('id')
  const found = await findRunAndTask(deps, runId)
  const sent = await readDocument(deps, context)
  const body = parseBody(batchSchema, sent.document, 'a list of {"parameterName": …, "value": …}')
  const provisioned = await provisionInputs(
    deps,
    found,
    body.map(({ parameterName, value }) => ({ parameterName, value: value ?? null })),
  )
  return context.json(
    provisioned.flatMap((one) => {
      const input = parameterNamed(found.task.inputs, one.parameterName)
      return input === undefined ? [] : [viewProvision(shownOf(one, sent), runId, input.type)]
    }),
  )
}

/** Omits the value of an upload, which may be too large for a response. */
function shownOf<Provisioned extends { readonly value: JsonValue }>(
  provisioned: Provisioned,
  { isUpload }: SentDocument,
): Omit<Provisioned, 'value'> & { readonly value: JsonValue | undefined } {
  return isUpload ? { ...provisioned, value: undefined } : provisioned
}

function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: JsonValue,
  expected = '{"value": …}',
): z.infer<Schema> {
  const parsed = schema.safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const place =
      issue === undefined || issue.path.length === 0 ? '' : ` at ${printable(issue.path.join('.'), 60)}`
    const words = `the body has another form than expected${place}: ${printable(issue?.message ?? '')}; expected ${expected}`
    throw new DomainError('INTERNAL_JSON_PROCESSING_ERROR', undefined, { words })
  }
  return parsed.data
}
