import { Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'

/** Reports state changes of runs, run sets and imports as events. */
export const publishEvents: FunctionDefinition = {
  name: 'publish-events',
  // 100 changes with both images have at most 6 MB.
  memoryMib: 256,
  timeout: Duration.minutes(1),
  variables: ({ values: { installation, eventBusName } }) => ({ installation, eventBusName }),
  permissions: ({ grants }) => [...grants.readChanges, grants.publishEvents],
  trigger: { id: 'StateChange', deadLetters: 'Changes', sortKeys: ['RUN', 'RUNSET', 'UPLOAD'] },
}
