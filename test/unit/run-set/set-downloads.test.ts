import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createRunSet } from '../../../src/run-set/create-run-set.ts'
import { writeSetTable } from '../../../src/run-set/set-downloads.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { anInput, anOutput, aTask } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const TASK = aTask({
  inputs: [anInput({ name: 'a', type: { id: 'string', minLength: 0 } })],
  outputs: [
    anOutput({ name: 'shape', type: { id: 'geometry' } }),
    anOutput({ name: 'word', type: { id: 'string', minLength: 0 } }),
  ],
})

/** Lines of the table of a set with one row, whose run wrote this listing. */
async function tableOf(input: string, listing: string): Promise<readonly string[]> {
  const engine = await anEngine({ task: TASK })
  const runSet = await createRunSet(engine, {
    task: engine.task,
    shared: {},
    rows: [{ a: input }],
    maxConcurrency: 1,
  })
  const call = { setId: runSet.id, timeLeftMs: () => 900_000 }
  for (let { runs } = await workOnRunSet(engine, call); runs.length === 0; ) {
    runs = (await workOnRunSet(engine, call)).runs
  }
  const [id = ''] = await engine.runs.listIdsByTask(TASK.id)
  const job = { attempt: 1, jobName: 'job' }
  await engine.runs.transition(id, { to: 'QUEUING', from: ['PROVISIONED'], set: { job } })
  await engine.objects.put('outputs/outputs.json', listing)
  await engine.runs.transition(id, { to: 'FINISHED', set: { outputsPrefix: 'outputs/' } })
  const found = await engine.sets.find(runSet.id)
  if (found === undefined) throw new Error('no set')
  const key = await writeSetTable(engine, { runSet: found, task: engine.task })
  const body = await engine.objects.read(key)
  return body === undefined ? [] : (await text(body)).split('\r\n')
}

describe('the table of a run set', () => {
  it('has the scalar outputs, and does not read geometries into memory', async () => {
    // A whole listing could not be parsed.
    const shape = '{"parameterName":"shape","type":"GEOMETRY","value":"\\x"}'

    const [header, line] = await tableOf(
      'x',
      `[${shape},{"parameterName":"word","type":"STRING","value":"w"}]`,
    )

    expect(header).toBe('row,run,state,error,usd,input.a,output.word')
    expect(line).toMatch(/^1,[0-9a-f-]{36},FINISHED,,,x,w$/u)
  })

  it.each([
    ['=1+1', "'=1+1"],
    ['＝1+1', "'＝1+1"],
    ['\n=1', `"'\n=1"`],
    ['x;=1+1', '"x;=1+1"'],
    ['x\t=1', '"x\t=1"'],
    ['-1.5', '-1.5'],
  ])('gives a spreadsheet no formula for %j', async (word, cell) => {
    const listing = JSON.stringify([{ parameterName: 'word', type: 'STRING', value: word }])

    const [, ...lines] = await tableOf('x', listing)

    expect(lines.join('\r\n')).toMatch(/,x,/u)
    expect(lines.join('\r\n').split(',x,')[1]).toBe(`${cell}\r\n`)
  })
})
