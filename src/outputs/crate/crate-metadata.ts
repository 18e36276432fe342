import type { ArchiveEntry } from '../../archive/folder-zip/stored-zip.ts'
import { printableLines } from '../../contract/quoted.ts'
import { SERVICE_VERSION } from '../../contract/service-version.ts'
import { endedAt, startedAt } from '../../run/entered-states.ts'
import { memoryMibOf } from '../../run/job/job-size.ts'
import type { JobUsage, Run } from '../../run/run.ts'
import type { Task } from '../../task/task.ts'
import { type CrateParameter, pathUri } from './crate-files.ts'
import { type Entity, refsTo, refTo } from './entity.ts'
import { describeParameters } from './parameter-entities.ts'

export const METADATA_NAME = 'ro-crate-metadata.json'

/**
 * Contexts of RO-Crate and of the profile,
 * https://www.researchobject.org/workflow-run-crate/profiles/0.5/process_run_crate/
 */
const CONTEXT = ['https://w3id.org/ro/crate/1.1/context', 'https://w3id.org/ro/terms/workflow-run/context']
const CRATE_VERSION = 'https://w3id.org/ro/crate/1.1'
const PROFILE = 'https://w3id.org/ro/wfrun/process/0.5'
const DOCKER_IMAGE = 'https://w3id.org/ro/terms/workflow-run#DockerImage'

/** Facts about a run that its crate describes. */
export interface CrateContents {
  readonly run: Run
  readonly task: Task
  /** The task's descriptor, if it is in the crate. */
  readonly descriptor: ArchiveEntry | undefined
  readonly inputs: readonly CrateParameter[]
  readonly outputs: readonly CrateParameter[]
}

/**
 * Writes `ro-crate-metadata.json`. The service does not know its caller, so the action has no agent.
 * @param digestOf SHA-256 of a file of the crate, in hexadecimal digits
 */
export function writeMetadata(contents: CrateContents, digestOf: (name: string) => string): string {
  const { run, task, descriptor } = contents
  const inputs = describeParameters(contents.inputs, digestOf)
  const outputs = describeParameters(contents.outputs, digestOf)
  const descriptors = descriptor === undefined ? [] : [describeDescriptor(descriptor, task, digestOf)]
  const properties = describeProperties(run)
  const action = describeAction(contents, {
    object: refsTo(inputs.values),
    result: refsTo(outputs.values),
    ...properties.references,
  })
  const parts = [...descriptors, ...outputs.parts, ...inputs.parts]
  const graph: readonly Entity[] = [
    {
      '@id': METADATA_NAME,
      '@type': 'CreativeWork',
      conformsTo: { '@id': CRATE_VERSION },
      about: { '@id': './' },
    },
    describeRoot(contents, parts, action),
    { '@id': PROFILE, '@type': 'CreativeWork', name: 'Process Run Crate', version: '0.5' },
    LICENSE,
    action,
    describeTask(task, descriptors),
    describeImage(task),
    ENGINE,
    ...properties.entities,
    ...descriptors,
    ...outputs.entities,
    ...inputs.entities,
  ]
  return `${JSON.stringify({ '@context': CONTEXT, '@graph': graph })}\n`
}

/** RO-Crate 1.1 requires a license of the crate. */
const LICENSE: Entity = {
  '@id': '#license',
  '@type': 'CreativeWork',
  name: 'Not stated',
  description: 'The service that created this crate does not know the terms of use of these data.',
}

const ENGINE: Entity = {
  '@id': '#engine',
  '@type': 'SoftwareApplication',
  name: 'Cytomine App Engine, serverless on AWS',
  description: 'Executes tasks. The version is that of the service that created this crate.',
  url: 'https://cytomine.com',
  softwareVersion: SERVICE_VERSION,
}

function describeRoot({ run, task }: CrateContents, parts: readonly Entity[], action: Entity): Entity {
  const title = titleOf(task)
  return {
    '@id': './',
    '@type': 'Dataset',
    conformsTo: { '@id': PROFILE },
    name: `Run ${run.id} of ${title}`,
    description: `Inputs, outputs and circumstances of one run of ${title}.`,
    datePublished: endOf(run),
    license: refTo(LICENSE),
    hasPart: refsTo(parts),
    mentions: refTo(action),
  }
}

function describeAction({ run, task }: CrateContents, references: object): Entity {
  const { failure } = run
  const isFinished = run.state === 'FINISHED'
  const started = startedAt(run)
  return {
    '@id': `#${run.id}`,
    '@type': 'CreateAction',
    name: `Run of ${titleOf(task)}`,
    description: outcomeOf(run),
    instrument: { '@id': taskId(task) },
    containerImage: { '@id': IMAGE_ID },
    ...(started !== undefined && { startTime: withOffset(started) }),
    endTime: endOf(run),
    // A text, as the profile requires.
    actionStatus: `http://schema.org/${isFinished ? 'Completed' : 'Failed'}ActionStatus`,
    ...(failure !== undefined && { error: `${failure.kind}: ${printableLines(failure.message)}` }),
    ...references,
  }
}

function outcomeOf({ state, reusedFrom }: Run): string {
  if (state !== 'FINISHED') return 'The run failed.'
  if (reusedFrom === undefined) return 'The run finished.'
  return `The run was not executed: it took the outputs of run ${reusedFrom}, which had the same image and inputs.`
}

function describeTask(task: Task, descriptors: readonly Entity[]): Entity {
  const { namespace, version, description, resources } = task
  const { cpus, gpus, internet } = resources
  return {
    '@id': taskId(task),
    '@type': 'SoftwareApplication',
    name: task.name,
    ...(description !== null && { description }),
    identifier: `${namespace}:${version}`,
    softwareVersion: version,
    memoryRequirements: `${memoryMibOf(resources)} MiB`,
    processorRequirements: `${cpus} CPU(s), ${gpus} GPU(s)`,
    permissions: internet ? 'internet access' : 'no internet access',
    softwareRequirements: refTo(ENGINE),
    subjectOf: refsTo(descriptors),
  }
}

const IMAGE_ID = '#image'

/** Describes the image without the registry, whose name has an account number and from which others cannot read. */
function describeImage({ image: { repository, tag, digest } }: Task): Entity {
  return {
    '@id': IMAGE_ID,
    '@type': 'ContainerImage',
    additionalType: { '@id': DOCKER_IMAGE },
    name: repository,
    tag,
    sha256: digest.replace(/^sha256:/u, ''),
  }
}

function describeDescriptor(
  { name, sizeBytes }: ArchiveEntry,
  task: Task,
  digestOf: (name: string) => string,
): Entity {
  return {
    '@id': pathUri(name),
    '@type': 'File',
    name,
    description: `Descriptor of ${titleOf(task)}, as its author wrote it.`,
    encodingFormat: 'application/yaml',
    contentSize: String(sizeBytes),
    sha256: digestOf(name),
  }
}

/** Exit code and usage, if known. */
function describeProperties(run: Run): { readonly entities: readonly Entity[]; readonly references: object } {
  const exitCode = run.failure?.exitCode ?? (run.job?.succeededAttempt === undefined ? undefined : 0)
  const exit = exitCode === undefined ? [] : [propertyValue('exitCode', exitCode)]
  const usage = Object.entries(run.job?.usage ?? {})
    .filter(([name]) => USAGE.has(name))
    .map(([name, value]) => propertyValue(name, value))
  return {
    entities: [...exit, ...usage],
    references: { additionalProperty: refsTo(exit), resourceUsage: refsTo(usage) },
  }
}

/** Amounts of a job's usage. The estimated cost is omitted, because it does not describe the result. */
const USAGE: ReadonlySet<string> = new Set<keyof JobUsage>([
  'jobSeconds',
  'vcpuSeconds',
  'memoryGibSeconds',
  'diskGibSeconds',
  'gpuSeconds',
])

function propertyValue(name: string, value: unknown): Entity {
  return { '@id': `#${name}`, '@type': 'PropertyValue', name, value }
}

function taskId({ id }: Task): string {
  return `urn:uuid:${id}`
}

function titleOf({ name, version }: Task): string {
  return `${name} ${version}`
}

/** Time of the run's end; runs of earlier versions lack the time of their last state. */
function endOf(run: Run): string {
  return withOffset(endedAt(run) ?? run.updatedAt ?? run.createdAt)
}

/** The profile's validator accepts UTC only as an offset. */
function withOffset(at: string): string {
  return at.replace(/Z$/u, '+00:00')
}
