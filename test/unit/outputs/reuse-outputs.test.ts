import { describe, expect, it } from 'vitest'
import { reusedOutputsPrefix } from '../../../src/contract/storage-keys.ts'
import { copyEqualOutputs } from '../../../src/outputs/reuse-outputs.ts'
import { aReusingEngine } from '../../fixtures/reuse.ts'

const FROM = '22222222-2222-4222-8222-222222222222'
const TO = '33333333-3333-4333-8333-333333333333'

const A_MINUTE = () => 60_000

describe('outputs of an equal run', () => {
  it('are not copied when they have too many bytes for one call', async () => {
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
      A_MINUTE,
    )

    expect(taken).toMatchObject({ reason: 'outputs-too-large' })
  })

  it('are not copied when they have too many large files for the time limit', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const run = await engine.aProvisionedRun()
    const { list } = engine.objects
    const large = async function* (prefix: string) {
      for await (const { key } of list(prefix)) {
        yield { key, sizeBytes: key.endsWith('.json') ? 1 : 129 * 1024 ** 2 }
      }
      for (let index = 0; index < 60; index += 1)
        yield { key: `${prefix}${index}`, sizeBytes: 129 * 1024 ** 2 }
    }
    let copies = 0
    const copy = async () => {
      copies += 1
      return undefined
    }

    const taken = await copyEqualOutputs(
      { ...engine, objects: { ...engine.objects, list: large, copy } },
      { run, task: engine.task },
      A_MINUTE,
    )

    expect(taken).toMatchObject({ reason: 'copy-too-slow' })
    expect(copies).toBe(0)
  })

  it('are not copied when the time limit is reached before the listing is copied', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const run = await engine.aProvisionedRun()
    const keys = engine.objects.keys()
    let leftMs = 1
    const read: typeof engine.objects.read = async (...wanted) => {
      leftMs = 0
      return engine.objects.read(...wanted)
    }

    const taken = await copyEqualOutputs(
      { ...engine, objects: { ...engine.objects, read } },
      { run, task: engine.task },
      () => leftMs,
    )

    expect(taken).toMatchObject({ reason: 'copy-too-slow' })
    expect(engine.objects.keys()).toEqual(keys)
  })

  it('are copied after the copies of attempts that must have ended are removed, and not those of others', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const run = await engine.aProvisionedRun()
    const begin = async (copyId: string) => {
      const prefix = reusedOutputsPrefix(run.id, { begunAt: engine.identity.now(), copyId })
      await engine.objects.put(`${prefix}sum`, '42')
      return `${prefix}sum`
    }
    const dead = await begin(FROM)
    engine.identity.advance(600)
    const alive = await begin(TO)

    await copyEqualOutputs(engine, { run, task: engine.task }, A_MINUTE)

    expect(engine.objects.keys()).not.toContain(dead)
    expect(engine.objects.keys()).toContain(alive)
  })

  it('leave no copy when one of the copies fails', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const run = await engine.aProvisionedRun()
    const keys = engine.objects.keys()
    const write = () => Promise.reject(new Error('the bucket is unavailable'))

    const taking = copyEqualOutputs(
      { ...engine, objects: { ...engine.objects, write } },
      { run, task: engine.task },
      A_MINUTE,
    )

    await expect(taking).rejects.toThrow('the bucket is unavailable')
    expect(engine.objects.keys()).toEqual(keys)
  })
})
