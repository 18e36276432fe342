import type { ContainerEnd } from './job.ts'
import type { Container } from './requests.ts'

/** Runs one container until it ends or the signal is aborted. Never rejects because of the container. */
export type StartContainer = (
  container: Container,
  signal: AbortSignal,
  onStarted: () => void,
) => Promise<ContainerEnd>

interface ContainerRun {
  /** False when the container ended before it started. */
  readonly started: Promise<boolean>
  readonly ended: Promise<ContainerEnd>
}

/**
 * Runs the containers of one ECS task. Each starts when its dependencies are met; the end of an essential one ends all.
 * @returns the results in the definition's order; a container whose dependencies failed never starts
 */
export async function runContainers(
  containers: readonly Container[],
  start: StartContainer,
  signal: AbortSignal,
): Promise<ContainerEnd[]> {
  const essentialEnded = new AbortController()
  const stop = AbortSignal.any([signal, essentialEnded.signal])
  const runs = new Map<string, ContainerRun>()

  async function dependenciesHold(container: Container): Promise<boolean> {
    const answers = container.dependsOn.map(async ({ containerName, condition }) => {
      const run = runs.get(containerName)
      if (run === undefined) return false
      if (condition === 'START') return run.started
      const { exitCode } = await run.ended
      return condition === 'COMPLETE' ? exitCode !== undefined : exitCode === 0
    })
    return (await Promise.all(answers)).every(Boolean)
  }

  async function run(container: Container, started: (value: boolean) => void): Promise<ContainerEnd> {
    try {
      const areMet = await dependenciesHold(container)
      if (stop.aborted) return { name: container.name }
      if (!areMet) return neverStarted(container)
      return await start(container, stop, () => started(true))
    } finally {
      started(false)
      if (container.essential) essentialEnded.abort()
    }
  }

  for (const container of byDependency(containers)) {
    const started = Promise.withResolvers<boolean>()
    runs.set(container.name, { started: started.promise, ended: run(container, started.resolve) })
  }
  return Promise.all(containers.map(({ name }) => runs.get(name)?.ended ?? { name }))
}

/**
 * Result of a container whose dependency cannot be met, as the ECS agent reports it (aws/amazon-ecs-agent#3218). The exit code
 * is that of SIGTERM.
 */
function neverStarted({ name, dependsOn }: Container): ContainerEnd {
  const others = dependsOn.map(({ containerName }) => containerName).join(', ')
  const reason = `CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [${others}] for target [${name}]`
  return { name, exitCode: 143, reason }
}

/** Sorts containers, dependencies first; cycles were refused at registration. */
function byDependency(containers: readonly Container[]): readonly Container[] {
  const sorted: Container[] = []
  const visit = (container: Container): void => {
    if (sorted.includes(container)) return
    for (const { containerName } of container.dependsOn) {
      const other = containers.find(({ name }) => name === containerName)
      if (other !== undefined) visit(other)
    }
    sorted.push(container)
  }
  containers.forEach(visit)
  return sorted
}
