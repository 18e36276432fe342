import { ClientException } from './client-exception.ts'
import type { Container, RegisterJobDefinition, SubmitJob } from './requests.ts'

/*
 * Limits of AWS Batch, so that definitions that work locally are also accepted by AWS. Sources:
 * https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html and the API's ResourceRequirement page.
 */

const MAX_DEFINITION_BYTES = 24 * 1024
const MAX_SUBMISSION_BYTES = 30 * 1024
const MAX_CONTAINERS = 10

/** Fargate's vCPUs with their amounts of memory in MiB: smallest, largest and step. */
const FARGATE_SIZES: ReadonlyMap<number, readonly number[]> = new Map([
  [0.25, [512, 1024, 2048]],
  [0.5, steps(1024, 4096, 1024)],
  [1, steps(2048, 8192, 1024)],
  [2, steps(4096, 16_384, 1024)],
  [4, steps(8192, 30_720, 1024)],
  [8, steps(16_384, 61_440, 4096)],
  [16, steps(32_768, 122_880, 8192)],
  [32, [61_440, 122_880, 249_856]],
])

function steps(first: number, last: number, step: number): readonly number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, index) => first + index * step)
}

/** @throws ClientException when AWS Batch would refuse the definition */
export function checkDefinition(definition: RegisterJobDefinition): void {
  checkSize('job definition', definition, MAX_DEFINITION_BYTES)
  const [task] = definition.ecsProperties.taskProperties
  const { containers } = task
  if (containers.length > MAX_CONTAINERS) {
    throw new ClientException(`a task has at most ${MAX_CONTAINERS} containers, not ${containers.length}`)
  }
  checkNames(containers)
  if (!containers.some((container) => container.essential)) {
    throw new ClientException('at least one container must be essential')
  }
  const volumes = new Set(task.volumes.map((volume) => volume.name))
  for (const container of containers) {
    checkDependencies(container, containers)
    checkLogOptions(container)
    const missing = container.mountPoints.find(({ sourceVolume }) => !volumes.has(sourceVolume))
    if (missing !== undefined) {
      throw new ClientException(`container ${container.name} mounts unknown volume ${missing.sourceVolume}`)
    }
  }
  checkCycles(containers)
  checkFargateSize(containers)
}

/** @throws ClientException when AWS Batch would refuse the submission */
export function checkSubmission(submission: SubmitJob, containers: readonly Container[]): void {
  checkSize('SubmitJob request', submission, MAX_SUBMISSION_BYTES)
  if (submission.containerOverrides !== undefined) {
    throw new ClientException('Container overrides should not be set for ecsProperties jobs.')
  }
  for (const override of submission.ecsPropertiesOverride?.taskProperties[0]?.containers ?? []) {
    if (!containers.some((container) => container.name === override.name)) {
      throw new ClientException(`the override names unknown container ${override.name}`)
    }
    const reserved = override.environment?.find(({ name }) => name.startsWith('AWS_BATCH'))
    if (reserved !== undefined) throw new ClientException(`${reserved.name} is reserved: AWS_BATCH…`)
  }
}

/** Amount that a container requires; undefined when it states none. */
export function amountOf(container: Container, type: 'VCPU' | 'MEMORY'): number | undefined {
  const value = container.resourceRequirements.find((requirement) => requirement.type === type)?.value
  return value === undefined ? undefined : Number(value)
}

function checkSize(what: string, body: unknown, largestBytes: number): void {
  const sizeBytes = Buffer.byteLength(JSON.stringify(body))
  if (sizeBytes > largestBytes) {
    throw new ClientException(`the ${what} has ${sizeBytes} bytes, more than ${largestBytes}`)
  }
}

function checkNames(containers: readonly Container[]): void {
  const names = containers.map((container) => container.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new ClientException(`two containers are called ${twice}`)
}

function checkDependencies(container: Container, containers: readonly Container[]): void {
  for (const { containerName, condition } of container.dependsOn) {
    const other = containers.find(({ name }) => name === containerName)
    if (other === undefined) {
      throw new ClientException(`container ${container.name} depends on unknown container ${containerName}`)
    }
    if (other.essential && condition !== 'START') {
      throw new ClientException(
        `container ${container.name} waits for ${condition} of ${containerName}, which is essential`,
      )
    }
  }
}

/** Docker checks the mode when the container starts: https://docs.docker.com/engine/logging/configure/ */
function checkLogOptions({ name, logConfiguration }: Container): void {
  const { mode = 'blocking', 'max-buffer-size': bufferSize } = logConfiguration?.options ?? {}
  if (mode !== 'blocking' && mode !== 'non-blocking') {
    throw new ClientException(
      `container ${name} has the log mode ${mode}, which is neither blocking nor non-blocking`,
    )
  }
  if (bufferSize !== undefined && mode !== 'non-blocking') {
    throw new ClientException(
      `container ${name} has a max-buffer-size, which needs the log mode non-blocking`,
    )
  }
}

function checkCycles(containers: readonly Container[]): void {
  let waiting = [...containers]
  while (waiting.length > 0) {
    const names = new Set(waiting.map(({ name }) => name))
    const blocked = waiting.filter(({ dependsOn }) => dependsOn.some((on) => names.has(on.containerName)))
    if (blocked.length === waiting.length) {
      throw new ClientException(`containers wait for each other: ${[...names].join(', ')}`)
    }
    waiting = blocked
  }
}

function checkFargateSize(containers: readonly Container[]): void {
  let vcpu = 0
  let memoryMib = 0
  for (const container of containers) {
    const share = { vcpu: amountOf(container, 'VCPU'), memoryMib: amountOf(container, 'MEMORY') }
    if (share.vcpu === undefined || share.memoryMib === undefined) {
      throw new ClientException(`container ${container.name} must state VCPU and MEMORY`)
    }
    vcpu += share.vcpu
    memoryMib += share.memoryMib
  }
  if (!FARGATE_SIZES.get(vcpu)?.includes(memoryMib)) {
    throw new ClientException(`Fargate has no size with ${vcpu} vCPU and ${memoryMib} MiB`)
  }
}
