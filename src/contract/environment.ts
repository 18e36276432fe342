import * as z from 'zod'

import { CONSOLE_MODES } from './console.ts'
import { jobQueuesSchema } from './job-queues.ts'

/** Tag of every resource of an installation, with its prefix as the value. Permissions and bills use it. */
export const APPLICATION_TAG = 'application'

/** Environment variables of the functions: the stacks set them, `readEnvironment` reads them. */
export const VARIABLES = {
  installation: 'INSTALLATION',
  resourceTags: 'RESOURCE_TAGS',
  tableName: 'TABLE_NAME',
  bucketName: 'BUCKET_NAME',
  stateMachineArn: 'STATE_MACHINE_ARN',
  setMachineArn: 'SET_MACHINE_ARN',
  inputBuckets: 'INPUT_BUCKETS',
  jobLogGroup: 'JOB_LOG_GROUP',
  eventBusName: 'EVENT_BUS_NAME',
  deliveryQueueUrl: 'DELIVERY_QUEUE_URL',
  webhookNetworks: 'WEBHOOK_NETWORKS',
  jobQueues: 'JOB_QUEUES',
  jobDefinitionPrefix: 'JOB_DEFINITION_PREFIX',
  jobExecutionRoleArn: 'JOB_EXECUTION_ROLE_ARN',
  attemptTimeoutSeconds: 'ATTEMPT_TIMEOUT_SECONDS',
  stagerImage: 'STAGER_IMAGE',
  stagerApiUrl: 'STAGER_API_URL',
  registryUrl: 'REGISTRY_URL',
  knownHosts: 'KNOWN_HOSTS',
  consoleMode: 'CONSOLE',
  reusesOutputs: 'REUSE_OUTPUTS',
  repositoryPrefix: 'REPOSITORY_PREFIX',
  jobLogRegion: 'JOB_LOG_REGION',
  defaultRamBytes: 'DEFAULT_RAM_BYTES',
  sweepGraceSeconds: 'SWEEP_GRACE_SECONDS',
  sweepStepLimitSeconds: 'SWEEP_STEP_LIMIT_SECONDS',
  sweepLateWriteSeconds: 'SWEEP_LATE_WRITE_SECONDS',
} as const

/**
 * Addresses of the object store in presigned URLs, when clients and jobs reach an emulator by another name. Unset on AWS.
 */
export const SIGNED_FOR = { clients: 'S3_URL_FOR_CLIENTS', jobs: 'S3_URL_FOR_JOBS' } as const

type Variable = keyof typeof VARIABLES

const text = z.string().min(1)
const fields = {
  /** Prefix of the installation, a dimension of its metrics. */
  installation: text,
  /** JSON: the installation's tags, for resources that the functions create. */
  resourceTags: z.string().transform(parseJson).pipe(z.record(z.string(), z.string())),
  tableName: text,
  bucketName: text,
  stateMachineArn: text,
  /** JSON: buckets whose objects may be inputs of run sets. */
  inputBuckets: z.string().transform(parseJson).pipe(z.array(z.string())),
  /** State machine of run sets. */
  setMachineArn: text,
  jobLogGroup: text,
  /** Bus of the installation's own events. */
  eventBusName: text,
  /** Queue of events on their way to webhooks. */
  deliveryQueueUrl: z.url(),
  /** Networks of webhooks: the internet, or also private ones and this machine. */
  webhookNetworks: z.enum(['public', 'local']),
  /** JSON: ARN of each queue, and its largest machine if the stage chooses machines. */
  jobQueues: z.string().transform(parseJson).pipe(jobQueuesSchema),
  /** Prefix of the names of Batch job definitions. */
  jobDefinitionPrefix: text,
  jobExecutionRoleArn: text,
  attemptTimeoutSeconds: z.coerce.number().int().min(60),
  stagerImage: text,
  /** Base URL that the stager uses, ending in `/app-engine/v1/`. */
  stagerApiUrl: z.url(),
  /** `https://<account>.dkr.ecr.<region>.amazonaws.com` on AWS. */
  registryUrl: z.url(),
  /** Host names that requests may use in addition to this machine's: `*` for any, or names separated by commas. */
  knownHosts: text,
  /** Mode of the console. */
  consoleMode: z.enum(CONSOLE_MODES),
  /** Whether runs take the outputs of equal runs without being asked to. */
  reusesOutputs: z.enum(['true', 'false']).transform((value) => value === 'true'),
  /** First part of repository names; the importer's permissions are limited to it. */
  repositoryPrefix: text,
  /** Region of the job log group. */
  jobLogRegion: text,
  /** Memory of a task whose descriptor requests none. */
  defaultRamBytes: z.coerce.number().int().min(1),
  sweepGraceSeconds: z.coerce.number().int().min(0),
  sweepStepLimitSeconds: z.coerce.number().int().min(1),
  sweepLateWriteSeconds: z.coerce.number().int().min(0),
} satisfies Record<Variable, z.ZodType>

function parseJson(source: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(source)
  } catch {
    context.addIssue('must be JSON')
    return z.NEVER
  }
}

/** Validated values of some variables. */
type Environment<Name extends Variable> = { readonly [Key in Name]: z.infer<(typeof fields)[Key]> }

/**
 * Reads and validates environment variables. A function calls it once, with the variables that `lib/functions/<name>.ts` sets.
 * @throws Error naming every variable that is missing or wrong
 */
export function readEnvironment<Name extends Variable>(names: readonly Name[]): Environment<Name> {
  const problems: string[] = []
  const environment: Partial<Record<Variable, unknown>> = {}
  for (const name of names) {
    const parsed = fields[name].safeParse(process.env[VARIABLES[name]])
    if (parsed.success) environment[name] = parsed.data
    else problems.push(`${VARIABLES[name]}: ${parsed.error.issues.map((issue) => issue.message).join(', ')}`)
  }
  if (problems.length > 0) throw new Error(`environment variables: ${problems.join('; ')}`)
  return environment as Environment<Name>
}

/** Source of all events of an installation. All installations of an account share the default event bus. */
export const eventSourceOf = (installation: string): string => `app-engine.${installation}`

/** Event that starts an import without a new object: an installation from a store, or the rest of a long import. */
export const IMPORT_REQUESTED = {
  detailType: 'Import Requested',
} as const

/** Path that the edge answers itself, so that an outage of the API does not restart edges. */
export const EDGE_HEALTH_PATH = '/edge/health'

/** Names of keys and indexes of the table, for its construct and the DynamoDB adapters. */
export const TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  /** Seconds since 1970 at which DynamoDB removes an item, some time later: uploads, layers, idempotency keys. */
  timeToLive: 'expiresAt',
  /**
   * Sparse index of unfinished work: active runs, imports and removals. Its attributes are named after active runs,
   * once its only content.
   */
  unfinishedIndex: { name: 'active-runs', partitionKey: 'activeRuns', sortKey: 'updatedAt' },
  /** Sort keys of the items whose changes are events: runs, run sets, uploads. */
  eventSortKeys: ['RUN', 'RUNSET', 'UPLOAD'],
  /** Index of all runs by creation, in a few partitions. It has the attributes that one row of a list shows. */
  runIndex: {
    name: 'runs',
    partitionKey: 'runShard',
    sortKey: 'runOrder',
    attributes: [
      'id',
      'taskId',
      'state',
      'createdAt',
      'updatedAt',
      'entered#RUNNING',
      'entered#FINISHED',
      'entered#FAILED',
      'rowFailure',
      'rowCost',
    ],
  },
} as const
