import { describe, expect, it } from 'vitest'
import { findFile, type InputBucket } from '../../../src/run-set/file-reference.ts'
import { createMemoryObjectStore } from '../../fakes/memory-object-store.ts'
import { RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

/** An engine that may read the bucket `slides`, with one object in it. */
async function anEngineWithBucket() {
  const engine = await anEngine({ run: { state: 'FINISHED', outputsPrefix: 'outputs/' } })
  const slides = createMemoryObjectStore()
  await slides.put('cohort/1.tif', 'of the bucket')
  const bucket: InputBucket = {
    objects: slides,
    async copy(_from, to) {
      await engine.objects.put(to, 'of the bucket')
      return undefined
    },
  }
  return { ...engine, inputBucket: (name: string) => (name === 'slides' ? bucket : undefined) }
}

describe('the file of a row', () => {
  it('may be an object of a bucket that the installation reads', async () => {
    const engine = await anEngineWithBucket()

    const { source, store } = await findFile(engine, 's3://slides/cohort/1.tif', 'image')
    await store('copy')

    expect(source.sizeBytes).toBe(13)
    expect(await engine.objects.size('copy')).toBe(13)
  })

  it('may be an output of another run', async () => {
    const engine = await anEngineWithBucket()
    await engine.objects.put('outputs/sum', '42')

    const { source, store } = await findFile(engine, `run:${RUN_ID}/sum`, 'image')
    await store('copy')

    expect(source.sizeBytes).toBe(2)
    expect(await engine.objects.size('copy')).toBe(2)
  })

  it.each([
    [
      'FAILED',
      'the run is FAILED, so it has no outputs; rejected-outputs.zip has the files that its task wrote',
    ],
    ['RUNNING', 'the run is RUNNING; outputs can be read once it is FINISHED'],
  ] as const)('cannot be an output of a run that is %s', async (state, words) => {
    const engine = await anEngine({ run: { state } })

    await expect(findFile(engine, `run:${RUN_ID}/sum`, 'image')).rejects.toMatchObject({
      message: expect.stringContaining(words),
      details: { parameterName: 'image' },
    })
  })

  it('cannot be an output that a run did not write', async () => {
    await expect(findFile(await anEngineWithBucket(), `run:${RUN_ID}/sum`, 'image')).rejects.toMatchObject({
      message: expect.stringContaining('"sum": the run has no value of it'),
    })
  })

  it.each([
    ['an object of any other bucket', 's3://private/secret', 'inputBuckets'],
    ['an object that does not exist', 's3://slides/none', 'no object "none"'],
    ['a bucket without a key', 's3://slides', 'does not name an object; expected s3://<bucket>/<key>'],
    ['an output that a run does not have', `run:${RUN_ID}/none`, 'no such parameter'],
    ['a run that does not exist', 'run:none/sum', 'there is no run'],
    ['an upload that does not exist', 'upload:none', 'there is no upload'],
    ['a path of this machine', '/etc/passwd', 'names no file'],
    ['a URL', 'https://example.org/1.tif', 'names no file'],
    ['a number', 5, 'not a text'],
  ])('cannot be %s', async (_, reference, words) => {
    await expect(findFile(await anEngineWithBucket(), reference, 'image')).rejects.toMatchObject({
      message: expect.stringContaining(words),
      details: { parameterName: 'image' },
    })
  })
})
