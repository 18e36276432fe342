import type { Context } from 'hono'
import * as z from 'zod'
import { DomainError, parameterError } from '../../../src/domain/errors.ts'
import type { JsonValue } from '../../../src/domain/json.ts'
import type { Task, TaskInput } from '../../../src/domain/task/task.ts'
import { findRunAndTask, parameterNamed } from '../../../src/use-cases/find-run.ts'
import {
  type ArrayItemTarget,
  findArrayItem,
  provisionArrayItem,
  provisionArrayItemFile,
} from '../../../src/use-cases/provision-array.ts'
import { provisionFile, type UploadedValue } from '../../../src/use-cases/provision-file.ts'
import { provisionInput, provisionInputs } from '../../../src/use-cases/provision-input.ts'
import type { ApiDependencies } from '../dependencies.ts'
import { readJson } from '../json-body.ts'
import { isMultipart, readMultipart } from '../multipart.ts'
import { pathVariable, type Route } from '../route.ts'
import { viewItemProvision, viewProvision } from '../views.ts'

/**
 * Unknown keys and any `type` are ignored (http-api 3.4). The value was parsed as JSON: walking through it again would only cost
 * time, and the stack where it nests deep.
 */
export const provisionSchema = z.object({
  parameterName: z.string().optional(),
  value: z.custom<JsonValue>().optional(),
})
const batchSchema = z.array(provisionSchema.required({ parameterName: true }))

/** Giving inputs their values (http-api 5.15 to 5.17). */
export function provisionRoutes(deps: ApiDependencies): readonly Route[] {
  return [
    {
      method: 'PUT',
      path: '/task-runs/:id/input-provisions/:parameter',
      // The reference maps multipart on POST only; core sends PUT as well (http-api 2.1).
      handle: (context) =>
        isMultipart(context) ? provisionUploaded(deps, context) : provisionOne(deps, context),
    },
    {
      method: 'POST',
      path: '/task-runs/:id/input-provisions/:parameter',
      handle: (context) => provisionUploaded(deps, context),
    },
    {
      method: 'PUT',
      path: '/task-runs/:id/input-provisions/:parameter/indexes',
      handle: (context) =>
        isMultipart(context) ? provisionItemUploaded(deps, context) : provisionItem(deps, context),
    },
    {
      method: 'POST',
      path: '/task-runs/:id/input-provisions/:parameter/indexes',
      handle: (context) => provisionItemUploaded(deps, context),
    },
    {
      method: 'PUT',
      path: '/task-runs/:id/input-provisions',
      handle: (context) => provisionBatch(deps, context),
    },
  ]
}

/** The input that the path names. */
async function findInput(
  deps: ApiDependencies,
  context: Context,
): Promise<{ readonly runId: string; readonly task: Task; readonly input: TaskInput }> {
  const runId = pathVariable(context, 'id')
  const { task } = await findRunAndTask(deps, runId)
  const name = pathVariable(context, 'parameter')
  const input = parameterNamed(task.inputs, name)
  if (input === undefined) throw parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', name)
  return { runId, task, input }
}

async function provisionOne(deps: ApiDependencies, context: Context): Promise<Response> {
  const { runId, task, input } = await findInput(deps, context)
  const body = parseBody(provisionSchema, await readJson(context, 'INTERNAL_JSON_PROCESSING_ERROR'))
  // The URL's name is authoritative; a body that names another parameter is a mistake (5.15, REC).
  if (body.parameterName !== undefined && parameterNamed(task.inputs, body.parameterName) !== input) {
    throw parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', pathVariable(context, 'parameter'))
  }
  const provisioned = await provisionInput(deps, runId, {
    parameterName: input.name,
    value: body.value ?? null,
  })
  return context.json(viewProvision(provisioned, runId, input.type))
}

async function provisionItem(deps: ApiDependencies, context: Context): Promise<Response> {
  const target = await findItem(deps, context)
  const body = parseBody(provisionSchema, await readJson(context, 'INTERNAL_JSON_PROCESSING_ERROR'))
  const value = body.value ?? null
  await provisionArrayItem(deps, target, value)
  return context.json(viewItemProvision(target, value))
}

async function provisionItemUploaded(deps: ApiDependencies, context: Context): Promise<Response> {
  const target = await findItem(deps, context)
  await provisionArrayItemFile(deps, target, await readUpload(context, target.input.name))
  return context.json(viewItemProvision(target, null))
}

function findItem(deps: ApiDependencies, context: Context): Promise<ArrayItemTarget> {
  return findArrayItem(
    deps,
    pathVariable(context, 'id'),
    pathVariable(context, 'parameter'),
    context.req.query('value'),
  )
}

async function provisionUploaded(deps: ApiDependencies, context: Context): Promise<Response> {
  const { runId, input } = await findInput(deps, context)
  await provisionFile(deps, runId, input.name, await readUpload(context, input.name))
  return context.json(viewProvision({ parameterName: input.name, value: null }, runId, input.type))
}

/** Errors of the body itself name the parameter here (http-api 5.15). */
async function readUpload(context: Context, parameterName: string): Promise<UploadedValue> {
  try {
    const { first, second } = await readMultipart(context)
    return { value: first, ...(second === undefined ? {} : { companion: second }) }
  } catch (error) {
    if (error instanceof DomainError) throw parameterError(error.error, parameterName)
    throw error
  }
}

async function provisionBatch(deps: ApiDependencies, context: Context): Promise<Response> {
  const runId = pathVariable(context, 'id')
  const { task } = await findRunAndTask(deps, runId)
  const body = parseBody(batchSchema, await readJson(context, 'INTERNAL_JSON_PROCESSING_ERROR'))
  const provisioned = await provisionInputs(
    deps,
    runId,
    body.map(({ parameterName, value }) => ({ parameterName, value: value ?? null })),
  )
  return context.json(
    provisioned.flatMap((one) => {
      const input = parameterNamed(task.inputs, one.parameterName)
      return input === undefined ? [] : [viewProvision(one, runId, input.type)]
    }),
  )
}

function parseBody<Schema extends z.ZodType>(schema: Schema, body: JsonValue): z.infer<Schema> {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw new DomainError('INTERNAL_JSON_PROCESSING_ERROR')
  return parsed.data
}
