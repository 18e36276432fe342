import { createMemoryLogStore } from '../fakes/memory-log-store.ts'
import { describeLogStore } from './log-store.contract.ts'

describeLogStore('memory', async () => {
  const logs = createMemoryLogStore()
  const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
  return {
    logs,
    write: async (logStreamName, lines) => logs.put(logStreamName, textOf(lines)),
    append: async (logStreamName, lines) => {
      logs.put(logStreamName, (await logs.read(logStreamName, 1_000_000)) + textOf(lines))
    },
  }
})
