import * as z from 'zod'
import { QUEUE_KINDS } from '../../../src/contract/job-queues.ts'
import { RUN_FAILURE_KINDS } from '../../../src/contract/run-failure-kinds.ts'
import { RUN_STATES } from '../../../src/run/transitions.ts'
import type { ParameterTypeId } from '../../../src/task/task.ts'
import { component, taggedUnion } from './components.ts'
import { reuseShape } from './reuse-schemas.ts'
import { instant, uuid } from './shared-schemas.ts'
import { taskDescription } from './task-schemas.ts'

const runState = component('RunState', z.enum(RUN_STATES))

const runFailure = component(
  'RunFailure',
  z.strictObject({
    kind: z.enum(RUN_FAILURE_KINDS),
    message: z.string(),
    exitCode: z.int().optional().describe("Exit code of the task's container."),
    attempt: z.int().min(1).optional().describe('The failed submission, from 1.'),
  }),
)

const runCost = component(
  'RunCost',
  z
    .strictObject({
      vcpuSeconds: z.number(),
      memoryGibSeconds: z.number(),
      diskGibSeconds: z.number().describe('Beyond the free disk space.'),
      gpuSeconds: z.number(),
      usd: z.number(),
      pricesOf: z.iso.date().describe('Date of the prices.'),
    })
    .describe(
      'An estimate from the times of the job and on-demand prices of us-east-1; at least one minute is charged.',
    ),
)

const runTimes = {
  startedAt: instant.optional().describe('Start of the first container, as recorded by the engine.'),
  endedAt: instant.optional().describe('Of a run that is FINISHED or FAILED.'),
}

const historyEntry = component(
  'RunHistoryEntry',
  z.strictObject({
    state: runState,
    at: instant,
    attempt: z.int().min(1).optional().describe('Number of the submission to AWS Batch, if there was one.'),
  }),
)

/** Resources that a descriptor requests. */
const resources = component(
  'Resources',
  z.strictObject({
    cpus: z.number(),
    memoryMiB: z.number().describe('Rounded up.'),
    gpus: z.number(),
    internet: z.boolean(),
  }),
)

const asked = {
  asked: resources.describe("Resources that the task's descriptor requests."),
  imageSizeBytes: z.int().optional().describe('Size of the pulled layers, if known.'),
  currency: z.literal('USD'),
  pricesOf: z.iso.date().describe('When the prices were looked up.'),
}

/** Two forms, distinguished by a boolean key, which OpenAPI's discriminator does not support. */
export const placement = component(
  'Placement',
  z.union([
    component(
      'Placed',
      z.strictObject({
        placeable: z.literal(true),
        queue: z.enum(QUEUE_KINDS),
        platform: z.enum(['FARGATE', 'EC2']),
        vcpus: z
          .number()
          .describe('Includes those of the stager, like `memoryMiB`: the resources that are paid for.'),
        memoryMiB: z.number(),
        gpus: z.int(),
        diskGiB: z.int(),
        ...asked,
        pricePerHour: z.number(),
      }),
    ),
    component(
      'NotPlaced',
      z.strictObject({
        placeable: z.literal(false),
        queue: z.null(),
        platform: z.null(),
        vcpus: z.null(),
        memoryMiB: z.null(),
        gpus: z.null(),
        ...asked,
        reasons: z.array(z.string()).min(1),
      }),
    ),
  ]),
)

const seconds = z.number().nonnegative().optional()

const runTimings = component(
  'RunTimings',
  z
    .strictObject({
      queueSeconds: seconds.describe('From submission to the first container.'),
      stageInSeconds: seconds,
      taskSeconds: seconds.describe('Between the two stages, or to the end of a run that failed before.'),
      stageOutSeconds: seconds,
      collectSeconds: seconds.describe('From the end of stage-out to the end of the run.'),
    })
    .describe('Known phases.'),
)

const newRunShape = { id: uuid, task: taskDescription, state: runState }

/** http-api 5.8 */
export const newRun = component('NewRun', z.strictObject(newRunShape))

/** http-api 5.13 */
export const run = component(
  'Run',
  z.strictObject({
    ...newRunShape,
    createdAt: instant,
    updatedAt: instant.nullable().describe('null until the first change.'),
    ...runTimes,
    history: z
      .array(historyEntry)
      .describe(
        'By time: the creation, and the last time that the run entered each state. At most nine entries.',
      ),
    resources: resources.describe("Resources that the task's descriptor requests."),
    statusReason: z
      .string()
      .optional()
      .describe(
        'Why a started run has no machine yet, once it has waited for ten minutes and a reason is known.',
      ),
    error: runFailure.optional().describe('Present in a FAILED run.'),
    ...reuseShape,
    ignoredFiles: z
      .array(z.string())
      .max(20)
      .optional()
      .describe('Names in the output folder of a FINISHED run that no output has: the first of them.'),
    cost: runCost.optional().describe('Present when the job has ended and a container ran.'),
    timings: runTimings.optional(),
  }),
)

/** Row of a list of runs. */
export const listedRun = component(
  'ListedRun',
  z.strictObject({
    id: uuid,
    state: runState,
    task: component(
      'ListedRunTask',
      z.strictObject({ id: uuid, namespace: z.string(), version: z.string(), name: z.string() }),
    ),
    createdAt: instant,
    updatedAt: instant.nullable().describe('null until the first change.'),
    ...runTimes,
    cost: component(
      'ListedRunCost',
      z.strictObject({ usd: z.number(), pricesOf: z.iso.date() }).describe('Like `cost` of the run.'),
    ).optional(),
    error: component(
      'ListedRunFailure',
      z.strictObject({
        kind: z.enum(RUN_FAILURE_KINDS),
        message: z.string().describe('First line of the reason, at most 150 characters.'),
      }),
    ).optional(),
  }),
)

/** http-api 5.18 */
export const stateAction = component(
  'StateAction',
  z.strictObject({ status: z.literal('success'), resource: run }),
)

/** http-api 5.15 */
export const provision = component(
  'Provision',
  z.strictObject({
    parameterName: z.string(),
    value: z
      .unknown()
      .optional()
      .describe(
        'Absent for images and files, for arrays of them or of geometries, and for values from an upload.',
      ),
    taskRunId: uuid,
  }),
)

/** http-api 5.17 */
export const itemProvision = component(
  'ItemProvision',
  z.strictObject({
    index: z.string().describe('Name of the parameter, `/`, index path.'),
    value: z
      .unknown()
      .optional()
      .describe('Absent for geometries, images and files, and for values from an upload.'),
    taskRunId: uuid,
  }),
)

const upperCaseType = component(
  'RunValueType',
  z.enum({
    BOOLEAN: 'BOOLEAN',
    INTEGER: 'INTEGER',
    NUMBER: 'NUMBER',
    STRING: 'STRING',
    ENUMERATION: 'ENUMERATION',
    DATETIME: 'DATETIME',
    GEOMETRY: 'GEOMETRY',
    IMAGE: 'IMAGE',
    FILE: 'FILE',
    ARRAY: 'ARRAY',
  } as const satisfies { readonly [Type in Uppercase<ParameterTypeId>]: Type }),
)

/** Keys beside a truncated string in a listing. */
const cut = {
  truncated: z
    .literal(true)
    .optional()
    .describe(
      'The value is the beginning of the string, and an ellipsis. Listings show strings of up to 1 MiB, and of up to 8 MiB ' +
        'of JSON together, whole.',
    ),
  sizeBytes: z.int().optional().describe('Of a truncated string: size of its file.'),
  href: z
    .string()
    .optional()
    .describe('Of a truncated string: path of its file, relative to the base address.'),
}

const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])])
const index = z.int().nonnegative()

const arrayItem = component(
  'ArrayItem',
  z.strictObject({
    index,
    value: z.union([z.boolean(), z.number(), z.string()]).optional().describe('Absent for images and files.'),
    ...cut,
  }),
)

/** A copy for each use: a shared recursive schema would become a component without a name. */
const items = (): z.ZodType =>
  z.array(z.union([arrayItem, z.lazy(() => innerArray)])).describe('By ascending index.')

const innerArray: z.ZodType = component(
  'InnerArray',
  z.strictObject({
    index,
    taskRunId: uuid,
    parameterName: z.string().describe('Name of the parameter, `/`, index path.'),
    type: z.literal('ARRAY'),
    value: items(),
    subType: upperCaseType,
  }),
)

const common = { taskRunId: uuid, parameterName: z.string() }
const bytes = { ...common, value: z.null().describe('The content is a separate download.') }

/** http-api 6.3 */
export const runValue = taggedUnion(
  'RunValue',
  { key: 'type', suffix: 'Value', description: 'An input or output of a run.' },
  {
    BOOLEAN: { ...common, value: z.boolean() },
    INTEGER: { ...common, value: z.int() },
    NUMBER: { ...common, value: number },
    STRING: { ...common, value: z.string(), ...cut },
    ENUMERATION: { ...common, value: z.string(), ...cut },
    DATETIME: { ...common, value: z.string().describe('ISO-8601 instant.') },
    GEOMETRY: { ...common, value: z.string().describe('GeoJSON as text.') },
    IMAGE: bytes,
    FILE: bytes,
    ARRAY: { ...common, value: items(), subType: upperCaseType.describe('Type of the items.') },
  },
)
