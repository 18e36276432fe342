import { describe, expect, it } from 'vitest'
import { storedZip } from '../../../src/archive/folder-zip/stored-zip.ts'
import { openZip } from '../../../src/archive/zip/read-zip.ts'
import { MAX_COPIED_BYTES, MAX_COPIED_FILES } from '../../../src/inputs/prepared-file.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { collectOutputs } from '../../../src/outputs/collect-outputs.ts'
import { packRejectedOutputs } from '../../../src/outputs/read-rejected.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { readAll } from '../../../src/shared/read-all.ts'
import { anOutput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const PREFIX = `task-run-outputs-${RUN_ID}`
const PATH = `/app-engine/v1/task-runs/${RUN_ID}/rejected-outputs.zip`

/** An engine with a run whose job SUCCEEDED in its second attempt with an invalid number. */
async function anEndedRun() {
  const outputs = [anOutput({ name: 'sum' }), anOutput({ name: 'count' })]
  const job = { attempt: 1, jobName: 'job', succeededAttempt: 2 }
  const engine = await anEngine({ task: aTask({ outputs }), run: { state: 'RUNNING', job } })
  await engine.objects.put(`${PREFIX}/1-1/sum`, 'of an attempt before')
  await engine.objects.put(`${PREFIX}/1-2/sum`, 'many')
  const listing = {
    entries: [{ name: 'sum', kind: 'file', sizeBytes: 4 }],
    others: ['count.txt'],
    taskExitCode: 0,
  }
  await engine.objects.put(`${PREFIX}/1-2/staged.json`, JSON.stringify(listing))
  return engine
}

async function aFailedRun() {
  const engine = await anEndedRun()
  await collectOutputs(engine, RUN_ID)
  return engine
}

async function filesOf(bytes: Uint8Array): Promise<Record<string, string>> {
  const zip = await openZip(bufferSource(bytes))
  const files = zip.entries.map(
    async (entry) => [entry.name, String(await readAll(zip.read(entry)))] as const,
  )
  return Object.fromEntries(await Promise.all(files))
}

describe('the rejected outputs of a failed run', () => {
  it('are the files of the last attempt, with the reason and all names in the output folder', async () => {
    const engine = await aFailedRun()

    const answer = await createCheckedApp(engine).fetch(PATH)

    const files = await filesOf(Buffer.from(await answer.arrayBuffer()))
    expect(Object.keys(files).sort()).toEqual(['rejected.json', 'sum'])
    expect(files.sum).toBe('many')
    expect(JSON.parse(files['rejected.json'] ?? '')).toMatchObject({
      error: { kind: 'output-missing', message: expect.stringContaining('count.txt') },
      outputFolder: { others: ['count.txt'] },
      leftOut: [],
    })
  })

  it('are not listed as outputs, and are removed with the run', async () => {
    const engine = await aFailedRun()
    const app = createCheckedApp(engine)
    await app.fetch(PATH)

    const outputs = await app.request(PATH.replace('rejected-outputs.zip', 'outputs'))
    await deleteRun(engine, RUN_ID)

    expect(outputs.status).toBe(403)
    expect((await app.request(PATH)).status).toBe(404)
    expect(engine.objects.keys().filter((key) => key.startsWith(PREFIX))).toEqual([])
  })

  it('include what a task wrote before it failed', async () => {
    const engine = await anEndedRun()
    const failure = { kind: 'task-failed', message: 'the task ended with exit code 3', exitCode: 3 } as const
    await engine.runs.transition(RUN_ID, { to: 'FAILED', set: { failure } })
    const listing = { entries: [{ name: 'sum', kind: 'file', sizeBytes: 4 }], taskExitCode: 3 }
    await engine.objects.put(`${PREFIX}/1-2/staged.json`, JSON.stringify(listing))

    const answer = await createCheckedApp(engine).fetch(PATH)

    const files = await filesOf(Buffer.from(await answer.arrayBuffer()))
    expect(files.sum).toBe('many')
    expect(JSON.parse(files['rejected.json'] ?? '')).toMatchObject({ error: failure, outputFolder: listing })
  })

  it('omit files that exceed the limits, and list their names', async () => {
    const engine = await aFailedRun()
    const objects = {
      ...engine.objects,
      async *list(prefix: string) {
        for await (const one of engine.objects.list(prefix)) {
          yield one.key.endsWith('/sum') ? { ...one, sizeBytes: MAX_COPIED_BYTES + 1 } : one
        }
      },
    }

    const entries = await (await packRejectedOutputs({ ...engine, objects }, RUN_ID)).entries()

    const [facts] = entries
    expect(entries.map(({ name }) => name)).toEqual(['rejected.json'])
    expect(facts !== undefined && 'bytes' in facts && JSON.parse(String(facts.bytes)).leftOut).toEqual([
      'sum',
    ])
  })

  it('contain the uploaded zip of a folder when it cannot be read', async () => {
    const engine = await aFailedRun()
    const listing = { entries: [{ name: 'sum', kind: 'directory', sizeBytes: 0 }] }
    await engine.objects.put(`${PREFIX}/1-2/staged.json`, JSON.stringify(listing))

    const entries = await (await packRejectedOutputs(engine, RUN_ID)).entries()

    expect(entries.map(({ name }) => name)).toEqual(['rejected.json', 'sum.zip'])
  })

  it('contain the uploaded zip of a folder with too many files for a download, without reading it', async () => {
    const engine = await aFailedRun()
    const listing = { entries: [{ name: 'sum', kind: 'directory', sizeBytes: 0 }] }
    await engine.objects.put(`${PREFIX}/1-2/staged.json`, JSON.stringify(listing))
    const names = Array.from({ length: MAX_COPIED_FILES + 1 }, (_, index) => `sum/${index}`)
    const files = names.map((name) => ({ name, sizeBytes: 0, bytes: Buffer.alloc(0) }))
    await engine.objects.put(`${PREFIX}/1-2/sum`, await readAll(storedZip(files)))
    let readBytes = 0
    const objects: typeof engine.objects = {
      ...engine.objects,
      read(key, range, etag) {
        if (key.endsWith('/sum')) readBytes += range?.length ?? Number.POSITIVE_INFINITY
        return engine.objects.read(key, range, etag)
      },
    }

    const entries = await (await packRejectedOutputs({ ...engine, objects }, RUN_ID)).entries()

    expect(entries.map(({ name }) => name)).toEqual(['rejected.json', 'sum.zip'])
    expect(readBytes).toBeLessThan(1000)
  })

  it('are refused before the run has failed, and when no file was uploaded', async () => {
    const running = await anEndedRun()
    const failed = await anEngine({ run: { state: 'FAILED' } })

    const answers = [
      await createCheckedApp(running).request(PATH),
      await createCheckedApp(failed).request(PATH),
    ]

    expect(answers.map(({ status }) => status)).toEqual([403, 403])
    expect(await answers[1]?.text()).toContain('uploaded no output')
  })
})
