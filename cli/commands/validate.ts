import type { Command } from 'commander'
import { type LayerMemory, userLayerMemory } from '../image/layer-memory.ts'
import type { TaskReference } from '../service/names.ts'
import { type ServiceFlags, withService } from '../service/options.ts'
import { taskSchema } from '../service/schemas.ts'
import { openService, type Service, ServiceRefusal } from '../service/service.ts'
import { findBuilt } from '../task/built.ts'
import { hasDockerfile, openTask } from '../task/open-task.ts'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { readQueues } from '../validate/check-resources.ts'
import { type Finding, warning } from '../validate/finding.ts'
import { askPlacement, findingsOf, type Placement } from '../validate/placement.ts'
import { report } from '../validate/report.ts'
import { type Validation, validateTask } from '../validate/validate-task.ts'
import type { Perform } from './perform.ts'

interface Flags extends Partial<ServiceFlags> {
  readonly stage?: string
  readonly strict?: boolean
}

export function addValidate(program: Command, perform: Perform): void {
  const command = program
    .command('validate')
    .description("checks a task by the service's own rules, and for faults that would make every run fail")
    .argument('[task]', 'folder of a task, bundle (.zip) or image archive (.tar)', '.')
    .option(
      '--stage <file>',
      'settings file of a stage: checks whether one of its queues can run the task (as --url does)',
    )
    .option('--strict', 'fail on warnings too')
  withService(command, false).action((path: string, flags: Flags) =>
    perform(async (terminal) => {
      const queues = flags.stage === undefined ? undefined : await readQueues(flags.stage)
      const task = await openTask(path)
      const isBuilt = task.kind === 'folder' && hasDockerfile(path)
      const built = isBuilt ? await findBuilt(path) : undefined
      const validation = await validateTask(task, { queues, built, layers: readingMemory() })
      const asked = await findInService(validation, flags)
      const findings = [...validation.findings, ...asked.findings]
      report(terminal, { ...validation, findings }, { placement: asked.placement })
      if (isBuilt) terminal.note(noteOnImage(validation))
      if (asked.failure !== undefined) throw asked.failure
      const isFailed = findings.some(({ severity }) => severity === 'problem' || flags.strict === true)
      return isFailed ? EXIT.failed : EXIT.success
    }),
  )
}

/** Stores facts about layers for a later `upload`, but finds none: `validate` reads every layer, since the archive may be damaged. */
function readingMemory(): LayerMemory | undefined {
  const memory = userLayerMemory()
  return memory && { ...memory, find: async () => undefined }
}

/** The image of a folder may be older than its files. */
function noteOnImage({ image }: Validation): string {
  return image === undefined
    ? 'The image is not built yet: "cytomine-task build" builds and checks it.'
    : 'The image is that of the last build: after a change, "cytomine-task build" builds and checks it again.'
}

interface Asked {
  readonly findings: readonly Finding[]
  readonly placement?: Placement | undefined
  /** Why the service could not be asked; reported after the findings. */
  readonly failure?: CommandError
}

/** Asks the service whether the version is already installed, and whether a queue can run the task. */
async function findInService(validation: Validation, { url, auth }: Flags): Promise<Asked> {
  const { descriptor } = validation
  if (descriptor === undefined || url === undefined) return { findings: [] }
  const service = await openService({ url, auth: auth ?? 'none' })
  try {
    const taken = await findTaken(service, descriptor)
    const placement = await askPlacement(service, validation)
    return { findings: [...taken, ...findingsOf(placement)], placement }
  } catch (error) {
    if (error instanceof CommandError) return { findings: [], failure: error }
    throw error
  }
}

async function findTaken(
  service: Service,
  { namespace, version }: TaskReference,
): Promise<readonly Finding[]> {
  try {
    await service.json(`tasks/${namespace}/${version}`, taskSchema)
  } catch (error) {
    if (error instanceof ServiceRefusal && error.status === 404) return []
    throw error
  }
  const words = `${namespace} ${version} is already installed in the service; raise the version, or upload with --replace`
  return [warning('bundle', words)]
}
