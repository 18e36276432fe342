import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import * as z from 'zod'
import { CONSOLE_MODES } from '../src/contract/console.ts'
import { MAX_ATTEMPT_HOURS } from '../src/contract/staging.ts'
import type { Emulator } from './emulator.ts'
import { edge } from './settings/edge.ts'
import { access, network } from './settings/network.ts'
import { queues } from './settings/queues.ts'
import { atLeastOne, keyArn } from './settings/values.ts'

/*
 * Settings of a stage: the schema is type, validation and documentation. Descriptions go into docs/settings.schema.json and the
 * table of docs/deployment.md; after a change, `npm run settings` writes both.
 */

const MAX_TAGS_BYTES = 2048

/** At most 28 characters, so that the longest name with the prefix is within its limit. */
const prefix = z
  .string()
  .meta({ examples: ['lab-engine'] })
  .regex(/^[a-z][a-z0-9-]{1,26}[a-z0-9]$/u, 'must have 3 to 28 lower-case letters, digits and hyphens')
  // ECR accepts single hyphens only.
  .regex(/^(?!.*--)/u, 'must not have two hyphens side by side')

const encryption = z.discriminatedUnion('key', [
  z.strictObject({ key: z.literal('aws').describe('Keys of AWS.') }),
  z.strictObject({
    key: z
      .literal('own')
      .describe('A key that the stack creates and AWS rotates yearly; kept with `keepData`.'),
  }),
  z.strictObject({
    key: z.literal('existing').describe('The KMS key `arn`.'),
    arn: keyArn.describe(
      'ARN of a key whose policy lets CloudWatch Logs use it for log groups of this account.',
    ),
  }),
])

const RETENTIONS = Object.values(RetentionDays).filter((value) => typeof value === 'number')

/** Settings of a stage in a settings file. */
const settings = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/u, 'must have lower-case letters, digits and hyphens')
    .meta({ examples: ['lab'] })
    .describe('Display name.'),
  prefix: prefix
    .default('app-engine')
    .describe(
      'Start of the names of stacks, repositories, job definitions and the workflow; 3 to 28 lower-case letters, digits, single hyphens. It separates installations in one account and Region; never change it.',
    ),
  access: access.prefault({ mode: 'private' }).describe('Clients that may call the API.'),
  network: network.prefault({ kind: 'new' }).describe('Network of the jobs.'),
  queues: queues.prefault({}),
  encryption: encryption
    .default({ key: 'aws' })
    .describe("Key of bucket, table and logs of tasks. Images in ECR are encrypted by AWS's key."),
  tags: z
    .record(z.string().min(1).max(128), z.string().max(256))
    // AWS allows 50 tags per resource, including those of the service. A function's variables, which include the tags, are limited to 4 KB.
    .refine((tags) => Object.keys(tags).length <= 40, 'must have at most 40 entries')
    .refine((tags) => Buffer.byteLength(JSON.stringify(tags)) <= MAX_TAGS_BYTES, {
      error: `must have at most ${MAX_TAGS_BYTES} bytes of JSON`,
    })
    .meta({ examples: [{ 'cost-center': '42' }] })
    .describe('Tags of everything that can have tags, jobs included; at most 40, and 2 KB together.')
    .exactOptional(),
  inputBuckets: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/u, 'must be the name of a bucket'))
    .max(10)
    .default([])
    .meta({ examples: [['slides-of-the-institute']] })
    .describe(
      'Buckets of this account that rows of a run set may refer to as `s3://bucket/key`; at most 10. Any client of the API can then run a task on any of their objects.',
    ),
  inputBucketKeys: z
    .array(keyArn)
    .max(10)
    .default([])
    .describe(
      'ARNs of the KMS keys that encrypt objects of `inputBuckets`; at most 10. Objects encrypted by S3 or by the key `aws/s3` need none.',
    ),
  keepData: z
    .boolean()
    .default(true)
    .describe('Bucket, table and logs outlive their stack and are protected from deletion.'),
  logRetentionDays: z
    .literal(RETENTIONS)
    .default(RetentionDays.SIX_MONTHS)
    .describe('Retention of all logs in days; 9999 means forever.'),
  runTimeoutHours: z
    .number()
    .positive()
    .max(720)
    .default(48)
    .describe("Maximum time from a job's submission to its end, waiting and retries included."),
  attemptTimeoutHours: z
    .number()
    .min(0.1)
    .max(MAX_ATTEMPT_HOURS)
    .default(24)
    .describe('Maximum time that one attempt of a job may run; at most `runTimeoutHours`.'),
  defaultRamGib: atLeastOne
    .max(240)
    // The reference's default. The 1Gi of the descriptor's schema would break tasks that were developed with this limit.
    .default(4)
    .describe('Memory of a task whose descriptor requests none.'),
  console: z
    .enum(CONSOLE_MODES)
    .default('off')
    .describe(
      'Web page at `/app-engine/v1/ui/`: not served, read-only, or complete. It has no login: every client of the API can use it.',
    ),
  reuseOutputs: z
    .boolean()
    .default(false)
    .describe(
      'Runs and run sets without `reuse` take the outputs of a FINISHED run with the same image and inputs. Only for stages where all tasks produce the same outputs from the same inputs.',
    ),
  throttle: z
    .strictObject({
      rate: atLeastOne.describe('Requests a second that the API accepts.'),
      burst: atLeastOne.describe('Burst of requests that the API accepts.'),
    })
    .default({ rate: 200, burst: 400 })
    .describe('Limits of the API.'),
  alarmEmail: z
    .email('must be an e-mail address')
    .describe(
      'E-mail address for alarms, used after you confirm the subscription mail from AWS. If unset, alarms are not mailed.',
    )
    .exactOptional(),
  edge: edge
    .describe(
      'Runs the edge as a service, see [Cytomine core](#cytomine-core). If unset, deploy it yourself.',
    )
    .exactOptional(),
  nodeImage: z
    .string()
    .regex(/@sha256:[0-9a-f]{64}$/u, 'must end with a digest: node:24-slim@sha256:…')
    .meta({ examples: [`node:24-slim@sha256:${'0a'.repeat(32)}`] })
    .describe(
      'Base image of stager and edge, pinned by its digest. If unset, the image in their Dockerfiles.',
    )
    .exactOptional(),
}

/** Times of the sweeper. `src/lifecycle/sweep-runs.ts` and `sweep-deletions.ts` document their lower limits. */
const sweep = z.strictObject({
  everyMinutes: atLeastOne
    .default(5)
    .describe('Time between two sweeps; run-lifecycle promises five minutes.'),
  graceSeconds: z
    .int()
    .min(0)
    .default(300)
    .describe('Runs that changed less than this ago are not repaired.'),
  stepLimitSeconds: atLeastOne
    // At most eight attempts of 15 minutes, and half an hour of pauses.
    .default(3 * 3600)
    .describe('A step of the engine that takes longer has failed.'),
  lateWriteSeconds: z
    .int()
    .min(0)
    // The stager's URLs are valid for one hour, and a request that started in time may take another.
    .default(2 * 3600)
    .describe('Time for which late writes of a deleted run may arrive.'),
})

export const settingsSchema = z.strictObject({
  $schema: z.string().describe('Path of `docs/settings.schema.json`, for editors.').exactOptional(),
  ...settings,
})

/** A stage: settings of a file, and those that only `lib/stages.ts` changes. */
export const stageSchema = z.strictObject({ ...settings, sweep: sweep.prefault({}) })

/** Content of a settings file. */
export type Settings = z.input<typeof settingsSchema>

/** One stage with its defaults: everything in which two installations differ. */
export type Stage = z.output<typeof stageSchema> & {
  /** Emulator in place of AWS. */
  readonly emulator?: Emulator
}

export type NetworkSettings = Stage['network']
export type EdgeSettings = NonNullable<Stage['edge']>
/** Settings of an EC2 queue; the GPU queue has one more, `largest.gpus`. */
export type MachineSettings = NonNullable<Stage['queues']['ec2']>
