import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DomainError } from '../../src/contract/errors.ts'
import type { JsonValue } from '../../src/contract/json.ts'
import { findArrayItem, provisionArrayItemFile } from '../../src/inputs/provision-array.ts'
import { provisionFile } from '../../src/inputs/provision-file.ts'
import { provisionInputs } from '../../src/inputs/provision-input.ts'
import { listInputEntries } from '../../src/inputs/read-inputs.ts'
import { changeRunState } from '../../src/lifecycle/change-run-state.ts'
import { createRun } from '../../src/run/create-run.ts'
import type { JobScheduler } from '../../src/run/job/job-scheduler.ts'
import type { Run } from '../../src/run/run.ts'
import type { RunRepository } from '../../src/run/run-repository.ts'
import type { RunWorkflow } from '../../src/run/run-workflow.ts'
import { systemIdentity } from '../../src/shared/identity.ts'
import type { Task, TaskDescriptor } from '../../src/task/task.ts'
import type { SentFile } from '../../src/upload/sent-file.ts'
import { authorWords } from '../inputs/author-words.ts'
import { packSlide } from '../inputs/pack-slide.ts'
import type { GivenInput } from '../inputs/parse-inputs.ts'
import { fileSource } from '../task/file-source.ts'
import { isDirectory } from '../task/open-task.ts'
import { makeTemporary, removeOnSignal } from '../temporary-folder.ts'
import { CommandError, usageError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { wordsOf } from '../terminal/words-of.ts'
import { createFileObjects, type FileObjects } from './file-objects.ts'
import { createOneRun, createOneTask, portOf } from './one-run-repository.ts'

/*
 * A run without the service. The service's use cases are executed in this process for one run, with local files in place of the
 * bucket, so inputs and outputs are accepted and refused as in the service.
 */

/** Modes of files and folders for a container that runs as any user (parameter-io 1.1). */
const ANYBODY_FOLDER = 0o777
const ANYBODY_FILE = 0o666

/** A run on this machine. */
export interface LocalRun {
  readonly task: Task
  readonly run: () => Promise<Run>
  readonly runs: RunRepository
  readonly objects: FileObjects
  readonly deps: ReturnType<typeof dependenciesOf>
  /** Folder of this run, removed by {@link close}. */
  readonly folder: string
  close(): Promise<void>
  /** Keeps the folder when a signal ends the program. */
  keep(): void
}

/** @param parent folder in which the run's folder is created */
export async function createLocalRun(descriptor: TaskDescriptor, parent: string): Promise<LocalRun> {
  const folder = await makeTemporary(join(parent, 'run-'))
  const keep = removeOnSignal(folder)
  // The folder is for this user only: a task may leave set-uid files that belong to root.
  await chmod(folder, 0o700)
  const now = new Date().toISOString()
  const task: Task = {
    ...descriptor,
    id: randomUUID(),
    image: { repository: 'local', tag: descriptor.version, digest: '' },
    jobDefinitionArn: 'local',
    queue: 'fargate',
    unschedulableReason: null,
    hasLogo: false,
    createdAt: now,
  }
  const runs = createOneRun()
  const { id } = await createRun({ identity: systemIdentity, runs }, task)
  const objects = createFileObjects(join(folder, 'objects'))
  return {
    task,
    run: async () => (await runs.find(id)) as Run,
    runs,
    objects,
    deps: dependenciesOf(task, runs, objects),
    folder,
    keep,
    async close() {
      await rm(folder, { recursive: true, force: true })
      keep()
    },
  }
}

function dependenciesOf(task: Task, runs: RunRepository, objects: FileObjects) {
  return {
    identity: systemIdentity,
    objects,
    runs,
    tasks: createOneTask(task),
    report: () => {},
    scheduler: portOf<JobScheduler>({}),
    workflow: portOf<RunWorkflow>({ start: async () => {} }),
  }
}

/**
 * Checks the inputs and stores them in the run, as the service does.
 * @throws DomainError
 */
export async function provision(local: LocalRun, inputs: readonly GivenInput[]): Promise<void> {
  const { deps, task } = local
  const found = async () => ({ run: await local.run(), task })
  const values = inputs.flatMap((input): { parameterName: string; value: JsonValue }[] =>
    input.kind === 'json' ? [{ parameterName: input.name, value: input.value }] : [],
  )
  const problems: string[] = []
  const noting = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      problems.push(wordsOf(error))
    }
  }
  await noting(async () => provisionInputs(deps, await found(), values))
  for (const input of inputs) {
    if (input.kind === 'file') {
      await noting(async () =>
        provisionFile(deps, await found(), input.name, { value: await sentFile(local, input.path) }),
      )
    }
    if (input.kind !== 'items') continue
    for (const [index, path] of input.paths.entries()) {
      await noting(async () => {
        const target = findArrayItem(await found(), input.name, String(index))
        await provisionArrayItemFile(deps, target, { value: await sentFile(local, path) })
      })
    }
  }
  if (problems.length > 0) throw usageError(problems.join('\n'))
}

/** The file to provision; a folder, which is a DICOM slide, is packed into a zip as clients of the service do. */
async function sentFile({ objects, folder }: LocalRun, path: string): Promise<SentFile> {
  let file = path
  if (isDirectory(path)) {
    file = join(folder, `${randomUUID()}.zip`)
    await packSlide(path, file)
  }
  return {
    source: await fileSource(file),
    async store(key) {
      objects.adopt(key, file)
      return undefined
    },
  }
}

/**
 * Starts the run as a state action does: checks that inputs are complete and arrays match, and applies defaults.
 * @throws CommandError that names the missing inputs
 */
export async function start({ deps, run }: LocalRun): Promise<void> {
  const { id } = await run()
  await changeRunState(deps, id, 'RUNNING').catch((error: unknown) => {
    if (!(error instanceof DomainError)) throw error
    throw new CommandError(authorWords(wordsOf(error)), EXIT.usage, { cause: error })
  })
}

/**
 * Starts the run, then fills the input folder.
 * @returns the folders of the container
 * @throws CommandError that names the missing inputs
 */
export async function stage(local: LocalRun): Promise<{ readonly inputs: string; readonly outputs: string }> {
  await start(local)
  const { id } = await local.run()
  const run = await local.runs.recordJob(id, { attempt: 1, jobName: 'local' })
  const [inputs, outputs] = [join(local.folder, 'inputs'), join(local.folder, 'outputs')]
  for (const folder of [inputs, outputs]) {
    await mkdir(folder)
    await chmod(folder, ANYBODY_FOLDER)
  }
  for (const entry of await listInputEntries(local.deps, { run, task: local.task })) {
    const target = join(inputs, entry.name)
    await makeFolders(inputs, dirname(entry.name))
    const bytes = 'bytes' in entry ? [entry.bytes] : await entry.open()
    await pipeline(Readable.from(bytes, { objectMode: false }), createWriteStream(target, { flags: 'wx' }))
    await chmod(target, ANYBODY_FILE)
  }
  return { inputs, outputs }
}

async function makeFolders(root: string, path: string): Promise<void> {
  let folder = root
  for (const part of path.split('/').filter((name) => name !== '.' && name !== '')) {
    folder = join(folder, part)
    await mkdir(folder, { recursive: true })
    await chmod(folder, ANYBODY_FOLDER)
  }
}

/** Content of an object, as text. */
export async function readObject(path: string): Promise<string> {
  let text = ''
  for await (const chunk of createReadStream(path, 'utf8')) text += chunk
  return text
}
