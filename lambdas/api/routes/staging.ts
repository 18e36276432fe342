import type { Context } from 'hono'
import type { z } from 'zod'
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
import type { ApiDependencies } from '../dependencies.ts'
import { readJson } from '../json-body.ts'
import { pathVariable, type Route } from '../route.ts'

/** For the run's own stager, which shows the run's secret: presigned URLs of this run's files and no others. */
export function stagingRoutes(ofClients: ApiDependencies): readonly Route[] {
  const deps = { ...ofClients, ...ofClients.forJobs }
  const post = <Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    useCase: (deps: ApiDependencies, runId: string, secret: string, body: z.infer<Schema>) => Promise<object>,
  ): Route => ({
    method: 'POST',
    path: `/task-runs/:id/staging/${path}`,
    handle: async (context) => {
      const body = await readBody(context, schema)
      return context.json(await useCase(deps, pathVariable(context, 'id'), secretOf(context), body))
    },
  })
  return [
    {
      method: 'GET',
      path: '/task-runs/:id/staging/inputs',
      handle: async (context) =>
        context.json(await stageInputs(deps, pathVariable(context, 'id'), secretOf(context))),
    },
    post('outputs', outputEntriesSchema, stageOutputs),
    post('parts', beginPartsSchema, beginOutputParts),
    post('parts/urls', partUrlsSchema, signOutputParts),
    post('parts/complete', completePartsSchema, completeOutputParts),
    post('report', stageReportSchema, reportStage),
  ]
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
