import { Readable } from 'node:stream'
import { parameterError } from '../domain/errors.ts'
import type { FileContent, InputValue } from '../domain/run/run.ts'
import { runInputsPrefix } from '../domain/storage-keys.ts'
import type { TaskInput } from '../domain/task/task.ts'
import { type ByteSource, bufferSource } from '../formats/zip/byte-source.ts'
import { openZip } from '../formats/zip/read-zip.ts'
import { storedZip } from '../formats/zip/stored-zip.ts'
import { checkFile, checkImage } from './check-file-value.ts'
import { parameterNamed } from './find-run.ts'
import {
  applyProvision,
  findProvisionableRun,
  type ProvisionDependencies,
  settleState,
} from './provision-input.ts'

/** What a multipart call brings: the first part, and perhaps a second one that is stored beside it as GeoJSON. */
export interface UploadedValue {
  readonly value: Uint8Array
  readonly companion?: Uint8Array
}

/**
 * Gives an image or file input its bytes: checked first, stored beside the old ones, then switched by one conditional write.
 * @returns the parameter's name as the descriptor spells it.
 * @throws DomainError RUN_NOT_FOUND, INTERNAL_INVALID_TASK_RUN_STATE, INTERNAL_PARAMETER_DOES_NOT_EXIST or the type's error
 */
export async function provisionFile(
  deps: ProvisionDependencies,
  runId: string,
  parameterName: string,
  uploaded: UploadedValue,
): Promise<string> {
  const { run, task } = await findProvisionableRun(deps, runId)
  const input = parameterNamed(task.inputs, parameterName)
  if (input === undefined) throw parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', parameterName)
  const source = bufferSource(uploaded.value)
  const isTree = await checkValue(source, input)

  const valueId = deps.identity.uuid()
  const key = `${runInputsPrefix(runId)}${input.name}/${valueId}`
  const file = isTree
    ? await storeTree(deps, key, source, input.name)
    : await storeBytes(deps, key, uploaded.value)
  const value: InputValue = {
    runId,
    parameterName: input.name,
    valueId,
    file,
    ...(uploaded.companion === undefined
      ? {}
      : { companion: await storeBytes(deps, `${key}.geojson`, uploaded.companion) }),
  }
  await deps.runs.putInput(value)
  await settleState(deps, await applyProvision(deps, run, input.name, { kind: 'value', valueId }), task)
  return input.name
}

/** Whether the value is a zip that becomes a folder. */
async function checkValue(source: ByteSource, input: TaskInput): Promise<boolean> {
  switch (input.type.id) {
    case 'image':
      return (await checkImage(source, input.type, input.name)) === 'dicom-zip'
    case 'file':
      checkFile(source, input.type, input.name)
      return false
    default:
      // Texts come as JSON (parameter-io 1.4).
      throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', input.name)
  }
}

async function storeBytes(deps: ProvisionDependencies, key: string, bytes: Uint8Array): Promise<FileContent> {
  await deps.objects.put(key, bytes)
  return { kind: 'object', key, sizeBytes: bytes.byteLength }
}

/** Packs the zip's files anew, uncompressed and below the parameter's name, whatever wrote it. */
async function storeTree(
  deps: ProvisionDependencies,
  key: string,
  source: ByteSource,
  parameterName: string,
): Promise<FileContent> {
  const zip = await openZip(source)
  const entries = zip.entries.map((entry) => ({
    name: `${parameterName}/${entry.name}`,
    sizeBytes: entry.sizeBytes,
    open: async () => Readable.from(zip.read(entry)),
  }))
  return { kind: 'tree', key, sizeBytes: await deps.objects.write(key, storedZip(entries)) }
}
