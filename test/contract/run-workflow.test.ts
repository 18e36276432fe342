import { createMemoryRunWorkflow } from '../fakes/memory-run-workflow.ts'
import { describeRunWorkflow } from './run-workflow.contract.ts'

describeRunWorkflow('memory', async () => {
  const workflow = createMemoryRunWorkflow()
  return {
    workflow,
    listStartedRuns: async () => [...workflow.startedRuns],
    openToken: async () => 'token',
    findOutcome: async (taskToken) => workflow.answers.get(taskToken),
    isStopped: async (runId) => workflow.stoppedRuns.has(runId),
  }
})
