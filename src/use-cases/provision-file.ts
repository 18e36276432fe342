import { Readable } from 'node:stream'
import { parameterError } from '../domain/errors.ts'
import type { FileContent, InputValue } from '../domain/run/run.ts'
import { runInputsPrefix } from '../domain/storage-keys.ts'
import type { ParameterType } from '../domain/task/task.ts'
import { type ByteSource, bufferSource } from '../formats/zip/byte-source.ts'
import { openZip } from '../formats/zip/read-zip.ts'
import { storedZip } from '../formats/zip/stored-zip.ts'
import { ZipFormatError } from '../formats/zip/zip-format-error.ts'
import { checkFile, checkImage } from './check-file-value.ts'
import { parameterNamed } from './find-run.ts'
import {
  applyProvision,
  findProvisionableRun,
  type ProvisionDependencies,
  settleState,
} from './provisioning.ts'

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
  const value = await storeUploadedValue(deps, runId, input.name, input.type, input.name, uploaded)
  await deps.runs.putInput(value)
  const provision = { kind: 'value', valueId: value.valueId } as const
  await settleState(deps, await applyProvision(deps, run, input.name, provision), task)
  return input.name
}

/**
 * Checks the bytes of an image or file and stores them under a name of their own; the caller makes them count.
 * @param name of the parameter, or of an array's item
 * @throws DomainError naming `parameterName`, with the type's code
 */
export async function storeUploadedValue(
  deps: ProvisionDependencies,
  runId: string,
  name: string,
  type: ParameterType,
  parameterName: string,
  uploaded: UploadedValue,
): Promise<InputValue> {
  const source = bufferSource(uploaded.value)
  const isTree = await checkValue(source, type, parameterName)
  const valueId = deps.identity.uuid()
  const key = `${runInputsPrefix(runId)}${name}/${valueId}`
  return {
    runId,
    parameterName: name,
    valueId,
    file: isTree
      ? await storeTree(deps, key, source, name, parameterName)
      : await storeBytes(deps, key, uploaded.value),
    ...(uploaded.companion === undefined
      ? {}
      : { companion: await storeBytes(deps, `${key}.geojson`, uploaded.companion) }),
  }
}

/** Whether the value is a zip that becomes a folder. */
async function checkValue(source: ByteSource, type: ParameterType, parameterName: string): Promise<boolean> {
  switch (type.id) {
    case 'image':
      return (await checkImage(source, type, parameterName)) === 'dicom-zip'
    case 'file':
      checkFile(source.sizeBytes, type, parameterName)
      return false
    default:
      // Texts come as JSON (parameter-io 1.4).
      throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName)
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
  name: string,
  parameterName: string,
): Promise<FileContent> {
  const zip = await openZip(source)
  const entries = zip.entries.map((entry) => ({
    name: `${name}/${entry.name}`,
    sizeBytes: entry.sizeBytes,
    open: async () => Readable.from(zip.read(entry)),
  }))
  try {
    return { kind: 'tree', key, sizeBytes: await deps.objects.write(key, storedZip(entries)) }
  } catch (error) {
    // Damage behind the files' headers, which is all that was looked at before.
    if (error instanceof ZipFormatError) throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName)
    throw error
  }
}
