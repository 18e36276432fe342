import { createMemoryRunWorkflow } from '../fakes/memory-run-workflow.ts'
import { describeRunWorkflow } from './run-workflow.contract.ts'

describeRunWorkflow('memory', async () => {
  const workflow = createMemoryRunWorkflow()
  return {
    workflow,
    listStartedRuns: async () => [...workflow.startedRuns],
    async startWaiting(runId) {
      await workflow.start(runId)
      return 'token'
    },
    findOutcome: async (taskToken) => workflow.answers.get(taskToken),
    isStopped: async (runId) => workflow.stoppedRuns.has(runId),
  }
})
