import { DomainError } from '../../../src/domain/errors.ts'
import { outputEntriesSchema, RUN_SECRET_HEADER } from '../../../src/domain/staging.ts'
import { stageInputs, stageOutputs } from '../../../src/use-cases/stage-files.ts'
import type { ApiDependencies } from '../dependencies.ts'
import { readJson } from '../json-body.ts'
import { pathVariable, type Route } from '../route.ts'

/** For the run's own stager, which shows the run's secret: presigned URLs of this run's files and no others. */
export function stagingRoutes(deps: ApiDependencies): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/task-runs/:id/staging/inputs',
      handle: async (context) =>
        context.json(
          await stageInputs(deps, pathVariable(context, 'id'), context.req.header(RUN_SECRET_HEADER) ?? ''),
        ),
    },
    {
      method: 'POST',
      path: '/task-runs/:id/staging/outputs',
      handle: async (context) => {
        const body = outputEntriesSchema.safeParse(await readJson(context, 'INTERNAL_JSON_PROCESSING_ERROR'))
        if (!body.success) throw new DomainError('INTERNAL_JSON_PROCESSING_ERROR')
        return context.json(
          await stageOutputs(
            deps,
            pathVariable(context, 'id'),
            context.req.header(RUN_SECRET_HEADER) ?? '',
            body.data,
          ),
        )
      },
    },
  ]
}
