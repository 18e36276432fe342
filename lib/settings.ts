import { readFileSync } from 'node:fs'
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import * as z from 'zod'
import { peerOf } from './constructs/peers.ts'
import { conflictsIn } from './setting-conflicts.ts'
import type { Stage } from './stages.ts'

/*
 * A stage as its ops team writes it down, in JSON: `cdk deploy --all -c settings=lab.json`. Everything has a default; together
 * the defaults are the stage `production`. docs/deployment.md explains each setting.
 */

const MAX_TAGS_BYTES = 2048

const wholeNumber = z.int().min(1)
const cidr = z.cidrv4()
const id = (prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`, 'u'), `must look like ${prefix}-0a1b2c3d`)
const arn = (service: string) =>
  z.string().regex(new RegExp(`^arn:[a-z-]+:${service}:`, 'u'), `must be an ARN of ${service}`)
/** Not of an alias: policies name keys. */
const keyArn = z
  .string()
  .regex(
    /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/u,
    'must be the ARN of a key: arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-…',
  )
const subnets = z
  .record(z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d[a-z]$/u, 'must be an availability zone'), id('subnet'))
  .refine((byZone) => Object.keys(byZone).length >= 2, 'must have two availability zones at least')

/** As long as the longest name that is made of it allows: job definitions, roles and log groups have room for more. */
const prefix = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,26}[a-z0-9]$/u, 'must have 3 to 28 lower-case letters, digits and hyphens')
  // ECR takes single hyphens between other characters only.
  .regex(/^(?!.*--)/u, 'must not have two hyphens side by side')

const access = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('private'), vpcEndpointIds: z.array(id('vpce')).default([]) }),
  z.strictObject({ mode: z.literal('iam') }),
])

const s3PrefixListId = id('pl').exactOptional()
const network = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('new'),
    cidr: cidr.default('10.64.0.0/16').refine((range) => /\/1[6-9]$/u.test(range), 'must be /16 to /19'),
    flowLog: z.boolean().default(true),
    dnsFirewall: z.boolean().default(false),
    s3PrefixListId,
  }),
  z.strictObject({
    kind: z.literal('existing'),
    vpcId: id('vpc'),
    cidr,
    isolatedSubnets: subnets,
    isolatedRouteTableIds: z.array(id('rtb')).min(1),
    internetSubnets: subnets.exactOptional(),
    apiEndpointId: id('vpce').exactOptional(),
    s3PrefixListId,
  }),
])

const largest = { vcpus: z.int().min(3), memoryGib: wholeNumber }
const machines = {
  instanceTypes: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/u, 'must look like r7i.8xlarge')
        // AWS's own processors have a g after the generation: c7g, m8gd, g5g.
        .regex(
          /^(?!a1\.|[a-z]+\d+\w*g\w*\.)/u,
          'must not be of an ARM family: images of tasks are for linux/amd64',
        ),
    )
    .min(1),
  maxVcpus: wholeNumber,
  diskGib: z.int().min(60).max(16_384),
}
const queues = z.strictObject({
  fargate: z
    .strictObject({
      maxVcpus: wholeNumber.default(256),
      capacity: z.enum(['on-demand', 'spot', 'spot-first']).default('on-demand'),
    })
    .prefault({}),
  internet: z.strictObject({ maxVcpus: wholeNumber }).exactOptional(),
  ec2: z.strictObject({ ...machines, largest: z.strictObject(largest) }).exactOptional(),
  gpu: z
    .strictObject({ ...machines, largest: z.strictObject({ ...largest, gpus: wholeNumber }) })
    .exactOptional(),
  /** Batch's own limits; its reasons may come while it is still scaling up, so its minimum would be too hasty. */
  longestUnplaceableMinutes: z.int().min(10).max(1440).default(30),
})

const peer = z.string().refine((text) => {
  try {
    peerOf(text)
    return true
  } catch {
    return false
  }
}, 'must be an IPv4 range, sg-… or pl-…')

const edge = z.strictObject({
  vpc: z.strictObject({ id: id('vpc'), subnets }),
  clients: z.array(peer).min(1),
  reaches: z.array(peer).min(1),
  desiredCount: wholeNumber.default(2),
  cpu: z.union([z.literal(256), z.literal(512), z.literal(1024), z.literal(2048)]).default(1024),
  memoryMib: z.int().min(512).default(2048),
  clientSharePercent: z.int().min(1).max(100).default(50),
  hosts: z
    .array(z.string().regex(/^[a-z0-9.-]+$/u, 'must be a host name in lower case, without a port'))
    .exactOptional(),
  certificateArn: arn('acm').exactOptional(),
})

const RETENTIONS = Object.values(RetentionDays).filter((value) => typeof value === 'number')

const settingsSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/u, 'must be lower-case letters, digits and hyphens'),
  prefix: prefix.default('app-engine'),
  access: access.prefault({ mode: 'private' }),
  network: network.prefault({ kind: 'new' }),
  queues: queues.prefault({}),
  encryption: z
    .discriminatedUnion('key', [
      z.strictObject({ key: z.literal('aws') }),
      z.strictObject({ key: z.literal('own') }),
      z.strictObject({ key: z.literal('existing'), arn: keyArn }),
    ])
    .default({ key: 'aws' }),
  /** AWS takes 50 on a resource; some are ours. Functions know them by a variable, and have 4 KB for all of these. */
  tags: z
    .record(z.string().min(1).max(128), z.string().max(256))
    .refine((tags) => Object.keys(tags).length <= 40, 'must be 40 at most')
    .refine((tags) => Buffer.byteLength(JSON.stringify(tags)) <= MAX_TAGS_BYTES, {
      error: `must be ${MAX_TAGS_BYTES} bytes of JSON at most`,
    })
    .exactOptional(),
  keepData: z.boolean().default(true),
  logRetentionDays: z
    .number()
    .refine((days): days is RetentionDays => RETENTIONS.includes(days), {
      error: `must be one of ${RETENTIONS.join(', ')}`,
    })
    .default(RetentionDays.SIX_MONTHS),
  runTimeoutHours: z.number().positive().max(720).default(48),
  attemptTimeoutHours: z.number().min(0.1).max(336).default(24),
  /** The reference's; the 1Gi of the descriptor's schema would stop tasks that were developed under this limit. */
  defaultRamGib: wholeNumber.max(240).default(4),
  throttle: z.strictObject({ rate: wholeNumber, burst: wholeNumber }).default({ rate: 200, burst: 400 }),
  alarmEmail: z.email().exactOptional(),
  edge: edge.exactOptional(),
  nodeImage: z
    .string()
    .regex(/@sha256:[0-9a-f]{64}$/u, 'must end with a digest: node:24-slim@sha256:…')
    .exactOptional(),
})

const soundSettings = settingsSchema.superRefine((settings, context) => {
  for (const { path, error } of conflictsIn(settings)) {
    context.addIssue({ code: 'custom', path: [...path], message: error })
  }
})

/** Every setting of the first level. */
export const SETTING_NAMES: readonly string[] = Object.keys(settingsSchema.shape)

/** What a settings file may hold. */
export type Settings = z.input<typeof settingsSchema>

/** Settings each of which is right by itself, with defaults filled in. */
export type CompleteSettings = z.output<typeof settingsSchema>

/**
 * The stage that settings describe.
 * @throws Error naming all that is wrong, each with its place
 */
export function stageOf(settings: unknown): Stage {
  const parsed = soundSettings.safeParse(settings)
  if (!parsed.success) throw new Error(`settings:\n${z.prettifyError(parsed.error)}`)
  const { network: jobs, queues: of, ...given } = parsed.data
  const { longestUnplaceableMinutes, ...kinds } = of
  const { keepData, logRetentionDays, runTimeoutHours, attemptTimeoutHours, defaultRamGib, ...rest } = given
  return {
    ...rest,
    jobs: {
      kind: 'batch',
      network: jobs,
      ...kinds,
      longestUnplaceable: Duration.minutes(longestUnplaceableMinutes),
    },
    removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    logRetention: logRetentionDays,
    runTimeout: Duration.seconds(Math.ceil(runTimeoutHours * 3600)),
    attemptTimeout: Duration.seconds(Math.ceil(attemptTimeoutHours * 3600)),
    defaultRam: Size.gibibytes(defaultRamGib),
    // Every five minutes is what run-lifecycle promises; a step of the engine has 15 minutes, eight times at most, and half an hour
    // of pauses; a stager's URLs live for one hour, and a request that has begun by then may take another.
    sweep: {
      every: Duration.minutes(5),
      grace: Duration.minutes(5),
      stepLimit: Duration.hours(3),
      lateWrites: Duration.hours(2),
    },
  }
}

/**
 * The stage that a file describes.
 * @throws Error when it cannot be read, is no JSON, or is wrong in any other way
 */
export function readSettings(path: string): Stage {
  const text = readFileSync(path, 'utf8')
  let settings: unknown
  try {
    settings = JSON.parse(text)
  } catch (error) {
    throw new Error(`${path} is no JSON: ${(error as Error).message}`)
  }
  try {
    return stageOf(settings)
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`)
  }
}
