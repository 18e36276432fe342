import { batchError, DomainError, type ErrorBody } from '../contract/errors.ts'
import type { JsonValue } from '../contract/json.ts'
import { type RunAndTask, requireParameter } from '../run/find-run.ts'
import { type Provision, provisionOf, type Run } from '../run/run.ts'
import { notJson, nullError, type ProvisionedArray, provisionArray } from '../task/parameters/array.ts'
import { codecOf } from '../task/parameters/registry.ts'
import type { Task, TaskInput } from '../task/task.ts'
import { storeInput } from './input-files.ts'
import {
  applyProvisions,
  type ProvisionDependencies,
  requireProvisionable,
  type StoreDependencies,
  settleState,
} from './provisioning.ts'
import { storeArray } from './store-array.ts'

/** One value in a client's request. */
export interface InputProvision {
  readonly parameterName: string
  /** A missing value is null (parameter-io 1.3). */
  readonly value: JsonValue
}

/** Response for one value: the name as the descriptor spells it, and the value as parsed. */
export interface ProvisionedInput {
  readonly parameterName: string
  readonly value: JsonValue
}

/** A valid value that is not stored yet. */
export interface CheckedProvision {
  readonly input: TaskInput
  /** A text, or the folder of an array; undefined for an explicit null. */
  readonly content: string | ProvisionedArray | undefined
  readonly value: JsonValue
}

/**
 * Provisions one input. The value is checked and stored beside the old one, then a conditional write switches to it. An
 * invalid value changes nothing. The run becomes PROVISIONED when no input is missing.
 * @throws DomainError INTERNAL_INVALID_TASK_RUN_STATE, INTERNAL_PARAMETER_DOES_NOT_EXIST or the type's error
 */
export async function provisionInput(
  deps: ProvisionDependencies,
  { run, task }: RunAndTask,
  provision: InputProvision,
): Promise<ProvisionedInput> {
  requireProvisionable(run)
  const checked = checkProvision(task, provision)
  await applyChecked(deps, run, task, [checked])
  return { parameterName: checked.input.name, value: checked.value }
}

/**
 * Provisions several inputs, all or none: all are checked before any is stored, and one write switches to all. If a
 * parameter occurs twice, its last value counts.
 * @throws DomainError INTERNAL_GENERIC_BATCH_ERROR with every problem
 */
export async function provisionInputs(
  deps: ProvisionDependencies,
  { run, task }: RunAndTask,
  provisions: readonly InputProvision[],
): Promise<readonly ProvisionedInput[]> {
  requireProvisionable(run)
  const problems: ErrorBody[] = []
  const checked: CheckedProvision[] = []
  for (const provision of provisions) {
    try {
      checked.push(checkProvision(task, provision))
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      // Entries use the spelling of the body (http-api 5.16).
      problems.push({
        ...error.body,
        ...(error.explanation !== undefined && { explanation: error.explanation }),
        details: { type: 'parameter', parameterName: provision.parameterName },
      })
    }
  }
  if (problems.length > 0) throw batchError('INTERNAL_GENERIC_BATCH_ERROR', problems)
  if (checked.length > 0) await applyChecked(deps, run, task, checked)
  return checked.map((one) => ({ parameterName: one.input.name, value: one.value }))
}

/** Stores the defaults of inputs without a provision (run-lifecycle 4); the start of the run switches to them. */
export async function storeDefaults(
  deps: ProvisionDependencies,
  run: Run,
  task: Task,
): Promise<Run['provisions']> {
  const untouched = task.inputs.flatMap(({ name, default: value }) =>
    value === undefined || provisionOf(run, name) !== undefined ? [] : [{ parameterName: name, value }],
  )
  return storeProvisions(
    deps,
    run,
    untouched.map((provision) => checkProvision(task, provision)),
  )
}

/** @throws DomainError INTERNAL_PARAMETER_DOES_NOT_EXIST or the type's error */
export function checkProvision(task: Pick<Task, 'inputs'>, provision: InputProvision): CheckedProvision {
  const input = requireParameter(task.inputs, provision.parameterName)
  if (provision.value === null) {
    if (!input.optional) throw nullError(input.type, input.name)
    return { input, content: undefined, value: null }
  }
  if (input.type.id === 'array') {
    const content = provisionArray(provision.value, input.type, input.name)
    return { input, content, value: provision.value }
  }
  const codec = codecOf(input.type)
  if (codec === undefined) throw notJson(input.type, input.name)
  const { fileText, value } = codec.provision(provision.value, input.type, input.name)
  return { input, content: fileText, value }
}

async function applyChecked(
  deps: ProvisionDependencies,
  run: Run,
  task: Task,
  checked: readonly CheckedProvision[],
): Promise<void> {
  const provisions = await storeProvisions(deps, run, checked)
  await settleState(deps, await applyProvisions(deps, run, provisions), task)
}

/** Stores the last value of each input, without switching to it. */
export async function storeProvisions(
  deps: StoreDependencies,
  run: Run,
  checked: readonly CheckedProvision[],
): Promise<Run['provisions']> {
  const last = new Map(checked.map((one) => [one.input.name, one]))
  let provisions: Run['provisions'] = {}
  for (const [name, one] of last) {
    // The earlier ones of these provisions count too, because the run's item is limited in size.
    const seen = { ...run, provisions: { ...run.provisions, ...provisions } }
    provisions = { ...provisions, [name]: await storeProvision(deps, seen, one) }
  }
  return provisions
}

async function storeProvision(
  deps: StoreDependencies,
  run: Run,
  { input: { name, type }, content }: CheckedProvision,
): Promise<Provision> {
  if (content === undefined) {
    return type.id === 'array' ? { kind: 'cleared', clearedId: deps.identity.uuid() } : { kind: 'cleared' }
  }
  if (typeof content !== 'string') return storeArray(deps, run, name, content)
  const { valueId } = await storeInput(deps, run.id, name, content)
  return { kind: 'value', valueId }
}
