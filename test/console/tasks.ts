import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { JsonValue } from '../../src/contract/json.ts'
import { call, callOk, waitForState } from '../integration/engine-client.ts'
import { ARRAYS, everyTypeBundle, NAMESPACE, VERSION } from './every-type-task.ts'

/* Tasks and runs for the tests of the console, created through the API. */

/** Uploads a bundle, unless the task is installed. */
async function install(bundle: Buffer): Promise<void> {
  const form = new FormData()
  form.append('task', new Blob([new Uint8Array(bundle)]), 'bundle.zip')
  const answer = await call('POST', 'tasks', form)
  if (!answer.ok && answer.status !== 409) throw new Error(`upload: ${answer.status} ${await answer.text()}`)
}

export async function installEveryType(options: Parameters<typeof everyTypeBundle>[0] = {}): Promise<string> {
  await install(await everyTypeBundle(options))
  return `tasks/${options.namespace ?? NAMESPACE}/${VERSION}`
}

/**
 * Installs a task with an input and an output of every type, and two more: `pictures`, an array of images, and `grid`, one of arrays.
 * @returns its path
 */
export function installArrays(): Promise<string> {
  return installEveryType({
    namespace: 'org.example.arrays',
    name: 'Arrays',
    before:
      'for name in pictures grid; do if [ -e /inputs/$name ]; then cp -r /inputs/$name /outputs/$name; fi; done',
    inputs: ARRAYS,
    outputs: ARRAYS,
  })
}

type Files = Readonly<Record<string, Buffer>>

/**
 * Creates a run with these inputs and files, and does not start it.
 * @returns its id
 */
export async function createRun(
  task: string,
  inputs: Readonly<Record<string, JsonValue>>,
  files: Files = {},
): Promise<string> {
  const { id } = (await (await callOk('POST', `${task}/runs`)).json()) as { id: string }
  const values = Object.entries({ whole: 7, text: 'Slide 7', ...inputs }).map(([parameterName, value]) => ({
    parameterName,
    value,
  }))
  await callOk('PUT', `task-runs/${id}/input-provisions`, values)
  for (const [name, content] of Object.entries(files)) {
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(content)]), name)
    await callOk('POST', `task-runs/${id}/input-provisions/${name}`, form)
  }
  return id
}

interface RunOptions {
  readonly files?: Files
  readonly isLeft?: boolean
  /** Whether to take the outputs of an equal run. */
  readonly reuse?: boolean
}

/**
 * Creates a run with these inputs and files, and starts it. Waits for its end, unless `isLeft`.
 * @returns its id
 */
export async function runWith(
  task: string,
  inputs: Readonly<Record<string, JsonValue>>,
  { files = {}, isLeft = false, reuse = false }: RunOptions = {},
): Promise<string> {
  const id = await createRun(task, inputs, files)
  await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'RUNNING', reuse })
  if (!isLeft) await waitForState(`task-runs/${id}`, 'final')
  return id
}

export const exampleBundle = (): Promise<Buffer> => readFile('examples/add-and-echo/add-and-echo.zip')

/**
 * Installs a task that runs the commands of its input `text`, in a shell with the tools of busybox.
 * @returns its path
 */
export function installShell(namespace = 'org.example.shell'): Promise<string> {
  return installEveryType({
    namespace,
    name: 'Shell',
    before: 'echo 1 > /outputs/extra; eval "$(cat /inputs/text)"',
    outputs: '  extra: {display_name: Extra, description: "-", type: integer}\n',
  })
}

export interface SetView {
  readonly id: string
  readonly state: string
  readonly counts: Readonly<Record<'waiting' | 'active' | 'finished' | 'failed' | 'skipped', number>>
}

/**
 * Creates a run set of a task.
 * @returns its id
 */
export async function createSet(
  task: string,
  rows: readonly JsonValue[],
  maxConcurrency = 4,
): Promise<string> {
  const [, namespace = '', version = ''] = task.split('/')
  const wanted = { name: 'Cohort', task: { namespace, version }, rows, maxConcurrency }
  const answer = await call('POST', 'run-sets', wanted)
  if (answer.status !== 201) throw new Error(`run set: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as SetView).id
}

/** Polls a set until it is in one of the states. */
export async function waitForSet(id: string, ...states: readonly string[]): Promise<SetView> {
  for (;;) {
    const set = (await (await callOk('GET', `run-sets/${id}`)).json()) as SetView
    if (states.includes(set.state)) return set
    await pause(200)
  }
}
