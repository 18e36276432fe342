import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError } from '../contract/errors.ts'
import { runInputsPrefix, runOutputsRoot } from '../contract/storage-keys.ts'
import type { Run } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import type { StoredFile } from './array-inputs.ts'

/*
 * What is made of a run's files when somebody asks for it, and is too large for an answer: kept in the bucket, for the next one
 * who asks as well. It goes with the run.
 */

/** A file of the bucket. */
export type StoredObject = Extract<StoredFile, { kind: 'object' }>

/** Where a file is kept, and what it is called. */
export interface PreparedPlace {
  readonly key: string
  readonly name: string
  readonly contentType: string
}

/**
 * Key of what is made of a run's inputs. With other provisions it is another one, so what lies there is right as long as it lies
 * there. No parameter's name has a dot.
 */
export function preparedInputKey(run: Pick<Run, 'id' | 'provisions'>, name: string): string {
  return `${runInputsPrefix(run.id)}.prepared/${fingerprint(run.provisions)}/${name}`
}

/** Key of what is made of the outputs of a FINISHED run, which change no more. */
export function preparedOutputKey(run: Pick<Run, 'id'>, name: string): string {
  return `${runOutputsRoot(run.id)}.prepared/${name}`
}

/** A value never changes under its id; what else is known of it follows from it. */
function fingerprint(provisions: Run['provisions']): string {
  const ids = Object.entries(provisions).map(([name, one]) =>
    one.kind === 'value' ? [name, one.valueId, one.base] : [name, one.clearedId],
  )
  const text = JSON.stringify(ids.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)))
  return createHash('sha256').update(text).digest('hex')
}

/** What was made of it before; undefined when nobody has asked yet. */
export async function findPrepared(
  deps: { readonly objects: ObjectStore },
  { key, name }: PreparedPlace,
): Promise<StoredObject | undefined> {
  const sizeBytes = await deps.objects.size(key)
  return sizeBytes === undefined ? undefined : { kind: 'object', name, key, sizeBytes }
}

/**
 * Keeps what was made. Two who ask at the same time write the same.
 * @throws DomainError RUN_NOT_FOUND when the run was deleted meanwhile
 */
export async function storePrepared(
  deps: { readonly objects: ObjectStore; readonly runs: RunRepository },
  runId: string,
  { key, name, contentType }: PreparedPlace,
  body: Readable,
): Promise<StoredObject> {
  const sizeBytes = await deps.objects.write(key, body, contentType)
  // A deletion hides the run before it removes files, but removes only those that it sees.
  if ((await deps.runs.find(runId)) === undefined) {
    await deps.objects.remove(key)
    throw new DomainError('RUN_NOT_FOUND')
  }
  return { kind: 'object', name, key, sizeBytes }
}
