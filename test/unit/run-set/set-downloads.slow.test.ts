import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { storedZip } from '../../../src/archive/folder-zip/stored-zip.ts'
import { createRunSet } from '../../../src/run-set/create-run-set.ts'
import { writeSetArchive, writeSetTable } from '../../../src/run-set/set-downloads.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { readAll } from '../../../src/shared/read-all.ts'
import type { Task } from '../../../src/task/task.ts'
import { anInput, anOutput, aTask } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const TASK = aTask({
  inputs: [anInput({ name: 'a', type: { id: 'string', minLength: 0 } })],
  outputs: [
    anOutput({ name: 'shape', type: { id: 'geometry' } }),
    anOutput({ name: 'word', type: { id: 'string', minLength: 0 } }),
  ],
})

/** A set with one row, whose run is FINISHED with these objects as outputs. */
async function anEndedSet(task: Task, input: string, outputs: Readonly<Record<string, string | Buffer>>) {
  const engine = await anEngine({ task })
  const runSet = await createRunSet(engine, {
    task: engine.task,
    shared: {},
    rows: [{ a: input }],
    maxConcurrency: 1,
  })
  const call = { setId: runSet.id, timeLeftMs: () => 900_000 }
  for (let work = await workOnRunSet(engine, call); work.runs.length === 0; ) {
    if (work.isDone) throw new Error('the set has no run')
    work = await workOnRunSet(engine, call)
  }
  const [id = ''] = await engine.runs.listIdsByTask(task.id)
  const job = { attempt: 1, jobName: 'job' }
  await engine.runs.transition(id, { to: 'QUEUING', from: ['PROVISIONED'], set: { job } })
  for (const [name, content] of Object.entries(outputs)) await engine.objects.put(`outputs/${name}`, content)
  await engine.runs.transition(id, { to: 'FINISHED', set: { outputsPrefix: 'outputs/' } })
  const found = await engine.sets.find(runSet.id)
  if (found === undefined) throw new Error('there is no run set')
  return { engine, found: { runSet: found, task: engine.task } }
}

/** Lines of the table of a set with one row, whose run has this listing of outputs. */
async function tableOf(input: string, listing: string): Promise<readonly string[]> {
  const { engine, found } = await anEndedSet(TASK, input, { 'outputs.json': listing })
  const key = await writeSetTable(engine, found)
  const body = await engine.objects.read(key)
  return body === undefined ? [] : (await text(body)).split('\r\n')
}

describe('the table of a run set', () => {
  it('contains scalar outputs, and is written without reading geometries into memory', async () => {
    // Not valid JSON, because listings with geometries are too large to be parsed.
    const shape = '{"parameterName":"shape","type":"GEOMETRY","value":"\\x"}'

    const [header, line] = await tableOf(
      'x',
      `[${shape},{"parameterName":"word","type":"STRING","value":"w"}]`,
    )

    expect(header).toBe('row,run,state,error,usd,input.a,output.word')
    expect(line).toMatch(/^1,[0-9a-f-]{36},FINISHED,,,x,w$/u)
  })

  it('says which strings are truncated, and where they are whole', async () => {
    const href = 'task-runs/1/output/word'
    const cut = { value: 'the beginning…', truncated: true, sizeBytes: 2_097_152, href }
    const listing = JSON.stringify([{ parameterName: 'word', type: 'STRING', ...cut }])

    const [, line] = await tableOf('x', listing)

    expect(line?.split(',x,')[1]).toBe(`"the beginning… (truncated, 2097152 bytes: ${href})"`)
  })

  it('contains whole strings up to the size that listings cut', async () => {
    const word = 'w'.repeat(1024 * 1024)
    const listing = JSON.stringify([{ parameterName: 'word', type: 'STRING', value: word }])

    const [, line] = await tableOf('x', listing)

    expect(line?.split(',x,')[1]).toHaveLength(word.length)
  })

  it.each([
    ['=1+1', "'=1+1"],
    ['＝1+1', "'＝1+1"],
    ['\n=1', `"'\n=1"`],
    ['x;=1+1', '"x;=1+1"'],
    ['x\t=1', '"x\t=1"'],
    ['-1.5', '-1.5'],
  ])('contains no formula for %j', async (word, cell) => {
    const listing = JSON.stringify([{ parameterName: 'word', type: 'STRING', value: word }])

    const [, ...lines] = await tableOf('x', listing)

    expect(lines.join('\r\n')).toMatch(/,x,/u)
    expect(lines.join('\r\n').split(',x,')[1]).toBe(`${cell}\r\n`)
  })
})

describe('the archive of a run set', () => {
  const task = aTask({
    inputs: TASK.inputs,
    outputs: [
      anOutput({ name: 'parts', type: { id: 'array', allowMissing: false, subType: { id: 'boolean' } } }),
    ],
  })
  const staged = JSON.stringify({ entries: [{ name: 'parts', kind: 'directory', sizeBytes: 0 }] })

  async function aFolderOf(count: number): Promise<Buffer> {
    const entries = Array.from({ length: count }, (_, index) => ({
      name: `parts/${index}`,
      sizeBytes: 0,
      bytes: Buffer.alloc(0),
    }))
    return readAll(storedZip(entries))
  }

  it('has a folder for each row', async () => {
    const { engine, found } = await anEndedSet(task, 'x', {
      'staged.json': staged,
      parts: await aFolderOf(2),
    })

    const body = await engine.objects.read(await writeSetArchive(engine, found))

    const bytes = body === undefined ? '' : (await readAll(body)).toString('latin1')
    expect(bytes).toContain('1/parts/0')
    expect(bytes).toContain('1/parts/1')
  })

  it('is refused for a folder of too many files before their names are read into memory', async () => {
    const { engine, found } = await anEndedSet(task, 'x', {
      'staged.json': staged,
      parts: await aFolderOf(50_001),
    })
    const ranges: number[] = []
    const objects: typeof engine.objects = {
      ...engine.objects,
      read(key, range, etag) {
        if (key.endsWith('/parts')) ranges.push(range?.length ?? Number.POSITIVE_INFINITY)
        return engine.objects.read(key, range, etag)
      },
    }

    await expect(writeSetArchive({ ...engine, objects }, found)).rejects.toMatchObject({
      explanation: expect.stringContaining('more than 50000 files'),
    })
    expect(ranges).toHaveLength(1)
    expect(Math.max(...ranges)).toBeLessThan(1000)
  })
})
