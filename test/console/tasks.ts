import { readFile } from 'node:fs/promises'
import type { JsonValue } from '../../src/contract/json.ts'
import { call, callOk, waitForState } from '../integration/engine-client.ts'
import { everyTypeBundle, NAMESPACE, VERSION } from './every-type-task.ts'

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
 * Creates a run with these inputs and files. Starts it and waits for its end, unless `isLeft`.
 * @returns its id
 */
export async function runWith(
  task: string,
  inputs: Readonly<Record<string, JsonValue>>,
  {
    files = {},
    isLeft = false,
  }: { readonly files?: Readonly<Record<string, Buffer>>; readonly isLeft?: boolean } = {},
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
  await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'RUNNING' })
  if (!isLeft) await waitForState(`task-runs/${id}`, 'final')
  return id
}

export const exampleBundle = (): Promise<Buffer> => readFile('examples/add-and-echo/add-and-echo.zip')
