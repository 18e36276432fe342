import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'

/** Who may call the API. */
export type Access =
  /** Only through these VPC endpoints for execute-api, and through the one of the jobs' own network. */
  | { readonly mode: 'private'; readonly vpcEndpointIds: readonly string[] }
  /** Whoever signs with IAM credentials of this account that allow it. */
  | { readonly mode: 'iam' }
  /** Whoever reaches it; refused for anything but an emulator. */
  | { readonly mode: 'open' }

/** What the service stack must know of the place where jobs run. */
export interface JobPlatform {
  readonly queueArn: string
  readonly executionRoleArn: string
  /** Image reference of the stager. */
  readonly stagerImage: string
  /** VPC endpoint through which the stager calls a private API. */
  readonly apiEndpointId?: string
}

/** Batch on Fargate, in a network of its own. */
export interface FargateSettings {
  readonly kind: 'fargate'
  /** Address range of the network; it is never peered, so it may overlap with others. */
  readonly cidr: string
  /** Most vCPUs that run at a time: the bill's upper limit. */
  readonly maxVcpus: number
  /** A job that cannot be placed is cancelled after this; Batch allows 10 minutes to 24 hours. */
  readonly longestUnplaceable: Duration
}

/** Addresses that take the place of AWS's own, when a stage is deployed to an emulator. */
export interface Emulator {
  readonly endpoint: string
  readonly batchEndpoint: string
  readonly registryUrl: string
}

/** Settings of one stage; everything in which two installations may differ. */
export interface Stage {
  readonly name: string
  /** Starts the names of stacks, repositories, job definitions and the workflow: it tells two installations in one account apart. */
  readonly prefix: string
  readonly access: Access
  readonly jobs: FargateSettings | { readonly kind: 'external'; readonly platform: JobPlatform }
  /** What becomes of data and logs when they leave the stack. */
  readonly removalPolicy: RemovalPolicy
  readonly logRetention: RetentionDays
  /** Longest time from a job's submission to its end, waiting and retries included. */
  readonly runTimeout: Duration
  /** Longest time that one attempt of a job may compute. */
  readonly attemptTimeout: Duration
  /** Memory of a task whose descriptor does not ask for any. */
  readonly defaultRam: Size
  /**
   * When lost runs are looked after. `grace`: what changed less than this ago is left alone; `stepLimit`: a step of the engine
   * that takes longer will not end (src/use-cases/sweep-runs.ts says what both must exceed).
   */
  readonly sweep: { readonly every: Duration; readonly grace: Duration; readonly stepLimit: Duration }
  /** Requests a second that the API takes, and how many at once. */
  readonly throttle: { readonly rate: number; readonly burst: number }
  /** Whom alarms write to; has to confirm a mail from AWS first. */
  readonly alarmEmail?: string
  readonly emulator?: Emulator
}

/** Variables of the deploying process; see {@link stageNamed}. */
export type DeployEnvironment = Readonly<Record<string, string | undefined>>

/** What is deployed when nobody names a stage. */
export const DEFAULT_STAGE = 'production'

const COMMON = {
  prefix: 'app-engine',
  runTimeout: Duration.hours(48),
  attemptTimeout: Duration.hours(24),
  // The reference's; the 1Gi of the descriptor's schema would stop tasks that were developed under this limit.
  defaultRam: Size.gibibytes(4),
} as const

function production(): Stage {
  return {
    ...COMMON,
    name: 'production',
    access: { mode: 'private', vpcEndpointIds: [] },
    jobs: {
      kind: 'fargate',
      cidr: '10.64.0.0/16',
      maxVcpus: 256,
      // Batch writes a MISCONFIGURATION reason while it is still scaling up, so its own minimum would be too hasty.
      longestUnplaceable: Duration.minutes(30),
    },
    removalPolicy: RemovalPolicy.RETAIN,
    logRetention: RetentionDays.SIX_MONTHS,
    sweep: { every: Duration.minutes(5), grace: Duration.minutes(5), stepLimit: Duration.hours(3) },
    throttle: { rate: 200, burst: 400 },
  }
}

/** No compute stack: jobs are run by the server behind AWS_ENDPOINT_URL_BATCH, which knows this one queue. */
function local(environment: DeployEnvironment): Stage {
  const endpoint = address(environment, 'AWS_ENDPOINT_URL', 'http://127.0.0.1:4566')
  return {
    ...COMMON,
    name: 'local',
    // The emulator demands signatures as AWS does, and clients of the local stage have no credentials.
    access: { mode: 'open' },
    jobs: {
      kind: 'external',
      platform: {
        queueArn: 'arn:aws:batch:us-east-1:000000000000:job-queue/app-engine-local',
        executionRoleArn: 'arn:aws:iam::000000000000:role/app-engine-local-execution',
        stagerImage: 'app-engine/stager:local',
      },
    },
    removalPolicy: RemovalPolicy.DESTROY,
    logRetention: RetentionDays.ONE_WEEK,
    // EventBridge's shortest period. Nothing is throttled here, so tries follow each other in seconds.
    sweep: { every: Duration.minutes(1), grace: Duration.seconds(30), stepLimit: Duration.minutes(5) },
    throttle: { rate: 1000, burst: 1000 },
    emulator: {
      endpoint,
      batchEndpoint: address(environment, 'AWS_ENDPOINT_URL_BATCH', endpoint),
      registryUrl: address(environment, 'REGISTRY_URL', endpoint),
    },
  }
}

const STAGES: Readonly<Record<string, (environment: DeployEnvironment) => Stage>> = { local, production }

/** Names that `-c stage=…` takes. */
export const STAGE_NAMES: readonly string[] = Object.keys(STAGES)

/**
 * The settings of a stage. The local one takes the emulator's addresses from AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_BATCH and
 * REGISTRY_URL.
 * @throws Error naming the stages there are.
 */
export function stageNamed(name: string, environment: DeployEnvironment): Stage {
  const settings = Object.hasOwn(STAGES, name) ? STAGES[name] : undefined
  if (settings === undefined) {
    throw new Error(
      `unknown stage "${name}": choose one of ${STAGE_NAMES.join(', ')} with -c stage=…; without it, ${DEFAULT_STAGE} is taken`,
    )
  }
  return settings(environment)
}

function address(environment: DeployEnvironment, variable: string, fallback: string): string {
  const value = environment[variable] || fallback
  if (!URL.canParse(value)) throw new Error(`${variable} is not a URL: ${value}`)
  return value.replace(/\/+$/u, '')
}
