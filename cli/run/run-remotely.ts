import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import { packSlide } from '../inputs/pack-slide.ts'
import { type GivenInput, parseInputs } from '../inputs/parse-inputs.ts'
import { showOutputs } from '../outputs/show-outputs.ts'
import { sendInputFile } from '../send-input-file.ts'
import { fetchArchive } from '../service/fetch-outputs.ts'
import { createLogReader } from '../service/follow-log.ts'
import { parseTaskReference, requireTaskReference, type TaskReference } from '../service/names.ts'
import { isFinal, outputsSchema, type RunView, runSchema } from '../service/schemas.ts'
import { openService, type Service } from '../service/service.ts'
import { requireDescriptor } from '../task/bundle-of.ts'
import { isDirectory, openTask } from '../task/open-task.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { writeLog } from '../terminal/shown-text.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { runFailure } from './run-failure.ts'

export interface RemoteFlags {
  readonly input: readonly string[]
  readonly output: string
  readonly auth: string
}

const POLL_MS = 500

/** Inputs as listings of tasks describe them; only arrays of files and files need more than their name. */
interface ListedType {
  readonly id: string
  readonly subType?: ListedType | undefined
}
const typeSchema: z.ZodType<ListedType> = z.lazy(() =>
  z.looseObject({ id: z.string(), subType: typeSchema.optional() }),
)
const inputsSchema = z.array(z.looseObject({ name: z.string(), type: typeSchema }))

/** Runs a task that is installed in a service, and follows it. @returns the exit code */
export async function runRemotely(
  terminal: Terminal,
  { task, url }: { readonly task: string; readonly url: string },
  flags: RemoteFlags,
): Promise<number> {
  const { namespace, version } = await referenceOf(terminal, task)
  const service = await openService({ url, auth: flags.auth })
  const path = `tasks/${namespace}/${version}`
  const declared = inputsSchema.parse(await service.json(`${path}/inputs`))
  const inputs = parseInputs(flags.input, declared as unknown as Parameters<typeof parseInputs>[1])
  const { id } = z.object({ id: z.string() }).parse(await service.json(`${path}/runs`, { method: 'POST' }))
  terminal.note(`run ${id}`)
  await provision(service, id, inputs)
  await service.call(`task-runs/${id}/state-actions`, { method: 'POST', body: { desired: 'RUNNING' } })
  const run = await follow(terminal, service, id)
  if (run.state === 'FAILED') {
    const { kind = 'failed', message = 'no reason was given' } = run.error ?? {}
    const hint = `\n"cytomine-task outputs ${id} --rejected -o FOLDER" downloads what it left.`
    throw runFailure(terminal, { id, kind, message }, kind.startsWith('output-') ? hint : '')
  }
  const outputs = outputsSchema.parse(await service.json(`task-runs/${id}/outputs`))
  const files =
    outputs.length === 0 ? [] : await fetchArchive(service, `task-runs/${id}/outputs.zip`, flags.output)
  showOutputs(terminal, { outputs, folder: flags.output, files })
  return EXIT.success
}

/** The task that is meant: by its name, or by the folder or bundle that it was uploaded from. */
async function referenceOf(terminal: Terminal, task: string): Promise<TaskReference> {
  const isLocal = parseTaskReference(task) === undefined && existsSync(task)
  return isLocal ? requireDescriptor(terminal, await openTask(task)) : requireTaskReference(task)
}

async function provision(service: Service, id: string, inputs: readonly GivenInput[]): Promise<void> {
  const base = `task-runs/${id}/input-provisions`
  const values = inputs.flatMap((input) =>
    input.kind === 'json' ? [{ parameterName: input.name, value: input.value }] : [],
  )
  if (values.length > 0) await service.call(base, { method: 'PUT', body: values })
  for (const input of inputs) {
    if (input.kind === 'file') await giveFile(service, `${base}/${input.name}`, input.path)
    if (input.kind !== 'items') continue
    for (const [index, path] of input.paths.entries()) {
      await giveFile(service, `${base}/${input.name}/indexes?value=${index}`, path)
    }
  }
}

/** A folder is sent as the zip that clients make of a slide. */
async function giveFile(service: Service, route: string, path: string): Promise<void> {
  if (!isDirectory(path)) return sendInputFile(service, route, path)
  const folder = await mkdtemp(join(tmpdir(), 'cytomine-task-'))
  try {
    const file = join(folder, `${basename(path)}.zip`)
    await packSlide(path, file)
    await sendInputFile(service, route, file)
  } finally {
    await rm(folder, { recursive: true, force: true })
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
