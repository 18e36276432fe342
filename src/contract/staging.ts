import * as z from 'zod'
import { MAX_PARTS } from './upload-limits.ts'

/** Where the volumes of a task are mounted unless its descriptor says otherwise. */
export const DEFAULT_FOLDERS = { inputs: '/inputs', outputs: '/outputs' } as const

/*
 * What the stager and the API say to each other. The stager holds no AWS credential: it shows the run's secret and gets
 * presigned URLs that were made a moment ago, because URLs made at submission would die while the job waits.
 */

/** Environment of the stager's containers. */
export const STAGER_VARIABLES = {
  /** Base URL of the API, with prefix and version, ending in `/`. */
  apiUrl: 'APP_ENGINE_API_URL',
  runId: 'APP_ENGINE_RUN_ID',
  runSecret: 'APP_ENGINE_RUN_SECRET',
} as const

/** Header with the run's secret; not in the path, which access logs keep. */
export const RUN_SECRET_HEADER = 'x-app-engine-run-secret'

/** GET task-runs/{id}/staging/inputs */
export const stagedInputsSchema = z.object({
  files: z.array(
    z.object({
      /** Relative to the input folder. */
      path: z.string(),
      content: z.union([
        z.object({ kind: z.literal('inline'), text: z.string() }),
        z.object({ kind: z.literal('url'), url: z.string(), sizeBytes: z.number().int().nonnegative() }),
        // A zip whose entries belong below the input folder, or below a folder in it.
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

/** Longest text of a {@link OutputEntry.problem}, in UTF-16 units. */
export const MAX_PROBLEM_LENGTH = 1000

/** One entry of the output folder's top level. */
const outputEntrySchema = z.object({
  name: z.string().max(1024),
  /** A link that leaves the folder counts as missing; others are followed. */
  kind: z.enum(['file', 'directory', 'other']),
  sizeBytes: z.number().int().nonnegative(),
  /** Why it was not handed over, in words for the task's author. */
  problem: z.string().max(MAX_PROBLEM_LENGTH).exactOptional(),
})
export type OutputEntry = z.infer<typeof outputEntrySchema>

/** Batch's own count for this job, from 1: half-written attempts stay apart. */
const jobAttempt = z.number().int().min(1).max(10)

/** Body of POST task-runs/{id}/staging/outputs: what the task left behind. */
export const outputEntriesSchema = z.object({ jobAttempt, entries: z.array(outputEntrySchema).max(10_000) })

/** Its answer. */
export const stagedOutputsSchema = z.object({
  /** A folder goes up as a zip of uncompressed entries whose names start with the output's. */
  uploads: z.array(z.object({ name: z.string(), url: z.string() })),
  /** PUT last, the listing as JSON: its presence says that everything before arrived. */
  listingUrl: z.string(),
})
export type StagedOutputs = z.infer<typeof stagedOutputsSchema>

/** One output of one attempt. */
const outputName = { jobAttempt, name: z.string().max(1024) }

/** Body of POST task-runs/{id}/staging/parts: an output that is sent in parts begins. */
export const beginPartsSchema = z.object(outputName)
export type OutputName = z.infer<typeof beginPartsSchema>

/** Its answer. */
export const begunPartsSchema = z.object({ multipartId: z.string() })

/** URLs that are asked for in one call: some 200 KB of answer. */
export const MAX_PART_URLS = 100

const begunOutput = { ...outputName, multipartId: z.string().min(1).max(1024) }

/** Body of POST task-runs/{id}/staging/parts/urls: `count` parts from number `first` on, counted from 1. */
export const partUrlsSchema = z.object({
  ...begunOutput,
  first: z.number().int().min(1).max(MAX_PARTS),
  count: z.number().int().min(1).max(MAX_PART_URLS),
})
export type PartUrls = z.infer<typeof partUrlsSchema>

/** Its answer: URLs in the order of the numbers. */
export const signedPartsSchema = z.object({ urls: z.array(z.string()) })

/** Body of POST task-runs/{id}/staging/parts/complete: all parts have arrived. */
export const completePartsSchema = z.object({
  ...begunOutput,
  /** Of the whole output. */
  sizeBytes: z.number().int().nonnegative(),
})
export type CompleteParts = z.infer<typeof completePartsSchema>

/** Its answer. */
export const completedPartsSchema = z.object({ sizeBytes: z.number().int().nonnegative() })

/** Body of POST task-runs/{id}/staging/report: a stage is through. Two days are longer than any run may take. */
export const stageReportSchema = z.object({
  stage: z.enum(['in', 'out']),
  seconds: z.number().min(0).max(172_800),
})
export type StageReport = z.infer<typeof stageReportSchema>

/** What stands in the listing object. */
export const stagedListingSchema = z.object({
  entries: z.array(outputEntrySchema),
  /** Why nothing of the folder was handed over, in words for the task's author. */
  problem: z.string().max(MAX_PROBLEM_LENGTH).exactOptional(),
  /** Some other names of the folder, for a message that an output is missing. */
  others: z.array(z.string()).exactOptional(),
})
export type StagedListing = z.infer<typeof stagedListingSchema>

/** File name of the listing beside the outputs; a parameter name has no dot, so it cannot be one. */
export const STAGED_LISTING_NAME = 'staged.json'
