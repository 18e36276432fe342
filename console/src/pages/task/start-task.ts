import { ApiError, call, send } from '../../api/client.ts'
import { path } from '../../api/paths.ts'
import { createRun, deleteRun, startRun } from '../../api/runs.ts'
import type { TaskKey } from '../../api/tasks.ts'
import type { ParameterType, TaskInput } from '../../api/types.ts'
import { uploadFile } from '../../api/uploads.ts'
import { type FieldValue, type FormValues, holdsFiles, isEmpty, toJson } from './field-values.ts'

interface Start {
  readonly task: TaskKey
  readonly inputs: readonly TaskInput[]
  readonly values: FormValues
  /** Whether to take the outputs of an equal run. */
  readonly reuse: boolean
  readonly onProgress: (words: string) => void
  readonly signal: AbortSignal
}

/** A refusal of one input. */
export class InputError extends Error {
  readonly input: string
  constructor(input: string, cause: ApiError) {
    super(cause.message, { cause })
    this.input = input
  }
}

/** Larger files are uploaded to the bucket in parts, because without an edge the API accepts at most 10 MB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

/**
 * Creates a run, provisions its inputs and starts it. A run that cannot be started is deleted.
 * @returns the id of the run
 * @throws InputError, ApiError
 */
export async function startTask(start: Start): Promise<string> {
  start.onProgress('Creating the run')
  const run = await createRun(start.task)
  try {
    await sendPlain(run.id, start)
    for (const input of start.inputs) await sendFiles(run.id, input, start)
    start.signal.throwIfAborted()
    start.onProgress('Starting')
    await startRun(run.id, start.reuse)
    return run.id
  } catch (error) {
    await deleteRun(run.id).catch(() => undefined)
    throw error
  }
}

/** Sends all JSON values in one call, so that the service reports all errors at once. */
async function sendPlain(runId: string, { inputs, values, onProgress }: Start): Promise<void> {
  const plain = inputs.filter(({ type }) => !holdsFiles(type))
  if (plain.length === 0) return
  onProgress('Sending values')
  const sent = plain.map(({ name, type, optional }) => {
    const value = values[name] ?? ''
    return { parameterName: name, value: isEmpty(type, value, optional) ? null : toJson(type, value) }
  })
  await send('PUT', `task-runs/${path(runId)}/input-provisions`, sent)
}

async function sendFiles(runId: string, { name, type, optional }: TaskInput, start: Start): Promise<void> {
  const value = start.values[name] ?? ''
  if (!holdsFiles(type) || isEmpty(type, value, optional)) return
  const base = `task-runs/${path(runId)}/input-provisions/${path(name)}`
  const leaves = leavesOf(type, value, [])
  try {
    // An empty array has no items to send, so it is sent as JSON.
    if (type.id === 'array' && leaves.length === 0) await send('PUT', base, { value: [] })
    for (const { file, indexes } of leaves) {
      const target = type.id === 'array' ? `${base}/indexes?value=${indexes.join('/')}` : base
      await sendFile(target, file, start)
    }
  } catch (error) {
    throw error instanceof ApiError ? new InputError(name, error) : error
  }
}

interface Leaf {
  readonly file: File
  readonly indexes: readonly number[]
}

function leavesOf(type: ParameterType, value: FieldValue, indexes: readonly number[]): Leaf[] {
  if (value instanceof File) return [{ file: value, indexes }]
  if (type.id !== 'array' || !Array.isArray(value)) return []
  return value.flatMap((item, at) => leavesOf(type.subType, item, [...indexes, at]))
}

async function sendFile(target: string, file: File, { onProgress, signal }: Start): Promise<void> {
  onProgress(`Sending ${file.name}`)
  if (file.size <= MAX_BODY_BYTES) {
    const form = new FormData()
    form.append('file', file, file.name)
    await call(target, { method: 'POST', form, signal })
    return
  }
  const upload = await uploadFile(file, {
    purpose: 'input',
    signal,
    onProgress: ({ part }) => onProgress(`Sending ${file.name}: ${Math.floor(100 * (part ?? 1))} %`),
  })
  await send('PUT', target, { uploadId: upload.id })
}
