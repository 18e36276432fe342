import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { api } from './api.ts'
import { collectOutputs } from './collect-outputs.ts'
import { deliverWebhooks } from './deliver-webhooks.ts'
import { failRun } from './fail-run.ts'
import { importBundle } from './import-bundle.ts'
import { publishEvents } from './publish-events.ts'
import { recordJobState } from './record-job-state.ts'
import { submitJob } from './submit-job.ts'
import { sweepRuns } from './sweep-runs.ts'
import { workOnRunSet } from './work-on-run-set.ts'

/** All Lambda functions. Stack outputs, alarms, dashboard and tests use this list. */
export const FUNCTIONS: readonly FunctionDefinition[] = [
  api,
  importBundle,
  submitJob,
  recordJobState,
  collectOutputs,
  failRun,
  sweepRuns,
  workOnRunSet,
  publishEvents,
  deliverWebhooks,
]
