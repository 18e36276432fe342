import { comparableName } from '../../src/archive/zip/entry-name.ts'
import type { ZipArchive } from '../../src/archive/zip/read-zip.ts'
import { ZipFormatError } from '../../src/archive/zip/zip-format-error.ts'
import { DomainError } from '../../src/contract/errors.ts'
import type { JobQueues } from '../../src/contract/job-queues.ts'
import { DEFAULT_FOLDERS } from '../../src/contract/staging.ts'
import { documentedTag, findImageEntry, readLogo } from '../../src/import/open-bundle.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import type { LayerMemory } from '../image/layer-memory.ts'
import { hasDockerfile, type OpenTask } from '../task/open-task.ts'
import { wordsOf } from '../terminal/words-of.ts'
import { checkDescriptor } from './check-descriptor.ts'
import { type CheckedImage, checkImage } from './check-image.ts'
import { checkResources } from './check-resources.ts'
import { type Finding, problem, warning } from './finding.ts'
import { sourceOf } from './image-source.ts'

export interface ValidateOptions {
  /** Queues of the stage that the task is for. Without them the task's resources are not checked. */
  readonly queues?: JobQueues | undefined
  /** Archive with the image, for a folder without one. */
  readonly built?: ZipArchive | undefined
  /** Facts about layers of earlier checks. Without them, all layers are read. */
  readonly layers?: LayerMemory | undefined
}

/** Findings about a task. */
export interface Validation {
  /** Undefined when it has problems, or there is none. */
  readonly descriptor: TaskDescriptor | undefined
  /** Undefined when there is no image archive. */
  readonly image: CheckedImage | undefined
  /** Problems first. */
  readonly findings: readonly Finding[]
}

/** Checks a task as an upload does, and for faults that would make every run fail. Reports all problems, not only the first. */
export async function validateTask(task: OpenTask, options: ValidateOptions = {}): Promise<Validation> {
  const checked = task.descriptor === undefined ? undefined : checkDescriptor(task.descriptor)
  const descriptor = checked?.descriptor
  const findings = [...(checked?.findings ?? [])]
  const image = await checkImageOf(task, options, descriptor, findings)
  if (descriptor !== undefined && options.queues !== undefined) {
    findings.push(...checkResources(descriptor, image?.size, options.queues))
  }
  findings.push(...(await checkLogo(task)))
  const isProblem = ({ severity }: Finding): boolean => severity === 'problem'
  return {
    descriptor,
    image,
    findings: findings.toSorted((a, b) => Number(isProblem(b)) - Number(isProblem(a))),
  }
}

async function checkImageOf(
  task: OpenTask,
  { built, layers }: ValidateOptions,
  descriptor: TaskDescriptor | undefined,
  findings: Finding[],
): Promise<CheckedImage | undefined> {
  const archive = built ?? task.archive
  // If the descriptor is invalid, the default image names are tried, to report problems of the image too.
  const named = descriptor ?? { namespace: '', version: '' }
  try {
    const entry = findImageEntry(archive, named as TaskDescriptor)
    findings.push(...otherName(descriptor?.imageFile, entry.name))
    const source = await sourceOf(archive, entry)
    try {
      const image = await checkImage({
        source: source.bytes,
        wantedTag: descriptor === undefined ? '' : documentedTag(descriptor),
        mountPoints:
          descriptor === undefined
            ? Object.values(DEFAULT_FOLDERS)
            : [descriptor.inputFolder, descriptor.outputFolder],
        layers,
      })
      findings.push(...image.findings)
      return image
    } finally {
      await source.close()
    }
  } catch (error) {
    if (error instanceof ZipFormatError) {
      findings.push(problem('bundle', error.message))
    } else if (error instanceof DomainError) {
      const isUnnamed = descriptor === undefined && task.kind !== 'image'
      const isUnbuilt = task.kind === 'folder' && hasDockerfile(task.path)
      if (!isUnnamed && !isUnbuilt) findings.push(problem('bundle', wordsOf(error)))
    } else throw error
    return undefined
  }
}

/** Warns when the named archive is missing: the service takes another one then. */
function otherName(named: string | undefined, taken: string): readonly Finding[] {
  const wanted = named?.replace(/^[./]+/u, '') ?? ''
  if (wanted === '' || comparableName(wanted) === comparableName(taken)) return []
  return [
    warning(
      'bundle',
      `configuration.image.file names ${wanted}, which does not exist, so the image is taken from ${taken}; name that file, or none`,
    ),
  ]
}

async function checkLogo({ archive, kind }: OpenTask): Promise<Finding[]> {
  if (kind === 'image') return []
  try {
    await readLogo(archive)
    return []
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return [problem('bundle', wordsOf(error))]
  }
}
