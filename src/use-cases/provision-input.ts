import { batchError, DomainError, type ErrorBody, parameterError } from '../domain/errors.ts'
import type { JsonValue } from '../domain/json.ts'
import { provisionArray } from '../domain/parameters/array.ts'
import { codecOf, nullErrorOf } from '../domain/parameters/registry.ts'
import { provisionOf, type Run } from '../domain/run/run.ts'
import type { Task, TaskInput } from '../domain/task/task.ts'
import { parameterNamed } from './find-run.ts'
import { storeInput } from './input-files.ts'
import { storeArray } from './provision-array.ts'
import {
  applyProvision,
  findProvisionableRun,
  type ProvisionDependencies,
  settleState,
} from './provisioning.ts'

/** One value as a client sends it. */
export interface InputProvision {
  readonly parameterName: string
  /** A missing value is null (parameter-io 1.3). */
  readonly value: JsonValue
}

/** What the answer shows of it: the descriptor's spelling and the value as understood. */
export interface ProvisionedInput {
  readonly parameterName: string
  readonly value: JsonValue
}

/** A checked value, not stored yet; `fileText` is undefined for an explicit null, and for arrays, which are no single text. */
interface CheckedProvision {
  readonly input: TaskInput
  readonly fileText: string | undefined
  readonly value: JsonValue
}

/**
 * Gives one input a value: checked first, stored beside the old one, then switched by one conditional write; a refused value
 * leaves everything as it was. The run becomes PROVISIONED when nothing is missing any more.
 * @throws DomainError RUN_NOT_FOUND, INTERNAL_INVALID_TASK_RUN_STATE, INTERNAL_PARAMETER_DOES_NOT_EXIST or the type's error
 */
export async function provisionInput(
  deps: ProvisionDependencies,
  runId: string,
  provision: InputProvision,
): Promise<ProvisionedInput> {
  const { run, task } = await findProvisionableRun(deps, runId)
  const checked = checkProvision(task, provision)
  await settleState(deps, await storeProvision(deps, run, checked), task)
  return { parameterName: checked.input.name, value: checked.value }
}

/**
 * Gives several inputs their values: all are checked before any is stored.
 * @throws DomainError INTERNAL_GENERIC_BATCH_ERROR with every problem
 */
export async function provisionInputs(
  deps: ProvisionDependencies,
  runId: string,
  provisions: readonly InputProvision[],
): Promise<readonly ProvisionedInput[]> {
  const { run, task } = await findProvisionableRun(deps, runId)
  const problems: ErrorBody[] = []
  const checked: CheckedProvision[] = []
  for (const provision of provisions) {
    try {
      checked.push(checkProvision(task, provision))
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      // Entries name the parameter as the body spelled it (http-api 5.16).
      problems.push({
        ...error.body,
        details: { type: 'parameter', parameterName: provision.parameterName },
      })
    }
  }
  if (problems.length > 0) throw batchError('INTERNAL_GENERIC_BATCH_ERROR', problems)
  let changed = run
  for (const one of checked) changed = await storeProvision(deps, run, one)
  await settleState(deps, changed, task)
  return checked.map((one) => ({ parameterName: one.input.name, value: one.value }))
}

/** Writes the defaults of untouched inputs as if they had been provisioned (run-lifecycle 4). */
export async function provisionDefaults(deps: ProvisionDependencies, run: Run, task: Task): Promise<void> {
  for (const input of task.inputs) {
    if (input.default === undefined || provisionOf(run, input.name) !== undefined) continue
    await storeProvision(deps, run, checkProvision(task, { parameterName: input.name, value: input.default }))
  }
}

function checkProvision(task: Task, provision: InputProvision): CheckedProvision {
  const input = parameterNamed(task.inputs, provision.parameterName)
  if (input === undefined) {
    throw parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', provision.parameterName)
  }
  if (provision.value === null) {
    if (!input.optional) throw parameterError(nullErrorOf(input.type.id), input.name)
    return { input, fileText: undefined, value: null }
  }
  if (input.type.id === 'array') {
    provisionArray(provision.value, input.type, input.name)
    return { input, fileText: undefined, value: provision.value }
  }
  const codec = codecOf(input.type)
  // Images and files come as multipart bodies, never as JSON (parameter-io 6.2 and 7).
  if (codec === undefined) throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', input.name)
  return { input, ...codec.provision(provision.value, input.type, input.name) }
}

async function storeProvision(
  deps: ProvisionDependencies,
  run: Run,
  checked: CheckedProvision,
): Promise<Run> {
  const { name, type } = checked.input
  if (type.id === 'array' && checked.value !== null) {
    return applyProvision(deps, run, name, await storeArray(deps, run, name, type, checked.value))
  }
  if (type.id === 'array') {
    return applyProvision(deps, run, name, { kind: 'cleared', clearedId: deps.identity.uuid() })
  }
  if (checked.fileText === undefined) return applyProvision(deps, run, name, { kind: 'cleared' })
  const { valueId } = await storeInput(deps, run.id, name, checked.fileText)
  return applyProvision(deps, run, name, { kind: 'value', valueId })
}
