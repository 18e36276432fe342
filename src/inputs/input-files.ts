import { openObject } from '../aws/object-source.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { inputValueKey } from '../contract/storage-keys.ts'
import type { FileContent, InputValue } from '../run/run.ts'
import { digestOf } from '../shared/content-digest.ts'
import { readAll } from '../shared/read-all.ts'
import type { StoreDependencies } from './provisioning.ts'

/** Values up to this size are in their DynamoDB item (limit 400 KB), larger ones in S3. */
const INLINE_BYTES = 4096

/** Stores one version of an input; it counts once the run refers to it. */
export async function storeInput(
  deps: StoreDependencies,
  runId: string,
  parameterName: string,
  text: string,
): Promise<InputValue> {
  const valueId = deps.identity.uuid()
  const file = await storeText(deps, inputValueKey(runId, parameterName, valueId), text)
  const value: InputValue = { runId, parameterName, valueId, file }
  await deps.runs.putInput(value)
  return value
}

/** Stores a text in the item or in S3, by its size. */
export async function storeText(
  deps: { readonly objects: ObjectStore },
  key: string,
  text: string,
): Promise<FileContent> {
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes <= INLINE_BYTES) return { kind: 'inline', text }
  await deps.objects.put(key, text)
  return { kind: 'object', key, sizeBytes, digest: digestOf(text) }
}

export async function readInputText(
  deps: { readonly objects: ObjectStore },
  file: FileContent,
): Promise<string> {
  if (file.kind === 'inline') return file.text
  return (await readAll(await openObject(deps.objects, file.key))).toString('utf8')
}
