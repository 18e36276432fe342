/*
 * AWS's published limits that a run set can reach, with what a run needs of each. Calls and writes of a run are those of docs/cost.md;
 * durations of functions are those of the local stack, rounded up.
 */

export const SUBMITS_PER_SECOND = 50
/** Tasks that Fargate launches in one account. */
export const LAUNCHES = { burst: 100, perSecond: 20 } as const
/** One for each task: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
export const NETWORK_INTERFACES = 5000
/** Pull, start of the containers and stage-in, without the time of the task itself. */
export const START_SECONDS = 60

/** A limit on what the runs that are submitted, launched or ended in one second need together. */
export interface Rate {
  readonly name: string
  readonly limit: number
  readonly submit: number
  readonly launch: number
  readonly end: number
  /** Effect of a refused call on its run. */
  readonly refusal: string
  /** Delay of refused calls after which a run may fail; absent when its calls are retried for longer than any set needs. */
  readonly failsAfterSeconds?: number
  /** AWS's page, or what is not verified. */
  readonly source: string
}

/** Requests of a stager to the API: each occupies the function `api` for 0.2 s. */
const STAGER = { launch: 8, end: 7, seconds: 0.2 } as const
/** A stager retries a request for half a minute (stager/retry.ts), and its failure fails the run. */
const STAGER_REFUSAL = 'retried by services; the stager fails its run after half a minute'
const STAGER_SECONDS = 30

/**
 * Writes of 1 KB to the index of active runs for each change of a run: the index has the whole item, up to 2 KB, and the change of its
 * sort key removes and adds it.
 */
const MOVE = 4
/** Partitions of the index of active runs (src/aws/dynamo-table.ts). */
const PARTITIONS = 4

const RETRIED_WRITE = 'retried by the SDK, then by the workflow'
const REPEATED_PULL = '`CannotPull`: the attempt is repeated, three in all'

export const RATES = {
  logStreams: {
    name: 'log streams created',
    limit: 50,
    submit: 0,
    launch: 3,
    end: 0,
    refusal: 'delays the log on EC2; may end the attempt on Fargate, see Log streams above',
    // Launches exceed the limit by a fifth, so 30 s of delay take 150 s, in which all three attempts of a run can begin.
    failsAfterSeconds: 30,
    source: 'https://docs.aws.amazon.com/goto/WebAPI/logs/CreateLogStream',
  },
  lambda: {
    name: 'concurrent Lambda calls',
    limit: 1000,
    submit: 1,
    launch: 4 * 0.3 + STAGER.launch * STAGER.seconds,
    end: 2 * 1 + STAGER.end * STAGER.seconds,
    refusal: STAGER_REFUSAL,
    failsAfterSeconds: STAGER_SECONDS,
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html',
  },
  stagerRequests: {
    name: 'requests to the API of the stagers',
    limit: 1000,
    submit: 0,
    launch: STAGER.launch,
    end: STAGER.end,
    refusal: STAGER_REFUSAL,
    failsAfterSeconds: STAGER_SECONDS,
    source: '`STAGER_THROTTLE` in `lib/constructs/rest-api.ts`',
  },
  accountRequests: {
    name: 'API Gateway requests of the account',
    limit: 10_000,
    submit: 0,
    launch: STAGER.launch,
    end: STAGER.end,
    refusal: STAGER_REFUSAL,
    failsAfterSeconds: STAGER_SECONDS,
    source:
      'https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html (2 500 in newer Regions)',
  },
  manifests: {
    name: 'ECR `BatchGetImage`',
    limit: 2000,
    submit: 0,
    // Two images, each resolved and read.
    launch: 4,
    end: 0,
    refusal: REPEATED_PULL,
    source: 'https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html',
  },
  layerUrls: {
    name: 'ECR `GetDownloadUrlForLayer`',
    limit: 3000,
    submit: 0,
    // Images of 12 and 4 layers and configurations.
    launch: 16,
    end: 0,
    refusal: REPEATED_PULL,
    source: 'not verified here',
  },
  transitions: {
    name: 'state transitions',
    limit: 800,
    submit: 2,
    launch: 0,
    end: 2,
    refusal: 'Step Functions waits',
    source:
      'https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (5 000 in us-east-1, us-west-2, eu-west-1)',
  },
  taskTokens: {
    name: '`SendTaskSuccess`',
    limit: 300,
    submit: 0,
    launch: 0,
    end: 1,
    refusal: "retried by the SDK, then with the job's event",
    source:
      'https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (seen in an older copy; 500 in us-east-1, us-west-2, eu-west-1)',
  },
  indexWrites: {
    name: 'writes to a partition of the index of active runs',
    limit: 1000,
    submit: (3 * MOVE) / PARTITIONS,
    launch: (3 * MOVE) / PARTITIONS,
    end: MOVE / PARTITIONS,
    refusal: RETRIED_WRITE,
    source: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html',
  },
  tableWrites: {
    name: 'writes to a new table',
    limit: 4000,
    // Items of up to 2 KB; those of transactions count twice.
    submit: 2 * 4,
    launch: 2 * 5,
    end: 2 * 7,
    refusal: RETRIED_WRITE,
    source:
      'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/pre-warming-on-demand-capacity-mode.html',
  },
  busEvents: {
    name: 'EventBridge `PutEvents`',
    limit: 2400,
    submit: 2,
    launch: 3,
    end: 2,
    refusal: 'retried from the stream of the table; events are late',
    source:
      'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html (us-east-2; 10 000 in us-east-1; least in other Regions not verified here)',
  },
} as const satisfies Record<string, Rate>

export type RateKey = keyof typeof RATES
export const RATE_KEYS = Object.keys(RATES) as readonly RateKey[]
