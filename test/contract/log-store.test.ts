import { createMemoryLogStore } from '../fakes/memory-log-store.ts'
import { describeLogStore } from './log-store.contract.ts'

describeLogStore('memory', async () => {
  const logs = createMemoryLogStore()
  return {
    logs,
    write: async (logStreamName, lines) => logs.put(logStreamName, lines.map((line) => `${line}\n`).join('')),
  }
})
