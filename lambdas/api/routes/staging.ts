import type { Context } from 'hono'
import type { z } from 'zod'
import type { ObjectStore } from '../../../src/aws/object-store.ts'
import type { PartStore } from '../../../src/aws/part-store.ts'
import { DomainError } from '../../../src/contract/errors.ts'
import {
  beginPartsSchema,
  completePartsSchema,
  outputEntriesSchema,
  partUrlsSchema,
  RUN_SECRET_HEADER,
  stageReportSchema,
} from '../../../src/contract/staging.ts'
import { reportStage, stageInputs, stageOutputs } from '../../../src/outputs/stage-files.ts'
import { beginOutputParts, completeOutputParts, signOutputParts } from '../../../src/outputs/stage-parts.ts'
import type { Repositories } from '../../../src/run/find-run.ts'
import type { Metrics } from '../../../src/shared/metrics-port.ts'
import { readJson } from '../json-body.ts'
import type { Handlers, RequestContext } from '../route-table.ts'

/** Ports and settings of these handlers. */
interface Dependencies extends Repositories {
  readonly objects: ObjectStore
  readonly parts: PartStore
  readonly metrics: Metrics
  /** The same bucket with URLs for jobs, when these reach it at another address than clients. */
  readonly forJobs?: { readonly objects: ObjectStore; readonly parts: PartStore }
}

type PostOperation =
  | 'stageOutputs'
  | 'beginOutputParts'
  | 'signOutputParts'
  | 'completeOutputParts'
  | 'reportStage'

/** Routes for the stager, which sends its run's secret. They return presigned URLs of this run's files only. */
export function stagingHandlers(ofClients: Dependencies) {
  const deps = { ...ofClients, ...ofClients.forJobs }
  const post =
    <Schema extends z.ZodType>(
      schema: Schema,
      useCase: (deps: Dependencies, runId: string, secret: string, body: z.infer<Schema>) => Promise<object>,
    ) =>
    async (context: RequestContext<PostOperation>) => {
      const body = await readBody(context, schema)
      return context.json(await useCase(deps, context.req.param('id'), secretOf(context), body))
    }
  return {
    stageInputs: async (context) =>
      context.json(await stageInputs(deps, context.req.param('id'), secretOf(context))),
    stageOutputs: post(outputEntriesSchema, stageOutputs),
    beginOutputParts: post(beginPartsSchema, beginOutputParts),
    signOutputParts: post(partUrlsSchema, signOutputParts),
    completeOutputParts: post(completePartsSchema, completeOutputParts),
    reportStage: post(stageReportSchema, reportStage),
  } satisfies Partial<Handlers>
}

function secretOf(context: Context): string {
  return context.req.header(RUN_SECRET_HEADER) ?? ''
}

/** @throws DomainError INTERNAL_JSON_PROCESSING_ERROR */
async function readBody<Schema extends z.ZodType>(
  context: Context,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const body = schema.safeParse(await readJson(context, 'INTERNAL_JSON_PROCESSING_ERROR'))
  if (!body.success) throw new DomainError('INTERNAL_JSON_PROCESSING_ERROR')
  return body.data
}
