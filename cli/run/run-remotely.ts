import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { type GivenInput, parseInputs } from '../inputs/parse-inputs.ts'
import { createLocalRun, provision as provisionLocally, start } from '../local-run/local-run.ts'
import { noteIgnored, showOutputs } from '../outputs/show-outputs.ts'
import { fetchArchive } from '../service/fetch-outputs.ts'
import { createLogReader } from '../service/follow-log.ts'
import { parseTaskReference, requireTaskReference, type TaskReference } from '../service/names.ts'
import { describeTask } from '../service/remote-task.ts'
import { hasRejectedOutputs, isFinal, outputsSchema, type RunView, runSchema } from '../service/schemas.ts'
import { openService, type Service } from '../service/service.ts'
import { requireDescriptor } from '../task/bundle-of.ts'
import { openTask } from '../task/open-task.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { writeLog } from '../terminal/shown-text.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { runFailure } from './run-failure.ts'
import { startWith } from './start-remotely.ts'

export interface RemoteFlags {
  readonly input: readonly string[]
  readonly output: string
  readonly auth: string
}

const POLL_MS = 500

/** Runs a task that is installed in a service, and follows it. @returns the exit code */
export async function runRemotely(
  terminal: Terminal,
  { task, url }: { readonly task: string; readonly url: string },
  flags: RemoteFlags,
): Promise<number> {
  const { namespace, version } = await referenceOf(terminal, task)
  const service = await openService({ url, auth: flags.auth })
  const { inputs: declared, descriptor } = await describeTask(service, { namespace, version })
  const inputs = parseInputs(flags.input, declared)
  // Before a run exists: what is refused here would be refused there.
  if (descriptor !== undefined) await checkInputs(descriptor, inputs)
  const created = await service.json(`tasks/${namespace}/${version}/runs`, {
    method: 'POST',
    isRepeatable: true,
  })
  const { id } = z.object({ id: z.string() }).parse(created)
  terminal.note(`run ${id}`)
  await startWith(terminal, service, id, inputs)
  const run = await follow(terminal, service, id)
  if (run.state === 'FAILED') {
    const { kind = 'failed', message = 'no reason was given' } = run.error ?? {}
    const hint = `\n"cytomine-task outputs ${id} --rejected -o FOLDER" downloads what it left.`
    throw runFailure(terminal, { id, kind, message }, hasRejectedOutputs(run) ? hint : '')
  }
  const outputs = outputsSchema.parse(await service.json(`task-runs/${id}/outputs`))
  const files =
    outputs.length === 0 ? [] : await fetchArchive(service, `task-runs/${id}/outputs.zip`, flags.output)
  noteIgnored(terminal, run.ignoredFiles ?? [])
  showOutputs(terminal, { outputs, folder: flags.output, files })
  return EXIT.success
}

/** Finds the task by its name, or by the folder or bundle from which it was uploaded. */
async function referenceOf(terminal: Terminal, task: string): Promise<TaskReference> {
  const isLocal = parseTaskReference(task) === undefined && existsSync(task)
  return isLocal ? requireDescriptor(terminal, await openTask(task)) : requireTaskReference(task)
}

/** Checks inputs by the service's own code, on this machine. @throws CommandError */
async function checkInputs(descriptor: TaskDescriptor, inputs: readonly GivenInput[]): Promise<void> {
  const local = await createLocalRun(descriptor, tmpdir())
  try {
    await provisionLocally(local, inputs)
    await start(local)
  } finally {
    await local.close()
  }
}

/** Prints states and log until the run has ended. */
async function follow(terminal: Terminal, service: Service, id: string): Promise<RunView> {
  const log = createLogReader(service, id)
  let last = ''
  for (;;) {
    const run = runSchema.parse(await service.json(`task-runs/${id}`))
    if (run.state !== last) terminal.note(terminal.paint('dim', run.state))
    last = run.state
    if (isFinal(run.state)) {
      for await (const text of log.rest()) writeLog(terminal.stderr, text)
      return run
    }
    writeLog(terminal.stderr, await log.next())
    await wait(POLL_MS)
  }
}
