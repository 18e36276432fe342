import { comparableName } from '../../src/archive/zip/entry-name.ts'
import type { ZipArchive } from '../../src/archive/zip/read-zip.ts'
import { ZipFormatError } from '../../src/archive/zip/zip-format-error.ts'
import { DomainError } from '../../src/contract/errors.ts'
import type { JobQueues } from '../../src/contract/job-queues.ts'
import { DEFAULT_FOLDERS } from '../../src/contract/staging.ts'
import { documentedTag, findImageEntry, readLogo } from '../../src/import/open-bundle.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { hasDockerfile, type OpenTask } from '../task/open-task.ts'
import { wordsOf } from '../terminal/words-of.ts'
import { checkDescriptor } from './check-descriptor.ts'
import { type CheckedImage, checkImage } from './check-image.ts'
import { checkResources } from './check-resources.ts'
import { type Finding, problem, warning } from './finding.ts'
import { sourceOf } from './image-source.ts'

export interface ValidateOptions {
  /** Queues of the stage that the task is for; its resources are not checked without them. */
  readonly queues?: JobQueues | undefined
  /** Archive with the image, of a folder that has none. */
  readonly built?: ZipArchive | undefined
}

/** Everything that was found in a task. */
export interface Validation {
  /** Undefined when it has problems, or there is none. */
  readonly descriptor: TaskDescriptor | undefined
  /** Undefined when there is no image archive. */
  readonly image: CheckedImage | undefined
  /** Problems first. */
  readonly findings: readonly Finding[]
}

/** Checks a task by the rules of an upload, and for what would end every run. All problems come at once. */
export async function validateTask(task: OpenTask, options: ValidateOptions = {}): Promise<Validation> {
  const checked = task.descriptor === undefined ? undefined : checkDescriptor(task.descriptor)
  const descriptor = checked?.descriptor
  const findings = [...(checked?.findings ?? [])]
  const image = await checkImageOf(task, options.built ?? task.archive, descriptor, findings)
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
  archive: ZipArchive,
  descriptor: TaskDescriptor | undefined,
  findings: Finding[],
): Promise<CheckedImage | undefined> {
  // Of a descriptor with problems the default names are tried: the image may have problems as well.
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

/** The service takes another archive when the named one is missing. */
function otherName(named: string | undefined, taken: string): readonly Finding[] {
  const wanted = named?.replace(/^[./]+/u, '') ?? ''
  if (wanted === '' || comparableName(wanted) === comparableName(taken)) return []
  return [
    warning('bundle', `configuration.image.file names ${wanted}, which is not there; the image is ${taken}`),
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
