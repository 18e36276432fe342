import * as z from 'zod'
import { MAX_PARTS } from './upload-limits.ts'

/** File with the size of an array, in the array's folder. */
export const ARRAY_METADATA = 'array.yml'

/** Default mount points of a task's volumes. */
export const DEFAULT_FOLDERS = { inputs: '/inputs', outputs: '/outputs' } as const

/*
 * Protocol between stager and API. The stager has no AWS credentials: it authenticates by the run's secret and receives presigned URLs. They
 * are made on request, because URLs made at submission would expire while the job waits.
 */

/** Environment of the stager's containers. */
export const STAGER_VARIABLES = {
  /** Base URL of the API, with prefix and version, ending in `/`. */
  apiUrl: 'APP_ENGINE_API_URL',
  runId: 'APP_ENGINE_RUN_ID',
  runSecret: 'APP_ENGINE_RUN_SECRET',
} as const

/** URL of the ECS task's metadata endpoint; set by ECS in every container of a job. */
export const METADATA_VARIABLE = 'ECS_CONTAINER_METADATA_URI_V4'

/**
 * Exit code of stage-out after a task that failed: it makes Batch fail the job, and the run's failure is the task's.
 * Node, shells and signals have other codes.
 */
export const TASK_FAILED_EXIT_CODE = 100

/**
 * Limits for the outputs that stage-out uploads of a failed task. Bytes and files are the maximum of the archive of rejected outputs
 * (src/inputs/prepared-file.ts). The sweeper waits for `seconds` before it ends the job.
 */
export const KEPT_OF_FAILED_TASK = { bytes: 512 * 1024 ** 2, files: 10_000, seconds: 600 } as const

/** Header with the run's secret; a path would be in access logs. */
export const RUN_SECRET_HEADER = 'x-app-engine-run-secret'

/** Response of GET task-runs/{id}/staging/inputs. */
export const stagedInputsSchema = z.object({
  files: z.array(
    z.object({
      /** Relative to the input folder. */
      path: z.string(),
      content: z.union([
        z.object({ kind: z.literal('inline'), text: z.string() }),
        z.object({ kind: z.literal('url'), url: z.string(), sizeBytes: z.number().int().nonnegative() }),
        // A zip to unpack into the input folder, or into a folder below it.
        z.object({
          kind: z.literal('tree'),
          url: z.string(),
          sizeBytes: z.number().int().nonnegative(),
          /** Relative to the input folder. */
          below: z.string().exactOptional(),
        }),
      ]),
    }),
  ),
})
export type StagedInputs = z.infer<typeof stagedInputsSchema>

/** Maximum length of a {@link OutputEntry.problem}, in UTF-16 units. */
export const MAX_PROBLEM_LENGTH = 1000

/** One entry of the output folder's top level. */
const outputEntrySchema = z.object({
  name: z.string().max(1024),
  /** `other`: a device, or a link that leaves the folder, which counts as missing. Other links are followed. */
  kind: z.enum(['file', 'directory', 'other']),
  sizeBytes: z.number().int().nonnegative(),
  /** Why the stager did not upload it: a sentence for the task's author. */
  problem: z.string().max(MAX_PROBLEM_LENGTH).exactOptional(),
})
export type OutputEntry = z.infer<typeof outputEntrySchema>

/** Batch's count of its attempts at this job, from 1. */
const jobAttempt = z.number().int().min(1).max(10)

/** Body of POST task-runs/{id}/staging/outputs: entries of the output folder. */
export const outputEntriesSchema = z.object({ jobAttempt, entries: z.array(outputEntrySchema).max(10_000) })

/** Response of POST task-runs/{id}/staging/outputs. */
export const stagedOutputsSchema = z.object({
  /** A folder is uploaded as a zip of uncompressed entries whose names start with the output's. */
  uploads: z.array(z.object({ name: z.string(), url: z.string() })),
  /** For the staged listing, which is uploaded last: it proves that all outputs have arrived. */
  listingUrl: z.string(),
})
export type StagedOutputs = z.infer<typeof stagedOutputsSchema>

/** One output of one job attempt. */
const outputName = { jobAttempt, name: z.string().max(1024) }

/** Body of POST task-runs/{id}/staging/parts, which starts a multipart upload of an output. */
export const beginPartsSchema = z.object(outputName)
export type OutputName = z.infer<typeof beginPartsSchema>

/** Response of POST task-runs/{id}/staging/parts. */
export const begunPartsSchema = z.object({ multipartId: z.string() })

/** Maximum number of URLs in one response, about 200 KB. */
export const MAX_PART_URLS = 100

const begunOutput = { ...outputName, multipartId: z.string().min(1).max(1024) }

/** Body of POST task-runs/{id}/staging/parts/urls: `count` parts from number `first` on, counted from 1. */
export const partUrlsSchema = z.object({
  ...begunOutput,
  first: z.number().int().min(1).max(MAX_PARTS),
  count: z.number().int().min(1).max(MAX_PART_URLS),
})
export type PartUrls = z.infer<typeof partUrlsSchema>

/** Response of POST task-runs/{id}/staging/parts/urls: URLs in the order of the numbers. */
export const signedPartsSchema = z.object({ urls: z.array(z.string()) })

/** Body of POST task-runs/{id}/staging/parts/complete. */
export const completePartsSchema = z.object({
  ...begunOutput,
  /** Size of the whole output. */
  sizeBytes: z.number().int().nonnegative(),
})
export type CompleteParts = z.infer<typeof completePartsSchema>

/** Response of POST task-runs/{id}/staging/parts/complete. */
export const completedPartsSchema = z.object({ sizeBytes: z.number().int().nonnegative() })

/** Maximum of a stage's setting `attemptTimeoutHours`. Stage-in and stage-out are parts of an attempt. */
export const MAX_ATTEMPT_HOURS = 336

/** Body of POST task-runs/{id}/staging/report: duration of a finished stage-in or stage-out. */
export const stageReportSchema = z.object({
  stage: z.enum(['in', 'out']),
  seconds: z
    .number()
    .min(0)
    .max(MAX_ATTEMPT_HOURS * 3600),
})
export type StageReport = z.infer<typeof stageReportSchema>

export const stagedListingSchema = z.object({
  entries: z.array(outputEntrySchema),
  /** Why the stager uploaded nothing: a sentence for the task's author. */
  problem: z.string().max(MAX_PROBLEM_LENGTH).exactOptional(),
  /** Some other names in the folder, for messages about missing outputs. */
  others: z.array(z.string()).exactOptional(),
  /** Exit code of the task's container; absent when the metadata endpoint did not report it. */
  taskExitCode: z.number().int().exactOptional(),
})
export type StagedListing = z.infer<typeof stagedListingSchema>

/** File name of the staged listing beside the outputs; parameter names have no dot. */
export const STAGED_LISTING_NAME = 'staged.json'
