import { isDeepStrictEqual } from 'node:util'
import type { InputValue, Run } from '../../src/run/run.ts'
import { type RunRepository, RunStateConflictError } from '../../src/run/run-repository.ts'
import { statesAllowedBefore } from '../../src/run/states-allowed.ts'
import type { Task } from '../../src/task/task.ts'
import type { TaskRepository } from '../../src/task/task-repository.ts'

/** Implements some methods of a port; calls of the others fail. */
function portOf<Port extends object>(methods: Partial<Port>): Port {
  return new Proxy(methods, {
    get(target, name) {
      if (name in target || typeof name === 'symbol') return Reflect.get(target, name)
      throw new Error(`a local run has no ${name}`)
    },
  }) as Port
}

/** Undefined before the run is created. */
const NONE: Run = {
  id: '',
  taskId: '',
  state: 'CREATED',
  createdAt: '',
  updatedAt: null,
  entered: {},
  secret: '',
  provisions: {},
}

/** Repository of one run, in this process. The run has no other writer, so no write conflicts. */
export function createOneRun(): RunRepository {
  let run = NONE
  const values = new Map<string, InputValue>()
  const keyOf = (parameterName: string, valueId: string): string => `${parameterName} ${valueId}`
  const change = (changes: Partial<Run>): Run => {
    run = { ...run, ...changes, updatedAt: new Date().toISOString() }
    return run
  }
  return portOf<RunRepository>({
    async create(first) {
      run = first
    },
    find: async () => run,
    async transition(_runId, transition) {
      const { to, set, ifProvisions } = transition
      const isSame = ifProvisions === undefined || isDeepStrictEqual(run.provisions, ifProvisions)
      if (!isSame || !statesAllowedBefore(transition).includes(run.state))
        throw new RunStateConflictError(run)
      return change({ ...set, state: to })
    },
    recordProvisions: async (_runId, provisions) =>
      change({ provisions: { ...run.provisions, ...provisions } }),
    replaceProvisions: async (_runId, { to }) => change({ provisions: to }),
    // Results are recorded so that other runs reuse them; here is only one run.
    recordResult: async () => undefined,
    recordJob: async (_runId, job) => change({ job }),
    async putInput(value) {
      values.set(keyOf(value.parameterName, value.valueId), value)
    },
    findInput: async (_runId, parameterName, valueId) => values.get(keyOf(parameterName, valueId)),
    async removeInput({ parameterName, valueId }) {
      values.delete(keyOf(parameterName, valueId))
    },
    listInputs: async ({ provisions }) =>
      Object.entries(provisions).flatMap(([name, provision]) =>
        provision.kind === 'value' ? (values.get(keyOf(name, provision.valueId)) ?? []) : [],
      ),
  })
}

/** Repository of one task. */
export function createOneTask(task: Task): TaskRepository {
  return portOf<TaskRepository>({ findById: async () => task, findOfRun: async () => task })
}

export { portOf }
