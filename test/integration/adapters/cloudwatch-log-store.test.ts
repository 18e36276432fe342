import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { createLogsClient } from '../../../src/aws/clients.ts'
import { createCloudwatchLogStore } from '../../../src/run/cloudwatch-log-store.ts'
import { describeLogStore } from '../../contract/log-store.contract.ts'
import { uniqueName, useEmulator } from './emulator.ts'

useEmulator()
const client = createLogsClient()
/** Maximum number of events in one call of PutLogEvents. */
const EVENTS_A_CALL = 10_000

describeLogStore('CloudWatch', async () => {
  const logGroupName = uniqueName('adapters')
  await client.send(new CreateLogGroupCommand({ logGroupName }))

  async function append(logStreamName: string, lines: readonly string[]): Promise<void> {
    const start = Date.now()
    const events = lines.map((message, index) => ({ timestamp: start + index, message }))
    for (let first = 0; first < events.length; first += EVENTS_A_CALL) {
      const logEvents = events.slice(first, first + EVENTS_A_CALL)
      await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }))
    }
  }

  return {
    logs: createCloudwatchLogStore({ client, logGroupName }),

    async write(logStreamName, lines) {
      await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }))
      await append(logStreamName, lines)
    },

    append,
  }
})
