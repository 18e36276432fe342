import { Duration, type RemovalPolicy, type Size } from 'aws-cdk-lib'
import type { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { JobQueues } from '../src/contract/job-queues.ts'
import { type DeployEnvironment, type Emulator, emulatorOf } from './emulator.ts'
import { stageOf } from './settings.ts'

/** Who may call the API. */
export type Access =
  /** Only through these VPC endpoints for execute-api: nobody, while there is none. Not that of the jobs, or tasks may call as well. */
  | { readonly mode: 'private'; readonly vpcEndpointIds: readonly string[] }
  /** Whoever signs with IAM credentials of this account that allow it. */
  | { readonly mode: 'iam' }
  /** Whoever reaches it; refused for anything but an emulator. */
  | { readonly mode: 'open' }

/** What the service stack must know of the place where jobs run. */
export interface JobPlatform {
  readonly queues: JobQueues
  readonly executionRoleArn: string
  /** Image reference of the stager. */
  readonly stagerImage: string
  /** VPC endpoint through which the stager calls a private API. */
  readonly apiEndpointId?: string
}

/** Subnets by availability zone: `{ 'eu-west-1a': 'subnet-0a1b' }`. */
export type SubnetsByZone = Readonly<Record<string, string>>

/** The network of jobs. */
export type NetworkSettings = {
  /** AWS's prefix list of S3 in the Region, where lib/constructs/job-network.ts does not know it. */
  readonly s3PrefixListId?: string
} & (
  | {
      readonly kind: 'new'
      /** Address range, /16 to /18; it is never peered, so it may overlap with others. */
      readonly cidr: string
      /** Log of refused connections: a task that tries to get out shows there. */
      readonly flowLog: boolean
      /** Jobs look up names of AWS only: without it, DNS is a slow way out. */
      readonly dnsFirewall: boolean
    }
  | {
      readonly kind: 'existing'
      readonly vpcId: string
      readonly cidr: string
      /** Without any route out, in two zones at least. Their route tables get an endpoint for S3, of which they have none yet. */
      readonly isolatedSubnets: SubnetsByZone
      readonly isolatedRouteTableIds: readonly string[]
      /** With a route out, for the internet queue. */
      readonly internetSubnets?: SubnetsByZone
      /**
       * Where the VPC has interface endpoints already (ecr.api, ecr.dkr, logs, execute-api; ecs, ecs-agent and ecs-telemetry for queues on
       * EC2), which jobs reach at its range: id of that for execute-api. A VPC can have one of each with private DNS.
       */
      readonly apiEndpointId?: string
    }
)

/** Spot machines cost about a third and may be taken away: such a job is tried again, twice. */
export type FargateCapacity = 'on-demand' | 'spot' | 'spot-first'

/** A queue on EC2. */
export interface MachineSettings {
  /** Of x86: `['r7i.8xlarge']`. */
  readonly instanceTypes: readonly string[]
  /** Most vCPUs that run at a time. */
  readonly maxVcpus: number
  /** Of the largest type, by AWS's table. */
  readonly largest: { readonly vcpus: number; readonly memoryGib: number }
  /** Volume of each machine, for the images and files of all jobs on it. */
  readonly diskGib: number
}

/** Batch, with one queue for most jobs and others where a stage wants them. */
export interface BatchSettings {
  readonly kind: 'batch'
  readonly network: NetworkSettings
  /** Most vCPUs that run at a time, of each kind of capacity: the bill's upper limit. */
  readonly fargate: { readonly maxVcpus: number; readonly capacity: FargateCapacity }
  /** For tasks that ask for the internet, which can then send their inputs anywhere; left out, they cannot run. */
  readonly internet?: { readonly maxVcpus: number }
  /** For tasks that are too large for Fargate. */
  readonly ec2?: MachineSettings
  /** For tasks that ask for GPUs; a job takes all that the largest machine has, so that it is alone there. */
  readonly gpu?: MachineSettings & { readonly largest: { readonly gpus: number } }
  /** A job that cannot be placed is cancelled after this; Batch allows 10 minutes to 24 hours. */
  readonly longestUnplaceable: Duration
}

/** What encrypts bucket, table and the logs of tasks: a key of AWS, one that the stage makes and keeps, or an existing one. */
export type EncryptionSettings =
  | { readonly key: 'aws' }
  | { readonly key: 'own' }
  /** Its policy must let CloudWatch Logs use it for log groups of this account. */
  | { readonly key: 'existing'; readonly arn: string }

/** The edge as a service, in the network of those who call it. */
export interface EdgeSettings {
  /**
   * An existing network, with two subnets at least, by availability zone: `{ 'eu-west-1a': 'subnet-0a1b' }`. They have a way to
   * the API (in a private stage: a VPC endpoint that the stage's access names, with private DNS), to S3, ECR and CloudWatch Logs.
   */
  readonly vpc: { readonly id: string; readonly subnets: SubnetsByZone }
  /** Who may call it: IPv4 ranges, security groups (`sg-…`), prefix lists (`pl-…`). */
  readonly clients: readonly string[]
  /** What it may connect to, at port 443, named alike: the VPC's endpoints and the prefix list of S3, or 0.0.0.0/0. */
  readonly reaches: readonly string[]
  /** How many run, always. */
  readonly desiredCount: number
  /** 1024 are one processor; an edge uses no second one. */
  readonly cpu: 256 | 512 | 1024 | 2048
  /** Of each: an upload takes up to 64 MB of it while it goes on. */
  readonly memoryMib: number
  /** Most of the memory for bodies that one client address gets; 100 where all clients have the same one. */
  readonly clientSharePercent: number
  /** Host names by which it is called, beside that of its load balancer; left out, it answers for any. */
  readonly hosts?: readonly string[]
  /** ARN of the load balancer's certificate; without one, clients speak HTTP to it. */
  readonly certificateArn?: string
}

/** Settings of one stage; everything in which two installations may differ. */
export interface Stage {
  readonly name: string
  /** Starts the names of stacks, repositories, job definitions and the workflow: it tells two installations in one account apart. */
  readonly prefix: string
  readonly access: Access
  readonly jobs: BatchSettings | { readonly kind: 'external'; readonly platform: JobPlatform }
  readonly encryption: EncryptionSettings
  /** On everything that can have tags, beside `application`. */
  readonly tags?: Readonly<Record<string, string>>
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
   * that takes longer will not end (src/lifecycle/sweep-runs.ts says what both must exceed); `lateWrites`: this long after a run was
   * deleted something of it may still arrive (src/lifecycle/sweep-deletions.ts).
   */
  readonly sweep: {
    readonly every: Duration
    readonly grace: Duration
    readonly stepLimit: Duration
    readonly lateWrites: Duration
  }
  /** Requests a second that the API takes, and how many at once. */
  readonly throttle: { readonly rate: number; readonly burst: number }
  /** Whom alarms write to; has to confirm a mail from AWS first. */
  readonly alarmEmail?: string
  /** Left out, the edge is run elsewhere, if at all. */
  readonly edge?: EdgeSettings
  /**
   * What the images of stager and edge begin with, pinned by its digest: `node:24-slim@sha256:…`. Left out, it is the one
   * that their Dockerfiles name.
   */
  readonly nodeImage?: string
  readonly emulator?: Emulator
}

/** What is deployed when nobody names a stage. */
export const DEFAULT_STAGE = 'production'

/** No compute stack: jobs are run by the server behind AWS_ENDPOINT_URL_BATCH, which knows this one queue. */
function local(environment: DeployEnvironment): Stage {
  return {
    ...stageOf({
      name: 'local',
      keepData: false,
      logRetentionDays: 7,
      throttle: { rate: 1000, burst: 1000 },
    }),
    // The emulator demands signatures as AWS does, and clients of the local stage have no credentials.
    access: { mode: 'open' },
    jobs: {
      kind: 'external',
      platform: {
        queues: { fargate: { arn: 'arn:aws:batch:us-east-1:000000000000:job-queue/app-engine-local' } },
        executionRoleArn: 'arn:aws:iam::000000000000:role/app-engine-local-execution',
        stagerImage: 'app-engine/stager:local',
      },
    },
    // EventBridge's shortest period. Nothing is throttled here, so tries follow each other in seconds.
    sweep: {
      every: Duration.minutes(1),
      grace: Duration.seconds(30),
      stepLimit: Duration.minutes(5),
      // Jobs are stopped at once.
      lateWrites: Duration.seconds(30),
    },
    emulator: emulatorOf(environment),
  }
}

const STAGES: Readonly<Record<string, (environment: DeployEnvironment) => Stage>> = {
  local,
  production: () => stageOf({ name: 'production' }),
}

/** Names that `-c stage=…` takes. */
export const STAGE_NAMES: readonly string[] = Object.keys(STAGES)

/**
 * The settings of a stage. The local one finds its emulator by the environment (lib/emulator.ts).
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
