import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runProgram } from '../../../cli/program.ts'
import { linesOf } from '../../../cli/run-set/follow-set.ts'
import type { SetView } from '../../../cli/run-set/set-view.ts'
import { submitJob } from '../../../src/lifecycle/submit-job.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { SET_ID } from '../../fixtures/run-sets.ts'
import { anEngineWith, serveEngine } from '../../fixtures/served-engine.ts'
import { closeWebServers } from '../../fixtures/web-server.ts'

const TASK = 'com.example.count/1.0.0'
const INPUTS = {
  inputs: {
    a: { type: { id: 'integer', leq: 10 }, description: '' },
    text: { type: 'string', description: '', optional: true },
    image: { type: { id: 'image', formats: ['png'] }, description: '', optional: true },
    images: { type: { id: 'array', subtype: 'image' }, description: '', optional: true },
  },
}
const PNG = 'examples/threshold/sample/image.png'

type Engine = Awaited<ReturnType<typeof anEngineWith>>

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-set-'))
})
afterEach(() => {
  closeWebServers()
  rmSync(folder, { recursive: true, force: true })
})

function aTable(text: string | Buffer, name = 'table.csv'): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

/** Executes a set like its workflow. The runs of the rows in `failing` fail. */
async function carryOut(engine: Engine, setId: string, failing: ReadonlySet<number>): Promise<void> {
  for (;;) {
    const work = await workOnRunSet(engine, { setId, timeLeftMs: () => 900_000 })
    if (work.isDone) return
    for (const place of work.runs) {
      const runId = work.prefix + place
      await submitJob(engine, { runId, taskToken: runId })
      const isFailing = failing.has(Number.parseInt(place.slice(2), 16) + 1)
      const failure = { kind: 'task-failed', message: 'the task ended with exit code 3' } as const
      await (isFailing
        ? engine.runs.transition(runId, { to: 'FAILED', set: { failure } })
        : engine.runs.transition(runId, { to: 'FINISHED', set: { outputsPrefix: `${runId}/` } }))
    }
  }
}

/** A service with the task, whose sets are executed when they are started, unless it is idle. */
async function aService({ failing = [] as readonly number[], isIdle = false } = {}) {
  const engine = await anEngineWith(INPUTS)
  const { setWorkflow } = engine
  const rows = new Set(failing)
  const started = {
    ...engine,
    setWorkflow: {
      ...setWorkflow,
      start: async (name: string) => {
        await setWorkflow.start(name)
        if (!isIdle) await carryOut(engine, name.slice(0, SET_ID.length), rows)
      },
    },
  }
  const { url, calls } = await serveEngine(started)
  const ask = (...words: readonly string[]) => runCommand(['run-set', ...words, '--url', url])
  return { engine, calls, ask, mend: () => rows.clear(), execute: (id: string) => carryOut(engine, id, rows) }
}

/** Id that the command has written to stderr. */
function idIn(stderr: string): string {
  return /^run set (?<id>\S+)$/mu.exec(stderr)?.groups?.id ?? ''
}

describe('run-set create', () => {
  it('starts a run for each row of a CSV, with the shared values', async () => {
    const { engine, ask } = await aService()

    const { code, stdout, stderr } = await ask(
      'create',
      TASK,
      aTable('a\n1\n2\n'),
      '-i',
      'text=all',
      '--wait',
    )

    expect(stderr).toMatch(/^run set [0-9a-f-]{36}$/mu)
    expect(stdout).toMatch(/FINISHED {2}com\.example\.count\/1\.0\.0\n2 rows: 2 finished, 0 failed/u)
    expect(code).toBe(0)
    const runs = await engine.runs.listByTask(engine.task.id)
    const inputs = await Promise.all(runs.map((run) => engine.runs.listInputs(run)))
    expect(
      inputs.flatMap((values) => values.map(({ file }) => ('text' in file ? file.text : ''))).sort(),
    ).toEqual(['1', '2', 'all', 'all'])
  })

  it.each([
    ['--reuse', true],
    ['--no-reuse', undefined],
  ])('sends with %s whether outputs of equal runs are reused', async (flag, reuse) => {
    const { engine, ask } = await aService()

    const { stderr } = await ask('create', TASK, aTable('a\n1\n'), flag)

    expect((await engine.sets.find(idIn(stderr)))?.reuse).toBe(reuse)
  })

  it('groups failures by reason, and exits with 1', async () => {
    const { ask } = await aService({ failing: [2, 3] })

    const { code, stdout } = await ask(
      'create',
      TASK,
      aTable('{"a":1}\n{"a":2}\n{"a":3}\n', 'rows.jsonl'),
      '--wait',
    )

    expect(stdout).toMatch(/3 rows: 1 finished, 2 failed/u)
    expect(stdout).toMatch(/^2 +task-failed: the task ended with exit code 3 +row [23], run [0-9a-f-]{36}$/mu)
    expect(code).toBe(1)
  })

  it('prints all problems of a table with row and column, and creates nothing', async () => {
    const { ask, calls } = await aService()
    const table = aTable('a,image,nonsense\n1,@missing.png,\n11,plain.png,x\n,@table.csv,\n')

    const { code, stdout } = await ask('create', TASK, table)

    expect(stdout.split('\n')).toEqual([
      'The table has 6 problems, so no run was created:',
      expect.stringMatching(/^row 2, column nonsense: the task has no such parameter/u),
      expect.stringMatching(/^row 1, column image: there is no file .*missing\.png$/u),
      expect.stringMatching(/^row 2, column a: .*11.*10/u),
      expect.stringMatching(/^row 2, column image: "plain\.png" does not name a file; expected "@PATH"/u),
      expect.stringMatching(/^row 3, column a: there is no value/u),
      expect.stringMatching(/^row 3, column image: /u),
      '',
    ])
    expect(calls.filter(({ call }) => !call.startsWith('GET'))).toEqual([])
    expect(code).toBe(1)
  })

  it('prints the problems that only the service finds', async () => {
    const { ask } = await aService()
    const table = aTable('[{"a": 1, "image": "upload:unknown"}]', 'rows.json')

    const { code, stdout } = await ask('create', TASK, table)

    expect(stdout).toMatch(/FAILED[\s\S]*The table has 1 problem, .*\nrow 1, column image: .*no upload/u)
    expect(code).toBe(1)
  })

  it.each([
    [
      'another encoding',
      Buffer.from('a,text\n1,\xe9\n', 'latin1'),
      [],
      /is not UTF-8; save it as "CSV UTF-8"/u,
    ],
    ['semicolons', 'a;text\n1;x\n', [], /column a;text: .*separated by commas/u],
    ['no row', 'a,text\n', [], /table\.csv: .*the table has no row/u],
    ['truncated JSON', '{"a": 1}\n{"a"\n', [], /table\.csv: .*line 2 is not JSON/u],
    [
      'an array of images',
      'a\n1\n',
      ['-i', `images=@${PNG}`],
      /array of files, which a run set cannot take/u,
    ],
    ['a shared value that is wrong', 'text\nx\n', ['-i', 'a=11'], /^shared value, column a: .*11/mu],
    ['an input that is none', 'a\n1\n', ['-i', 'b=1'], /the task has no input "b"/u],
  ])('refuses %s with an explanation', async (_, text, words, message) => {
    const { ask, calls } = await aService()

    const { code, stdout, stderr } = await ask('create', TASK, aTable(text), ...words)

    expect(stdout + stderr).toMatch(message)
    expect(code).toBeGreaterThan(0)
    expect(calls.some(({ call }) => call.startsWith('POST'))).toBe(false)
  })
})

describe('a set', () => {
  it('runs its failed rows again when it is retried', async () => {
    const { ask, mend } = await aService({ failing: [2] })
    const created = await ask('create', TASK, aTable('a\n1\n2\n'), '--name', 'cohort', '--wait')
    const id = idIn(created.stderr)
    mend()

    const retried = await ask('retry', id, '--wait')

    expect(retried.stdout).toMatch(/FINISHED .*"cohort" {2}round 2\n2 rows: 2 finished, 0 failed/u)
    expect(retried.code).toBe(0)
  })

  it('is listed, as are its runs by row', async () => {
    const { ask } = await aService({ failing: [2] })
    const id = idIn((await ask('create', TASK, aTable('a\n1\n2\n'), '--name', 'cohort')).stderr)

    const listed = await ask('list')
    const runs = await ask('runs', id)
    const failed = await ask('runs', id, '--state', 'failed', '--json')

    expect(listed.stdout).toMatch(new RegExp(`^${id} +FINISHED +2 +1 +1 .*${TASK} +cohort$`, 'mu'))
    expect(runs.stdout).toMatch(/^1 +\S+ +FINISHED$[\s\S]*^2 +\S+ +FAILED +task-failed: the task ended/mu)
    expect(JSON.parse(failed.stdout)).toMatchObject([{ row: 2, state: 'FAILED' }])
  })

  it('is printed as the service returns it with --json', async () => {
    const { ask } = await aService()
    const id = idIn((await ask('create', TASK, aTable('a\n1\n'))).stderr)

    const { stdout } = await ask('status', id, '--json')

    expect(JSON.parse(stdout)).toMatchObject({ id, state: 'FINISHED', counts: { finished: 1 } })
  })

  it('can be cancelled', async () => {
    const { ask, engine } = await aService({ isIdle: true })
    const creating = ask('create', TASK, aTable('a\n1\n'))
    await expect.poll(async () => (await engine.sets.list(1)).sets.length).toBe(1)
    const [set] = (await engine.sets.list(1)).sets
    const id = set?.id ?? ''

    const cancelled = await ask('cancel', id)

    expect(cancelled.stdout).toMatch(/CANCELLED/u)
    expect((await creating).code).toBe(0)
  })

  it('is not waited for after its table was refused by the service', async () => {
    const { ask } = await aService()

    const { code, stdout } = await ask('create', TASK, aTable('a,image\n1,upload:unknown\n'), '--wait')

    expect(stdout).toMatch(/FAILED[\s\S]*row 1, column image/u)
    expect(code).toBe(1)
  })

  it('is not waited for after it was cancelled before its rows had runs, and can then be retried', async () => {
    const { ask, engine, execute } = await aService({ isIdle: true })
    const creating = ask('create', TASK, aTable('a\n1\n2\n'), '--wait')
    await expect.poll(async () => (await engine.sets.list(1)).sets.length).toBe(1)
    const id = (await engine.sets.list(1)).sets[0]?.id ?? ''
    await workOnRunSet(engine, { setId: id, timeLeftMs: () => 900_000 })
    await ask('cancel', id)
    await execute(id)

    const cancelled = await creating
    const listed = await ask('list')
    await ask('retry', id)
    await execute(id)
    const waited = await ask('wait', id)

    expect(cancelled).toMatchObject({ code: 1, stdout: expect.stringContaining('0 waiting, 2 skipped') })
    expect(listed.stdout).toMatch(new RegExp(`^${id} +CANCELLED +2 +0 +0 +2 `, 'mu'))
    expect(waited).toMatchObject({ code: 0, stdout: expect.stringContaining('2 rows: 2 finished') })
  })

  it('is deleted only with --yes, and only once', async () => {
    const { ask } = await aService()
    const id = idIn((await ask('create', TASK, aTable('a\n1\n'))).stderr)

    const unasked = await ask('delete', id)
    const deleted = await ask('delete', id, '--yes')
    const again = await ask('delete', id, '--yes')

    expect(unasked).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/with all its runs.*use --yes/u),
    })
    expect(deleted).toMatchObject({ code: 0, stdout: `${id} is deleted\n` })
    expect(again.code).toBe(1)
    expect(again.stderr).toMatch(/run set/u)
  })

  it('has a table that is printed or saved', async () => {
    const { ask } = await aService()
    const id = idIn((await ask('create', TASK, aTable('a\n7\n'))).stderr)
    const file = join(folder, 'results/results.csv')

    const printed = await ask('table', id)
    const saved = await ask('table', id, '-o', file)

    expect(printed.stdout).toMatch(/^row,run,state,error,usd,input\.a,output\.sum\r\n1,\S+,FINISHED,,,7,/u)
    expect(saved).toMatchObject({ code: 0, stdout: `${file}\n` })
    expect(readFileSync(file, 'utf8')).toBe(printed.stdout)
  })

  it('has no archive when all its runs have failed', async () => {
    const { ask } = await aService({ failing: [1] })
    const id = idIn((await ask('create', TASK, aTable('a\n1\n'))).stderr)

    const { code, stderr } = await ask('archive', id, '-o', join(folder, 'out'))

    expect(stderr).toMatch(/none of its runs is FINISHED/u)
    expect(code).toBe(1)
  })

  it.each([
    ['status', 'abc'],
    ['retry', '279c70e2-3dd8-49a3-b253-27956325c74f'],
  ])('must be given by its id: %s %s', async (command, id) => {
    const { code, stderr } = await runCommand(['run-set', command, id])

    expect(stderr).toBe(`"${id}" is not the id of a run set; "cytomine-task run-set list" lists them\n`)
    expect(code).toBe(2)
  })
})

describe('the progress of a set', () => {
  const view: SetView = {
    id: SET_ID,
    state: 'RUNNING',
    createdAt: '2026-01-01T00:00:00.000Z',
    round: 1,
    rows: 10,
    counts: { waiting: 2, active: 3, finished: 4, failed: 1, skipped: 0 },
    cost: { usd: 0.0123, remainingUsd: 0.5 },
    failures: [
      { kind: 'out-of-memory', message: 'more than 1 MiB', count: 1, example: { row: 1, runId: 'x' } },
    ],
  }

  it('contains a bar, counts, cost, and failures by reason', () => {
    expect(linesOf(view)).toEqual([
      '[############............]  50 %  10 rows: 4 finished, 1 failed, 3 running, 2 waiting',
      'about 0.01 USD so far, about 0.50 more',
      '    1 × out-of-memory: more than 1 MiB',
    ])
  })

  it('counts skipped rows as ended', () => {
    const counts = { waiting: 0, active: 0, finished: 4, failed: 1, skipped: 5 }

    expect(linesOf({ ...view, state: 'CANCELLED', counts })[0]).toBe(
      '[########################] 100 %  10 rows: 4 finished, 1 failed, 0 running, 0 waiting, 5 skipped',
    )
  })

  it('is overwritten on a terminal, and removed at the end', async () => {
    const engine = await anEngineWith(INPUTS)
    const { url } = await serveEngine(engine)
    const table = aTable('a\n1\n')
    let written = ''
    const write = (text: string): void => {
      written += text
    }
    const stderr = { isTTY: true, columns: 40, write }
    const stdout = { write: () => undefined }

    const creating = runProgram(['run-set', 'create', TASK, table, '--url', url], { stdout, stderr, env: {} })
    await expect.poll(() => written).toContain('[....')
    const [set] = (await engine.sets.list(1)).sets
    await carryOut(engine, set?.id ?? '', new Set())
    await creating

    expect(written.endsWith('\n\u001b[1A\r\u001b[J')).toBe(true)
    expect(Math.max(...written.split('\n').map((line) => line.length))).toBeLessThan(60)
  })
})
