import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renamedListing } from '../../../src/outputs/reuse-outputs.ts'
import { readAll } from '../../../src/shared/read-all.ts'

const FROM = '22222222-2222-4222-8222-222222222222'
const TO = '33333333-3333-4333-8333-333333333333'

const entryOf = (taskRunId: string, value: unknown) => ({
  taskRunId,
  parameterName: 'text',
  type: 'STRING',
  value,
  truncated: true,
  href: `task-runs/${taskRunId}/output/text`,
})

describe('the listing of a run that reused outputs', () => {
  it('contains the id of that run everywhere, and unchanged values, however its text is divided into chunks', async () => {
    const hostile = fc.constantFrom(
      FROM,
      `"taskRunId":"${FROM}"`,
      `"href":"task-runs/${FROM}/`,
      JSON.stringify(entryOf(FROM, FROM)),
    )
    const values = fc.array(fc.oneof(hostile, fc.string({ unit: 'binary' })))
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 90 }), async (texts, chunkBytes) => {
        const bytes = Buffer.from(JSON.stringify(texts.map((text) => entryOf(FROM, text))))
        async function* chunks() {
          for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
        }

        const own = await readAll(renamedListing(chunks(), { from: FROM, to: TO }))

        expect(own.toString('utf8')).toBe(JSON.stringify(texts.map((text) => entryOf(TO, text))))
      }),
    )
  })
})
