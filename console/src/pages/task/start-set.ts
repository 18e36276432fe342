import { ApiError } from '../../api/client.ts'
import { createSet, deleteSet, readSet } from '../../api/run-sets.ts'
import type { TaskKey } from '../../api/tasks.ts'
import type { NewSet, Problems, RunSet, TaskInput } from '../../api/types.ts'
import { uploadFile } from '../../api/uploads.ts'
import { type FormValues, isEmpty, toJson } from './field-values.ts'
import { InputError } from './start-task.ts'

interface Start {
  readonly task: TaskKey
  readonly name: string
  readonly maxConcurrency: number
  /** Whether runs take the outputs of equal runs. */
  readonly reuse: boolean
  readonly table: File
  /** Inputs that all runs share, with their values. */
  readonly inputs: readonly TaskInput[]
  readonly values: FormValues
  readonly onProgress: (words: string) => void
  readonly signal: AbortSignal
}

type Started = { readonly id: string } | { readonly problems: Problems }

const POLL_MS = 500

/**
 * Sends the table and the shared values, creates the set, and waits until the service has checked it. If the table has problems, the set
 * is deleted and the form shows them.
 * @throws InputError, ApiError
 */
export async function startSet(start: Start): Promise<Started> {
  const rows = { uploadId: await send(start.table, start) }
  const shared = await sharedValues(start)
  start.signal.throwIfAborted()
  start.onProgress('Checking the table')
  const { name, task, maxConcurrency, reuse } = start
  const wanted: NewSet = { ...(name !== '' && { name }), task, shared, rows, maxConcurrency, reuse }
  const checked = await validated(await createSet(wanted), start)
  if (checked.problems === undefined) return { id: checked.id }
  await deleteSet(checked.id)
  return { problems: checked.problems }
}

async function validated(created: RunSet, { signal, onProgress }: Start): Promise<RunSet> {
  let set = created
  while (set.state === 'VALIDATING') {
    if (set.rows > 0) onProgress('Creating the runs')
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    signal.throwIfAborted()
    set = await readSet(set.id, signal)
  }
  return set
}

async function sharedValues(start: Start): Promise<Record<string, unknown>> {
  const shared: Record<string, unknown> = {}
  for (const { name, type, optional } of start.inputs) {
    const value = start.values[name] ?? ''
    if (isEmpty(type, value, optional)) continue
    shared[name] = value instanceof File ? await sentFile(name, value, start) : toJson(type, value)
  }
  return shared
}

/** @returns the reference of the file in a set */
async function sentFile(input: string, file: File, start: Start): Promise<string> {
  try {
    return `upload:${await send(file, start)}`
  } catch (error) {
    throw error instanceof ApiError ? new InputError(input, error) : error
  }
}

async function send(file: File, { signal, onProgress }: Start): Promise<string> {
  const { id } = await uploadFile(file, {
    purpose: 'input',
    signal,
    onProgress: ({ part }) => onProgress(`Sending ${file.name}: ${Math.floor(100 * (part ?? 1))} %`),
  })
  return id
}
