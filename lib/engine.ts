import type { App } from 'aws-cdk-lib'
import { APPLICATION_TAG } from '../src/contract/environment.ts'
import { EMULATED_JOB_PLATFORM } from './job-platform.ts'
import type { Stage } from './settings.ts'
import { ComputeStack } from './stacks/compute-stack.ts'
import { EdgeStack } from './stacks/edge-stack.ts'
import { ServiceStack } from './stacks/service-stack.ts'
import { StorageStack } from './stacks/storage-stack.ts'

/** The stacks of one stage, in the order in which they are deployed. */
export interface EngineStacks {
  readonly storage: StorageStack
  /** Absent with an emulator. */
  readonly compute?: ComputeStack
  readonly service: ServiceStack
  /** Absent without the setting `edge`. */
  readonly edge?: EdgeStack
}

/** Builds all stacks of a stage. They name neither account nor Region, so that synthesis needs no lookup. */
export function buildEngine(app: App, stage: Stage): EngineStacks {
  const named = (part: string, description: string) => ({
    stage,
    stackName: `${stage.prefix}-${part}`,
    description: `Cytomine App Engine: ${description}`,
    tags: { ...stage.tags, [APPLICATION_TAG]: stage.prefix },
  })
  const storage = new StorageStack(app, 'Storage', named('storage', 'data and logs of tasks'))
  const { bucket, table, jobLogGroup } = storage
  const compute =
    stage.emulator === undefined
      ? new ComputeStack(app, 'Compute', {
          ...named('compute', 'network and queue of jobs'),
          bucket,
          jobLogGroup,
        })
      : undefined
  const service = new ServiceStack(app, 'Service', {
    ...named('service', 'API, import and run workflow'),
    bucket,
    table,
    jobLogGroup,
    platform: compute?.platform ?? EMULATED_JOB_PLATFORM,
    ...(storage.key === undefined ? {} : { keyArn: storage.key.keyArn }),
  })
  const edge =
    stage.edge === undefined
      ? undefined
      : new EdgeStack(app, 'Edge', {
          ...named('edge', 'reverse proxy for Cytomine core'),
          edge: stage.edge,
          apiUrl: service.apiUrl,
          apiId: service.apiId,
          alarmTopic: service.alarmTopic,
        })
  return {
    storage,
    ...(compute === undefined ? {} : { compute }),
    service,
    ...(edge === undefined ? {} : { edge }),
  }
}
