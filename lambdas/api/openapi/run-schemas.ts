import * as z from 'zod'
import type { Immutable } from '../../../src/contract/immutable.ts'
import { RUN_FAILURE_KINDS } from '../../../src/contract/run-failure-kinds.ts'
import { RUN_STATES } from '../../../src/run/transitions.ts'
import { component } from './components.ts'
import { resources } from './placement-schema.ts'
import { reuseShape } from './reuse-schemas.ts'
import { instant, uuid } from './shared-schemas.ts'
import { taskDescription } from './task-schemas.ts'

const runState = component('RunState', z.enum(RUN_STATES))
export type RunState = z.output<typeof runState>

const runFailure = component(
  'RunFailure',
  z.strictObject({
    kind: z.enum(RUN_FAILURE_KINDS),
    message: z.string(),
    exitCode: z.int().exactOptional().describe("Exit code of the task's container."),
    attempt: z.int().min(1).exactOptional().describe('Number of the failed submission, from 1.'),
  }),
)
export type RunFailure = Immutable<z.output<typeof runFailure>>

const runCost = component(
  'RunCost',
  z
    .strictObject({
      vcpuSeconds: z.number(),
      memoryGibSeconds: z.number(),
      diskGibSeconds: z.number().describe('Disk beyond the free 20 GiB.'),
      gpuSeconds: z.number(),
      usd: z.number(),
      pricesOf: z.iso.date().describe('Date of the prices.'),
    })
    .describe(
      'An estimate from the times of the job and on-demand prices of us-east-1; at least one minute is charged.',
    ),
)

const runTimes = {
  startedAt: instant.exactOptional().describe('Start of the first container, as recorded by the engine.'),
  endedAt: instant.exactOptional().describe('End of a run that is FINISHED or FAILED.'),
}

const historyEntry = component(
  'RunHistoryEntry',
  z.strictObject({
    state: runState,
    at: instant,
    attempt: z
      .int()
      .min(1)
      .exactOptional()
      .describe('Number of the submission to AWS Batch, if there was one.'),
  }),
)
export type RunHistoryEntry = Immutable<z.output<typeof historyEntry>>

const seconds = z.number().nonnegative().exactOptional()

const runTimings = component(
  'RunTimings',
  z
    .strictObject({
      queueSeconds: seconds.describe('From submission to the first container.'),
      stageInSeconds: seconds,
      taskSeconds: seconds.describe('Between the two stages, or until the end of a run that failed before.'),
      stageOutSeconds: seconds,
      collectSeconds: seconds.describe('From the end of stage-out to the end of the run.'),
    })
    .describe('Durations of the known phases.'),
)
export type RunTimings = Immutable<z.output<typeof runTimings>>

const newRunShape = { id: uuid, task: taskDescription, state: runState }

/** http-api 5.8 */
export const newRun = component('NewRun', z.strictObject(newRunShape))
export type NewRun = Immutable<z.output<typeof newRun>>

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
        'The creation, and the last time that the run entered each state, in order. At most nine entries.',
      ),
    resources: resources.describe("Resources that the task's descriptor requests."),
    statusReason: z
      .string()
      .exactOptional()
      .describe(
        'Why a started run has no machine yet, once it has waited for ten minutes and a reason is known.',
      ),
    error: runFailure.exactOptional().describe('Present in a FAILED run.'),
    ...reuseShape,
    ignoredFiles: z
      .array(z.string())
      .max(20)
      .exactOptional()
      .describe('First names in the output folder of a FINISHED run that belong to no output.'),
    cost: runCost.exactOptional().describe('Present when the job has ended and a container ran.'),
    timings: runTimings.exactOptional(),
  }),
)
export type Run = Immutable<z.output<typeof run>>

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
    ).exactOptional(),
    error: component(
      'ListedRunFailure',
      z.strictObject({
        kind: z.enum(RUN_FAILURE_KINDS),
        message: z.string().describe('First line of the reason, at most 150 characters.'),
      }),
    ).exactOptional(),
  }),
)
export type ListedRun = Immutable<z.output<typeof listedRun>>

export const runList = component(
  'RunList',
  z.strictObject({
    content: z.array(listedRun),
    next: z.string().exactOptional().describe('Cursor of the next page; absent on the last page.'),
  }),
)

/** http-api 5.18, a request. */
export const desiredState = component(
  'DesiredState',
  z.object({
    desired: z
      .enum(['PROVISIONED', 'RUNNING', 'CANCELLED'])
      .describe(
        'RUNNING starts the run, PROVISIONED declares its inputs complete, CANCELLED ends it as FAILED; letter case does ' +
          'not matter.',
      ),
    reuse: z
      .boolean()
      .optional()
      .describe(
        'With RUNNING: `true` takes the outputs of a FINISHED run with the same image and inputs, if one exists. The run is FINISHED ' +
          'at once, with `reusedFrom`; otherwise it is executed, and `notReused` says why. Use it only for tasks whose outputs depend on ' +
          'nothing but their inputs. Default: the setting `reuseOutputs` of the stage.',
      ),
  }),
)
export type DesiredState = Immutable<z.input<typeof desiredState>>

/** http-api 5.18 */
export const stateAction = component(
  'StateAction',
  z.strictObject({ status: z.literal('success'), resource: run }),
)

export const logPart = component(
  'LogPart',
  z.strictObject({
    text: z.string(),
    next: z.string().describe('As the header `X-Log-Next`.'),
    isComplete: z.boolean().describe('As the header `X-Log-Complete`.'),
  }),
)
export type LogPart = Immutable<z.output<typeof logPart>>

/** http-api 5.15 */
export const provision = component(
  'Provision',
  z.strictObject({
    parameterName: z.string(),
    value: z
      .unknown()
      .exactOptional()
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
      .exactOptional()
      .describe('Absent for geometries, images and files, and for values from an upload.'),
    taskRunId: uuid,
  }),
)
