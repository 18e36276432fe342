import { unreadable } from '../contract/errors.ts'
import { inputValueKey } from '../contract/storage-keys.ts'
import { type RunAndTask, requireParameter } from '../run/find-run.ts'
import type { InputValue } from '../run/run.ts'
import type { ByteSource } from '../shared/byte-source.ts'
import type { ParameterType } from '../task/task.ts'
import type { SentFile } from '../upload/sent-file.ts'
import { checkFile, checkImage } from './check-file-value.ts'
import {
  applyProvision,
  type ProvisionDependencies,
  requireProvisionable,
  settleState,
} from './provisioning.ts'

/** Files of a call: the value, and optionally a GeoJSON companion. */
export interface SentValue {
  readonly value: SentFile
  readonly companion?: SentFile
}

/**
 * Provisions an image or file input. The file is checked and stored beside the old one, then a conditional write
 * switches to it.
 * @returns the parameter's name as the descriptor spells it
 * @throws DomainError INTERNAL_INVALID_TASK_RUN_STATE, INTERNAL_PARAMETER_DOES_NOT_EXIST or the type's error
 */
export async function provisionFile(
  deps: ProvisionDependencies,
  { run, task }: RunAndTask,
  parameterName: string,
  sent: SentValue,
): Promise<string> {
  requireProvisionable(run)
  const input = requireParameter(task.inputs, parameterName)
  const value = await storeSentValue(deps, run.id, { ...input, parameterName: input.name }, sent)
  await deps.runs.putInput(value)
  const provision = { kind: 'value', valueId: value.valueId } as const
  await settleState(deps, await applyProvision(deps, run, input.name, provision), task)
  return input.name
}

interface FileInput {
  /** Name of the parameter, or of an array item. */
  readonly name: string
  readonly type: ParameterType
  /** Name in messages. */
  readonly parameterName: string
}

/**
 * Checks an image or file, reading ranges of it, and stores it under a new key; the caller switches the run to it.
 * @throws DomainError naming `parameterName`, with the type's code
 */
export async function storeSentValue(
  deps: Pick<ProvisionDependencies, 'identity'>,
  runId: string,
  { name, type, parameterName }: FileInput,
  { value, companion }: SentValue,
): Promise<InputValue> {
  const kind = await checkValue(value.source, type, parameterName)
  const valueId = deps.identity.uuid()
  const key = inputValueKey(runId, name, valueId)
  const stored = {
    runId,
    parameterName: name,
    valueId,
    file: { kind, ...(await storeAt(value, key)) },
  }
  if (companion === undefined) return stored
  return { ...stored, companion: { kind: 'object', ...(await storeAt(companion, `${key}.geojson`)) } }
}

async function storeAt({ source: { sizeBytes }, store }: SentFile, key: string) {
  const digest = await store(key)
  return { key, sizeBytes, ...(digest !== undefined && { digest }) }
}

/**
 * @returns the stored form: files are stored unchanged, but a zip represents a folder
 * @throws DomainError naming the parameter, with the type's code
 */
export async function checkValue(
  source: ByteSource,
  type: ParameterType,
  parameterName: string,
): Promise<'object' | 'zip'> {
  switch (type.id) {
    case 'image':
      return (await checkImage(source, type, parameterName)) === 'dicom-zip' ? 'zip' : 'object'
    case 'file':
      checkFile(source.sizeBytes, type, parameterName)
      return 'object'
    default:
      // Texts are sent as JSON (parameter-io 1.4).
      throw unreadable(
        parameterName,
        `a value of type ${type.id} cannot be sent as a file; send it as JSON: {"value": …}`,
      )
  }
}
