import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as z from 'zod'
import { pause } from '../../src/shared/pause.ts'
import { writeLog } from '../../src/shared/shown-text.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { type GivenInput, parseInputs } from '../inputs/parse-inputs.ts'
import { closeRun } from '../local-run/close-run.ts'
import { createLocalRun, provision as provisionLocally, start } from '../local-run/local-run.ts'
import { requireOutputFolder } from '../outputs/output-folder.ts'
import { noteIgnored, showOutputs } from '../outputs/show-outputs.ts'
import { fetchArchive } from '../service/fetch-outputs.ts'
import { createLogReader } from '../service/follow-log.ts'
import { parseTaskReference, requireTaskReference, type TaskReference } from '../service/names.ts'
import { describeTask } from '../service/remote-task.ts'
import { hasRejectedOutputs, isFinal, outputsSchema, type RunView, runSchema } from '../service/schemas.ts'
import { openService, type Service, stoppable } from '../service/service.ts'
import { requireNotedDescriptor } from '../task/bundle-of.ts'
import { openTask } from '../task/open-task.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { catchInterrupt } from '../terminal/interrupt.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { leaveRun, namingRun } from './leave-run.ts'
import { runFailure } from './run-failure.ts'
import { startWith } from './start-remotely.ts'

export interface RemoteFlags {
  readonly input: readonly string[]
  readonly output: string
  readonly auth: string
}

const POLL_MS = 500

const createdSchema = z.object({ id: z.string() })

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
  // Checked before a run is created, by the same code as in the service.
  if (descriptor !== undefined) await checkInputs(terminal, descriptor, inputs)
  await requireOutputFolder(flags.output)
  const stopping = catchInterrupt()
  try {
    const { id } = await service.json(`tasks/${namespace}/${version}/runs`, createdSchema, {
      method: 'POST',
      isRepeatable: true,
    })
    terminal.note(`run ${id}`)
    const { signal } = stopping
    try {
      await startWith({ terminal, service, signal }, id, inputs)
      const followed = stoppable(service, signal)
      return await showRun(terminal, followed, await follow(terminal, followed, id), flags.output)
    } catch (error) {
      if (!signal.aborted) throw namingRun(error, service, id)
    }
    await leaveRun(terminal, service, id)
    return EXIT.interrupted
  } finally {
    stopping.release()
  }
}

/** Prints the outputs of a run that has ended, and downloads their files. @throws CommandError when it failed */
async function showRun(terminal: Terminal, service: Service, run: RunView, folder: string): Promise<number> {
  const { id } = run
  if (run.state === 'FAILED') {
    const { kind = 'failed', message = 'no reason was given', exitCode } = run.error ?? {}
    const hint = `\n"cytomine-task outputs ${id} ${service.options} --rejected -o FOLDER" downloads the files that it wrote.`
    throw runFailure(terminal, { id, kind, message, exitCode }, hasRejectedOutputs(run) ? hint : '')
  }
  const outputs = await service.json(`task-runs/${id}/outputs`, outputsSchema)
  const files = outputs.length === 0 ? [] : await fetchArchive(service, `task-runs/${id}/outputs.zip`, folder)
  noteIgnored(terminal, run.ignoredFiles ?? [])
  showOutputs(terminal, { outputs, folder, files })
  return EXIT.success
}

/** Name of the task: `task` itself, or the name in the folder or bundle at this path. */
async function referenceOf(terminal: Terminal, task: string): Promise<TaskReference> {
  const isLocal = parseTaskReference(task) === undefined && existsSync(task)
  return isLocal ? requireNotedDescriptor(terminal, await openTask(task)) : requireTaskReference(task)
}

/** Checks inputs by the service's own code, on this machine. @throws CommandError */
async function checkInputs(
  terminal: Terminal,
  descriptor: TaskDescriptor,
  inputs: readonly GivenInput[],
): Promise<void> {
  const local = await createLocalRun(descriptor, tmpdir())
  try {
    await provisionLocally(local, inputs)
    await start(local)
  } finally {
    await closeRun(terminal, local)
  }
}

/** Prints the changes of the state and the log until the run has ended. */
async function follow(terminal: Terminal, service: Service, id: string): Promise<RunView> {
  const log = createLogReader(service, id)
  let last = ''
  for (;;) {
    const run = await service.json(`task-runs/${id}`, runSchema)
    if (run.state !== last) terminal.note(run.state, 'dim')
    last = run.state
    if (isFinal(run.state)) {
      for await (const text of log.rest()) writeLog(terminal.stderr, text)
      return run
    }
    writeLog(terminal.stderr, await log.next())
    await pause(POLL_MS, service.signal)
  }
}
