import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError } from '../contract/errors.ts'
import { runInputsPrefix, runOutputsRoot } from '../contract/storage-keys.ts'
import type { Run } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import type { StoredFile } from './array-inputs.ts'

/*
 * Downloads that are built on request and too large for a response. They are stored in S3 for later calls, and are removed with
 * the run.
 */

/** Maximum size that a function copies within API Gateway's time-out of 29 s. */
export const MAX_COPIED_BYTES = 512 * 1024 ** 2
export const MAX_COPIED_FILES = 10_000

export type StoredObject = Extract<StoredFile, { kind: 'object' }>

/** Key and file name of a prepared file. */
export interface PreparedPlace {
  readonly key: string
  readonly name: string
  readonly contentType: string
}

/**
 * Key of a file that is built from a run's inputs. It depends on the provisions, so a file under it is never outdated.
 * Parameter names have no dot.
 */
export function preparedInputKey(run: Pick<Run, 'id' | 'provisions'>, name: string): string {
  return `${runInputsPrefix(run.id)}.prepared/${fingerprint(run.provisions)}/${name}`
}

/** Key of a file that is built from the outputs of a FINISHED run, which never change. */
export function preparedOutputKey(run: Pick<Run, 'id'>, name: string): string {
  return `${runOutputsRoot(run.id)}.prepared/${name}`
}

/** The value of an id never changes, so ids suffice. */
function fingerprint(provisions: Run['provisions']): string {
  const ids = Object.entries(provisions).map(([name, one]) =>
    one.kind === 'value' ? [name, one.valueId, one.base] : [name, one.clearedId],
  )
  const text = JSON.stringify(ids.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)))
  return createHash('sha256').update(text).digest('hex')
}

/** Finds a prepared file; undefined when there is none yet. */
export async function findPrepared(
  deps: { readonly objects: ObjectStore },
  { key, name }: PreparedPlace,
): Promise<StoredObject | undefined> {
  const sizeBytes = await deps.objects.size(key)
  return sizeBytes === undefined ? undefined : { kind: 'object', name, key, sizeBytes }
}

/**
 * Stores a prepared file. Concurrent calls write the same content.
 * @throws DomainError RUN_NOT_FOUND when the run was deleted meanwhile
 */
export async function storePrepared(
  deps: { readonly objects: ObjectStore; readonly runs: RunRepository },
  runId: string,
  { key, name, contentType }: PreparedPlace,
  body: Readable,
): Promise<StoredObject> {
  const sizeBytes = await deps.objects.write(key, body, contentType)
  // A deletion first hides the run and then removes the files that it finds, so a later file is removed here.
  if ((await deps.runs.find(runId)) === undefined) {
    await deps.objects.remove(key)
    throw new DomainError('RUN_NOT_FOUND')
  }
  return { kind: 'object', name, key, sizeBytes }
}
