import { objectSource } from '../aws/object-source.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError, parameterError, wordsOf } from '../contract/errors.ts'
import { quoted } from '../contract/quoted.ts'
import { findOutputFile } from '../outputs/read-outputs.ts'
import type { RunRepository } from '../run/run-repository.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import { findCompleteUpload } from '../upload/find-upload.ts'
import { type SentFile, sentUpload } from '../upload/sent-file.ts'
import type { UploadRepository } from '../upload/upload-repository.ts'

/** Ports of the lookup of files. */
export interface FileDependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly tasks: TaskRepository
  readonly uploads: UploadRepository
  /** Returns a bucket that sets may read; undefined for any other. */
  readonly inputBucket: (name: string) => InputBucket | undefined
}

/** A bucket of the installation's owner with objects that may be inputs. */
export interface InputBucket {
  readonly objects: Pick<ObjectStore, 'find' | 'read'>
  /** Copies one version of an object into the installation's bucket. @returns the digest of its content, if it is known */
  copy(from: string, to: string, etag: string): Promise<string | undefined>
}

const EXPECTED = 'expected "upload:<id>", "run:<id>/<output>" or "s3://<bucket>/<key>"'

/**
 * Finds the file that the value of an image or file input names.
 * @throws DomainError naming the parameter
 */
export async function findFile(
  deps: FileDependencies,
  reference: unknown,
  parameterName: string,
): Promise<SentFile> {
  const refuse = (words: string): DomainError =>
    parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words, { isMessageOurs: true })
  if (typeof reference !== 'string') throw refuse(`the value is not a text; ${EXPECTED}`)
  const [, scheme = '', rest = ''] = /^(upload:|run:|s3:\/\/)(.+)$/su.exec(reference) ?? []
  try {
    if (scheme === 'upload:') {
      return await sentUpload(
        deps.objects,
        await findCompleteUpload(deps, rest, 'input', 'uploadId'),
        'uploadId',
      )
    }
    if (scheme === 'run:') return await sentOutput(deps, rest)
    if (scheme === 's3://') return await sentObject(deps, rest)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    throw refuse(wordsOf(error))
  }
  throw refuse(`${quoted(reference, 80)} names no file; ${EXPECTED}`)
}

/** Finds an output of another run. */
async function sentOutput(deps: FileDependencies, rest: string): Promise<SentFile> {
  const slash = rest.indexOf('/')
  const { key } = await findOutputFile(deps, rest.slice(0, slash), rest.slice(slash + 1), false)
  const gone = (): DomainError =>
    new DomainError('RUN_NOT_FOUND', undefined, { words: `the run of ${quoted(rest, 80)} was deleted` })
  const found = await deps.objects.find(key)
  if (found === undefined) throw gone()
  return {
    source: objectSource(deps.objects, { key, ...found }),
    async store(to) {
      const copied = await deps.objects.copy(key, to, found.etag)
      if (copied === undefined) throw gone()
      return copied.digest
    },
  }
}

/** Finds an object in a bucket that the installation's settings allow. */
async function sentObject(deps: FileDependencies, rest: string): Promise<SentFile> {
  const slash = rest.indexOf('/')
  const [name, key] = [rest.slice(0, slash), rest.slice(slash + 1)]
  const refuse = (words: string): DomainError => new DomainError('RUN_SET_INVALID', undefined, { words })
  if (slash < 1 || key === '')
    throw refuse(`${quoted(`s3://${rest}`, 80)} does not name an object; expected s3://<bucket>/<key>`)
  const bucket = deps.inputBucket(name)
  if (bucket === undefined) {
    throw refuse(`the bucket ${quoted(name, 80)} is not in the setting inputBuckets`)
  }
  const found = await bucket.objects.find(key)
  if (found === undefined)
    throw refuse(`there is no object ${quoted(key, 80)} in the bucket ${quoted(name, 80)}`)
  return {
    source: objectSource(bucket.objects, { key, ...found }),
    store: (to) => bucket.copy(key, to, found.etag),
  }
}
