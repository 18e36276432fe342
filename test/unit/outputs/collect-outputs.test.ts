import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { writeFolderZip } from '../../../src/archive/folder-zip/write-folder-zip.ts'
import type { OutputEntry } from '../../../src/contract/staging.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { collectOutputs } from '../../../src/outputs/collect-outputs.ts'
import { findOutputFile } from '../../../src/outputs/read-outputs.ts'
import type { TaskOutput } from '../../../src/task/task.ts'
import { anOutput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const PREFIX = `task-run-outputs-${RUN_ID}/1-1/`

/** An engine with a run whose job has SUCCEEDED with these files. */
async function ended(
  outputs: TaskOutput[],
  files: Record<string, string | Uint8Array>,
  others: OutputEntry[] = [],
) {
  const job = { attempt: 1, jobName: 'job', succeededAttempt: 1 }
  const engine = await anEngine({ task: aTask({ outputs }), run: { state: 'RUNNING', job } })
  const entries: OutputEntry[] = [...others]
  for (const [name, content] of Object.entries(files)) {
    await engine.objects.put(`${PREFIX}${name}`, content)
    entries.push({ name, kind: 'file', sizeBytes: Buffer.byteLength(content) })
  }
  await engine.objects.put(`${PREFIX}staged.json`, JSON.stringify({ entries, taskExitCode: 0 }))
  return engine
}

describe('collecting outputs', () => {
  it('lists outputs in the order of the descriptor and finishes the run', async () => {
    const engine = await ended(
      [anOutput({ name: 'sum' }), anOutput({ name: 'rate', type: { id: 'boolean' } })],
      {
        rate: 'True\n',
        sum: ' 42\n',
      },
    )

    await collectOutputs(engine, RUN_ID)

    expect(await engine.runs.find(RUN_ID)).toMatchObject({ state: 'FINISHED', outputsPrefix: PREFIX })
    expect(JSON.parse(engine.objects.text(`${PREFIX}outputs.json`) ?? '')).toEqual([
      { taskRunId: RUN_ID, parameterName: 'sum', type: 'INTEGER', value: 42 },
      { taskRunId: RUN_ID, parameterName: 'rate', type: 'BOOLEAN', value: true },
    ])
  })

  it('reports all problems together and publishes nothing', async () => {
    const engine = await ended(
      [anOutput({ name: 'sum' }), anOutput({ name: 'count' }), anOutput({ name: 'folder' })],
      { count: 'many' },
      [{ name: 'folder', kind: 'directory', sizeBytes: 0 }],
    )

    await collectOutputs(engine, RUN_ID)

    const run = await engine.runs.find(RUN_ID)
    expect(run?.state).toBe('FAILED')
    expect(run?.failure?.kind).toBe('output-missing')
    for (const name of ['sum', 'count', 'folder']) expect(run?.failure?.message).toContain(`output "${name}"`)
    expect(engine.objects.keys()).not.toContain(`${PREFIX}outputs.json`)
  })

  it.each([
    ['bytes that are not text', Uint8Array.of(0xff, 0xfe, 0x31)],
    ['an empty file in place of a number', ''],
    ['text in place of a number', 'twelve'],
  ])('refuses %s', async (_, content) => {
    const engine = await ended([anOutput({ name: 'sum' })], { sum: content })

    await collectOutputs(engine, RUN_ID)

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'output-invalid' },
    })
  })

  it('reports the files that were found in place of an output, and invalid values', async () => {
    const engine = await ended(
      [
        anOutput({ name: 'out' }),
        anOutput({ name: 'count', type: { id: 'integer', leq: 255 } }),
        anOutput({ name: 'rate' }),
        anOutput({ name: 'gone' }),
      ],
      { result: '1', count: '300', rate: '5.5' },
      [{ name: 'gone', kind: 'other', sizeBytes: 0 }],
    )
    const listing = JSON.parse(engine.objects.text(`${PREFIX}staged.json`) ?? '')
    await engine.objects.put(`${PREFIX}staged.json`, JSON.stringify({ ...listing, others: ['out.txt'] }))

    await collectOutputs(engine, RUN_ID)

    const { kind, message } = (await engine.runs.find(RUN_ID))?.failure ?? {}
    expect(kind).toBe('output-missing')
    expect(message?.split('; output ')).toEqual([
      'output "out": the task has not written it; expected "out" in the output folder, without extension; found instead: "result", "out.txt"',
      '"count": 300 is out of bounds; expected at most 255 (leq)',
      '"rate": "5.5" is not an integer; expected a whole number within ±(2^53 - 1), such as 5',
      '"gone": it is a link that leaves the output folder, or not a regular file; expected a file',
    ])
  })

  it('accepts a missing optional output, and records the names of undeclared files', async () => {
    const engine = await ended([anOutput({ name: 'sum', optional: true })], { 'debug.log': 'x' })

    await collectOutputs(engine, RUN_ID)

    expect(await engine.runs.find(RUN_ID)).toMatchObject({ state: 'FINISHED', ignoredFiles: ['debug.log'] })
    const view = await createCheckedApp(engine).request(`/app-engine/v1/task-runs/${RUN_ID}`)
    expect(await view.json()).toMatchObject({ ignoredFiles: ['debug.log'] })
    await expect(findOutputFile(engine, RUN_ID, 'sum', false)).rejects.toMatchObject({
      error: 'STORAGE_READING_FILE_FAILED',
    })
  })

  it('records only the first of many names, and the start of long ones', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `${index}${'x'.repeat(200)}.log`)
    const engine = await ended(
      [anOutput({ name: 'sum' })],
      Object.fromEntries([['sum', '1'], ...names.map((name) => [name, 'x'])]),
    )

    await collectOutputs(engine, RUN_ID)

    const { ignoredFiles = [] } = (await engine.runs.find(RUN_ID)) ?? {}
    expect(ignoredFiles).toHaveLength(20)
    expect(Math.max(...ignoredFiles.map((name) => name.length))).toBeLessThan(62)
  })

  it('stores a geometry in a form that core can read, in the listing and as a file', async () => {
    const written =
      '{"type":"Point","coordinates":[1,2],"crs":{"properties":{"name":"urn:ogc:def:crs:EPSG::3857"}}}\n'
    const engine = await ended([anOutput({ name: 'shape', type: { id: 'geometry' } })], { shape: written })

    await collectOutputs(engine, RUN_ID)

    const stored = '{"type":"Point","coordinates":[1,2]}'
    expect(JSON.parse(engine.objects.text(`${PREFIX}outputs.json`) ?? '')).toMatchObject([{ value: stored }])
    expect(engine.objects.text(`${PREFIX}shape`)).toBe(stored)
    expect(await findOutputFile(engine, RUN_ID, 'shape', false)).toMatchObject({ sizeBytes: stored.length })
  })

  it('changes nothing when it is repeated, or when the run was cancelled meanwhile', async () => {
    const engine = await ended([anOutput({ name: 'sum' })], { sum: '1' })
    await engine.runs.transition(RUN_ID, { to: 'FAILED' })

    await collectOutputs(engine, RUN_ID)

    expect((await engine.runs.find(RUN_ID))?.state).toBe('FAILED')
  })

  it('leaves no file when the run was deleted meanwhile', async () => {
    const engine = await ended([anOutput({ name: 'sum' })], { sum: '1' })
    const write: typeof engine.objects.write = async (...args) => {
      await deleteRun(engine, RUN_ID)
      return engine.objects.write(...args)
    }

    await collectOutputs({ ...engine, objects: { ...engine.objects, write } }, RUN_ID)

    expect(engine.objects.keys()).toEqual([])
  })

  it('fails when the outputs did not arrive, which fails the run', async () => {
    const engine = await ended([anOutput()], {})
    await engine.objects.remove(`${PREFIX}staged.json`)

    await expect(collectOutputs(engine, RUN_ID)).rejects.toThrow('never arrived')
  })
})

describe('collecting outputs of a task that may have failed', () => {
  /** The run of a job that SUCCEEDED, with the task's exit code from Batch and from the listing of stage-out. */
  async function collected(byBatch: number | undefined, byListing: number | undefined) {
    const exit = byBatch === undefined ? {} : { taskExitCode: byBatch }
    const job = { attempt: 1, jobName: 'job', succeededAttempt: 1, ...exit }
    const task = aTask({ outputs: [anOutput({ name: 'sum' })] })
    const engine = await anEngine({ task, run: { state: 'RUNNING', job } })
    const entries = [{ name: 'sum', kind: 'file', sizeBytes: 2 }]
    await engine.objects.put(`${PREFIX}sum`, '42')
    await engine.objects.put(`${PREFIX}staged.json`, JSON.stringify({ entries, taskExitCode: byListing }))
    await collectOutputs(engine, RUN_ID)
    return engine.runs.find(RUN_ID)
  }

  it.each([
    [0, 0],
    [0, undefined],
    [undefined, 0],
  ])('finishes the run with exit code 0, from Batch %s and from the ECS agent %s', async (batch, agent) => {
    expect((await collected(batch, agent))?.state).toBe('FINISHED')
  })

  it.each([
    [3, 0],
    [undefined, 3],
  ])(
    'fails the run because of its exit code, from Batch %s and from the ECS agent %s',
    async (batch, agent) => {
      expect(await collected(batch, agent)).toMatchObject({
        state: 'FAILED',
        failure: { kind: 'task-failed', message: 'the task ended with exit code 3', exitCode: 3, attempt: 1 },
      })
    },
  )

  it('fails a run without a reported exit code', async () => {
    expect(await collected(undefined, undefined)).toMatchObject({
      state: 'FAILED',
      failure: {
        kind: 'engine-error',
        message: expect.stringContaining('neither AWS Batch nor the ECS agent'),
      },
    })
  })
})

describe('collecting outputs that could not be uploaded', () => {
  it.each([
    ['directory', 'the name of the file "sum/a\\b" has a backslash; rename it', 'output-invalid'],
    ['file', 'it cannot be read; leave it readable (chmod a+r)', 'output-invalid'],
    ['other', 'it is a named pipe, not a file', 'output-missing'],
  ] as const)("ends the run with the stager's message for a %s: %s", async (kind, problem, failure) => {
    const engine = await ended([anOutput({ name: 'sum' })], {}, [
      { name: 'sum', kind, sizeBytes: 0, problem },
    ])

    await collectOutputs(engine, RUN_ID)

    expect((await engine.runs.find(RUN_ID))?.failure).toMatchObject({
      kind: failure,
      message: `output "sum": ${problem}`,
    })
  })

  it('reports one reason when the folder was not uploaded', async () => {
    const engine = await ended([anOutput({ name: 'sum' })], {})
    const problem = 'the output folder has more than 10000 entries'
    await engine.objects.put(
      `${PREFIX}staged.json`,
      JSON.stringify({ entries: [], problem, taskExitCode: 0 }),
    )

    await collectOutputs(engine, RUN_ID)

    expect((await engine.runs.find(RUN_ID))?.failure).toMatchObject({
      kind: 'output-invalid',
      message: problem,
    })
  })

  it.each([
    ['a backslash', 'masks/back\\slash', 'has a backslash'],
    ['parent folders', 'masks/../../x', 'leaves the folder'],
  ])(
    'ends the run without throwing for a name with %s that the stager should have refused',
    async (_, name, words) => {
      const array = { id: 'array', allowMissing: false, subType: { id: 'integer' } } as const
      const engine = await ended([anOutput({ name: 'masks', type: array })], {}, [
        { name: 'masks', kind: 'directory', sizeBytes: 0 },
      ])
      const zip = writeFolderZip([{ name, sizeBytes: 0 }], () => ({ crc32: 0, bytes: [] }))
      await engine.objects.put(`${PREFIX}masks`, await buffer(zip))

      await collectOutputs(engine, RUN_ID)

      const { failure } = (await engine.runs.find(RUN_ID)) ?? {}
      expect(failure?.kind).toBe('output-invalid')
      expect(failure?.message).toContain(words)
    },
  )
})

describe('collecting large texts', () => {
  const string = { id: 'string', minLength: 0 } as const

  it('stores a string of any size, and lists its start', async () => {
    const text = 'é"\n\u0001😀 '.repeat(300_000)
    const engine = await ended([anOutput({ name: 'notes', type: string }), anOutput()], {
      notes: `\n${text}\n`,
      sum: '1',
    })

    await collectOutputs(engine, RUN_ID)

    expect(JSON.parse(engine.objects.text(`${PREFIX}outputs.json`) ?? '')).toEqual([
      {
        taskRunId: RUN_ID,
        parameterName: 'notes',
        type: 'STRING',
        value: `${text.slice(0, 100)}…`,
        truncated: true,
        sizeBytes: Buffer.byteLength(text) + 2,
        href: `task-runs/${RUN_ID}/output/notes`,
      },
      { taskRunId: RUN_ID, parameterName: 'sum', type: 'INTEGER', value: 1 },
    ])
    expect(engine.objects.text(`${PREFIX}notes`)).toBe(`\n${text}\n`)
  })

  it.each([
    ['a string with a NUL', string, 'NUL character', Buffer.alloc(2_000_000, 'a\0')],
    [
      'a string that is too long',
      { ...string, maxLength: 10 },
      'the text has 2000000 characters; expected at most 10 (max_length)',
    ],
    ['a string that is not a text', string, 'not UTF-8', Buffer.alloc(2_000_000, 0xff)],
    [
      'an integer',
      { id: 'integer' },
      'the file has 2000000 bytes; expected at most 1048576 for a value of type integer',
    ],
    ['an item of an enumeration', { id: 'enumeration', values: ['1'] }, 'expected at most 1048576'],
    ['a date', { id: 'datetime' }, 'expected at most 1048576'],
  ] as const)('refuses %s', async (_, type, words, content = Buffer.alloc(2_000_000, '1')) => {
    const engine = await ended([anOutput({ name: 'out', type })], { out: content })

    await collectOutputs(engine, RUN_ID)

    expect((await engine.runs.find(RUN_ID))?.failure?.message).toContain(words)
    expect(engine.objects.keys()).not.toContain(`${PREFIX}outputs.json`)
  })
})
