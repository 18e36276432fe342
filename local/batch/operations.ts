import type { z } from 'zod'
import { ClientException } from './client-exception.ts'
import { checkDefinition, checkSubmission } from './definition-rules.ts'
import { describe, type Job } from './job.ts'
import type { EventOrigin } from './job-events.ts'
import type { JobRunner } from './job-runner.ts'
import {
  type Container,
  deregisterJobDefinitionSchema,
  describeJobDefinitionsSchema,
  describeJobsSchema,
  endJobSchema,
  listJobsSchema,
  registerJobDefinitionSchema,
  type SubmitJob,
  submitJobSchema,
} from './requests.ts'
import { matchesGlob } from './retry-strategy.ts'
import type { StateStore, StoredDefinition } from './state-store.ts'

export interface OperationDependencies {
  readonly store: StateStore
  readonly runner: Pick<JobRunner, 'accept' | 'end'>
  readonly origin: EventOrigin
  readonly now: () => number
  readonly uuid: () => string
}

/**
 * Operation of the API. Takes the parsed body and returns that of the response.
 * @throws ClientException
 */
export type Operation = (body: unknown) => object | Promise<object>

const PAGE_SIZE = 100

/** Implemented operations, by path. */
export function createOperations(dependencies: OperationDependencies): ReadonlyMap<string, Operation> {
  const { store, runner } = dependencies
  return new Map<string, Operation>([
    [
      '/v1/registerjobdefinition',
      operation(registerJobDefinitionSchema, (body) => register(body, dependencies)),
    ],
    [
      '/v1/describejobdefinitions',
      operation(describeJobDefinitionsSchema, (query) => {
        const found = store.definitions().filter((definition) => isWanted(definition, query))
        const { items, ...rest } = page(found, query)
        return { jobDefinitions: items, ...rest }
      }),
    ],
    [
      '/v1/deregisterjobdefinition',
      operation(deregisterJobDefinitionSchema, ({ jobDefinition }) => {
        const found = store.definitions().find((candidate) => isNamed(candidate, jobDefinition))
        if (found?.status === 'ACTIVE') store.putDefinition({ ...found, status: 'INACTIVE' })
        return {}
      }),
    ],
    ['/v1/submitjob', operation(submitJobSchema, (body) => submit(body, dependencies))],
    [
      '/v1/describejobs',
      operation(describeJobsSchema, ({ jobs }) => ({
        jobs: jobs.flatMap((jobId) => store.findJob(lastPart(jobId)) ?? []).map(describe),
      })),
    ],
    [
      '/v1/listjobs',
      operation(listJobsSchema, (query) => {
        const { items, ...rest } = page(findJobs(store.jobs(), query), query)
        return { jobSummaryList: items.map(summarise), ...rest }
      }),
    ],
    ['/v1/canceljob', operation(endJobSchema, (body) => endJob(body, true))],
    ['/v1/terminatejob', operation(endJobSchema, (body) => endJob(body, false))],
  ])

  /** "The operation still succeeds even if no job is canceled" (API reference, CancelJob). */
  function endJob({ jobId, reason }: z.infer<typeof endJobSchema>, onlyWaiting: boolean): object {
    const job = store.findJob(lastPart(jobId))
    if (job !== undefined) runner.end(job, reason, onlyWaiting)
    return {}
  }
}

function operation<Schema extends z.ZodType>(
  schema: Schema,
  run: (body: z.infer<Schema>) => object,
): Operation {
  return (body) => {
    const parsed = schema.safeParse(body)
    if (parsed.success) return run(parsed.data)
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new ClientException(`Error executing request, Exception : ${problems.join('; ')}`)
  }
}

function register(
  body: z.infer<typeof registerJobDefinitionSchema>,
  { store, origin }: OperationDependencies,
): object {
  checkDefinition(body)
  const { jobDefinitionName } = body
  const revisions = store
    .definitions()
    .filter((definition) => definition.jobDefinitionName === jobDefinitionName)
    .map((definition) => definition.revision)
  const revision = Math.max(0, ...revisions) + 1
  const jobDefinitionArn = `arn:aws:batch:${origin.region}:${origin.account}:job-definition/${jobDefinitionName}:${revision}`
  store.putDefinition({ ...body, jobDefinitionArn, revision, status: 'ACTIVE' })
  return { jobDefinitionName, jobDefinitionArn, revision }
}

function submit(body: SubmitJob, { store, runner, origin, now, uuid }: OperationDependencies): object {
  const definition = findActive(store.definitions(), body.jobDefinition)
  const [task] = definition.ecsProperties.taskProperties
  checkSubmission(body, task.containers)
  const { jobName } = body
  const jobId = uuid()
  const prefix = `arn:aws:batch:${origin.region}:${origin.account}`
  const jobArn = `${prefix}:job/${jobId}`
  const timeout = body.timeout ?? definition.timeout
  runner.accept({
    jobId,
    jobArn,
    jobName,
    jobQueue: body.jobQueue.startsWith('arn:') ? body.jobQueue : `${prefix}:job-queue/${body.jobQueue}`,
    shareIdentifier: body.shareIdentifier,
    jobDefinition: definition.jobDefinitionArn,
    status: 'SUBMITTED',
    createdAt: now(),
    attempts: [],
    retryStrategy: body.retryStrategy ?? definition.retryStrategy,
    ...(timeout === undefined ? {} : { timeout }),
    tags: { ...definition.tags, ...body.tags },
    propagateTags: definition.propagateTags,
    containers: task.containers.map((container) => withOverride(container, body)),
    volumes: task.volumes.map(({ name }) => name),
    outbox: [],
  })
  return { jobArn, jobName, jobId }
}

/** The override's variables replace those of the same name; others stay. */
function withOverride(container: Container, submission: SubmitJob): Container {
  const overrides = submission.ecsPropertiesOverride?.taskProperties[0]?.containers ?? []
  const override = overrides.find(({ name }) => name === container.name)
  const changed = override?.environment ?? []
  const kept = container.environment.filter(({ name }) => !changed.some((other) => other.name === name))
  return {
    ...container,
    command: override?.command ?? container.command,
    environment: [...kept, ...changed],
  }
}

/** Finds a definition by ARN, `name:revision`, or name, which selects the newest active revision. */
function findActive(definitions: readonly StoredDefinition[], wanted: string): StoredDefinition {
  const found = definitions
    .filter((definition) => isNamed(definition, wanted))
    .sort((one, other) => other.revision - one.revision)
  const active = found.find(({ status }) => status === 'ACTIVE')
  if (active !== undefined) return active
  throw new ClientException(`JobDefinition ${wanted} ${found.length > 0 ? 'is not ACTIVE' : 'is not found'}`)
}

function isNamed(
  { jobDefinitionArn, jobDefinitionName, revision }: StoredDefinition,
  wanted: string,
): boolean {
  return [jobDefinitionArn, jobDefinitionName, `${jobDefinitionName}:${revision}`].includes(wanted)
}

function isWanted(
  definition: StoredDefinition,
  query: z.infer<typeof describeJobDefinitionsSchema>,
): boolean {
  return (
    (query.jobDefinitions?.some((wanted) => isNamed(definition, wanted)) ?? true) &&
    (query.jobDefinitionName ?? definition.jobDefinitionName) === definition.jobDefinitionName &&
    (query.status ?? definition.status) === definition.status
  )
}

/** With a filter on names, Batch lists jobs in every state. */
function findJobs(jobs: readonly Job[], query: z.infer<typeof listJobsSchema>): Job[] {
  const pattern = query.filters?.[0]?.values[0]
  return jobs.filter(
    ({ jobQueue, jobName, status }) =>
      lastPart(jobQueue) === lastPart(query.jobQueue) &&
      (pattern === undefined ? status === query.jobStatus : matchesGlob(pattern, jobName)),
  )
}

function summarise(job: Job): object {
  const { jobId, jobArn, jobName, jobDefinition, status, statusReason, createdAt, startedAt, stoppedAt } = job
  return { jobId, jobArn, jobName, jobDefinition, status, statusReason, createdAt, startedAt, stoppedAt }
}

function page<Item>(
  found: readonly Item[],
  query: { readonly maxResults?: number | undefined; readonly nextToken?: string | undefined },
): { readonly items: readonly Item[]; readonly nextToken?: string } {
  const start = Number(query.nextToken ?? 0)
  const end = start + (query.maxResults ?? PAGE_SIZE)
  const items = found.slice(start, end)
  return end < found.length ? { items, nextToken: String(end) } : { items }
}

/** Id or name in an ARN. */
function lastPart(idOrArn: string): string {
  return idOrArn.slice(idOrArn.lastIndexOf('/') + 1)
}
