import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyEqualOutputs, renamedListing } from '../../../src/outputs/reuse-outputs.ts'
import { readAll } from '../../../src/shared/read-all.ts'
import { aReusingEngine } from '../../fixtures/reuse.ts'

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

describe('the listing of a run that took outputs', () => {
  it('names that run everywhere, and leaves values alone, for any chunks', async () => {
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

describe('outputs of an equal run', () => {
  it('are not taken when they are too many bytes for a call', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const run = await engine.aProvisionedRun()
    const { list } = engine.objects
    const huge = async function* (prefix: string) {
      for await (const { key } of list(prefix)) yield { key, sizeBytes: 6 * 1024 ** 3 }
    }

    const taken = await copyEqualOutputs(
      { ...engine, objects: { ...engine.objects, list: huge } },
      { run, task: engine.task },
    )

    expect(taken).toMatchObject({ reason: 'outputs-too-large' })
  })

  it('leave nothing when a copy fails', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const run = await engine.aProvisionedRun()
    const keys = engine.objects.keys()
    const write = () => Promise.reject(new Error('the bucket is away'))

    const taking = copyEqualOutputs(
      { ...engine, objects: { ...engine.objects, write } },
      { run, task: engine.task },
    )

    await expect(taking).rejects.toThrow('the bucket is away')
    expect(engine.objects.keys()).toEqual(keys)
  })
})
