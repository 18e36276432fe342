import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import type { RunState } from '../../src/run/transitions.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { call, callOk, installTask, outputsOf, startRun, waitForState } from './engine-client.ts'

let example: string
let probe: string

beforeAll(async () => {
  example = await installTask('examples/add-and-echo/add-and-echo.zip', 'org.example.add-and-echo')
  probe = await installTask('test/fixtures/probe-task/probe-task.zip', 'org.example.probe-task')
})

/** Returns the number of lines in an object; undefined while it does not exist. */
async function lineCount(url: string): Promise<number | undefined> {
  const answer = await fetch(url)
  return answer.ok ? (await answer.text()).trimEnd().split('\n').length : undefined
}

describe('a run on the local stack', () => {
  it('computes outputs from inputs in a real container', async () => {
    const text = 'first line\nsecond line — ünïcode $HOME `id`'

    const run = await startRun(example, { a: 18, b: 24, text })
    const { state } = await waitForState(run, 'final')

    expect(state).toBe('FINISHED')
    expect(await outputsOf(run)).toEqual({ sum: 42, echo: text })
    expect(await (await callOk('GET', `${run}/output/sum`)).text()).toMatch(/^42\s*$/u)
    expect((await callOk('GET', `${run}/outputs.zip`)).headers.get('content-disposition')).toMatch(
      /^attachment/u,
    )
    const crate = Buffer.from(await (await callOk('GET', `${run}/ro-crate.zip`)).arrayBuffer())
    const zip = await openZip(bufferSource(crate))
    expect(zip.entries.map(({ name }) => name)).toEqual([
      'descriptor.yml',
      ...['outputs/sum', 'outputs/echo', 'inputs/a', 'inputs/b', 'inputs/text'],
      'ro-crate-metadata.json',
    ])
  })

  it('accepts and returns a text of one megabyte', async () => {
    const text = 'ü'.repeat(512 * 1024)

    const run = await startRun(example, { a: 1, b: 1, text })
    await waitForState(run, ['FINISHED'])

    expect((await outputsOf(run)).echo).toBe(text)
  })

  it('passes through its states in their order', async () => {
    const seen: RunState[] = []

    const run = await startRun(probe, { sleep_seconds: 3 })
    await waitForState(run, 'final', seen)

    const order: RunState[] = ['QUEUING', 'QUEUED', 'PENDING', 'RUNNING', 'FINISHED']
    expect(seen).toEqual(order.filter((state) => seen.includes(state)))
    expect(seen).toContain('RUNNING')
    expect(seen.at(-1)).toBe('FINISHED')
    expect(seen.length).toBeGreaterThanOrEqual(3)
  })

  it('fails with the exit code and the last log lines of the task', async () => {
    const run = await startRun(probe, { exit_code: 3, print: 'before the end' })
    const { state, error } = await waitForState(run, 'final')

    expect([state, error]).toEqual([
      'FAILED',
      {
        kind: 'task-failed',
        message: 'the task ended with exit code 3\nIts log ends with:\nbefore the end',
        exitCode: 3,
        attempt: 1,
      },
    ])
    expect((await call('GET', `${run}/outputs`)).status).toBe(403)
    const log = await (await callOk('GET', `${run}/logs`)).text()
    expect(log).toContain('before the end')
    expect(log).toContain('exit code 3')
  })

  it('fails when a declared output is missing, and names it', async () => {
    const run = await startRun(probe, { skip_output: true })
    const { state, error } = await waitForState(run, 'final')

    expect([state, error?.kind]).toEqual(['FAILED', 'output-missing'])
    expect(error?.message).toContain('output "result"')
  })

  it('fails with the kind out-of-memory if the task exceeds its memory', async () => {
    const run = await startRun(probe, { allocate_mib: 5000 })
    const { state, error } = await waitForState(run, 'final')

    expect([state, error?.kind]).toEqual(['FAILED', 'out-of-memory'])
  })

  it('has stdout and stderr of the task in its log', async () => {
    const run = await startRun(probe, { print: 'to the one', print_error: 'to the other' })
    await waitForState(run, ['FINISHED'])

    const log = await (await callOk('GET', `${run}/logs`)).text()

    expect(log).toContain('to the one')
    expect(log).toContain('to the other')
  })

  it('has a log while the task is running', async () => {
    const run = await startRun(probe, { print: 'still at it', sleep_seconds: 60 })
    await waitForState(run, ['RUNNING'])

    const log = () => callOk('GET', `${run}/logs`).then((answer) => answer.text())

    await expect.poll(log, { timeout: 20_000 }).toBe('still at it\n')
    await callOk('DELETE', run)
  })

  it('keeps the end of a log of 100 MiB', async () => {
    const run = await startRun(probe, { print_mib: 100, exit_code: 1 })
    const { error } = await waitForState(run, 'final')

    const lines = (await (await callOk('GET', `${run}/logs`)).text()).trimEnd().split('\n')

    expect(error?.kind).toBe('task-failed')
    expect(lines.at(-2)).toMatch(/^line 1638399 *$/u)
    expect(lines.some((line) => /lines omitted$/u.test(line))).toBe(true)
    const kept = `${inject('storageUrl')}/${inject('bucketName')}/${run.replace('task-runs/', 'task-run-outputs-')}/log.txt`
    await expect.poll(() => lineCount(kept), { timeout: 20_000 }).toBe(500)
  })

  it('gives the task no variables of the service and no network', async () => {
    const run = await startRun(probe, { list_environment: true, try_network: true })
    await waitForState(run, ['FINISHED'])

    const { environment, network } = await outputsOf(run)

    expect(environment).not.toMatch(/APP_ENGINE|AWS|SECRET|TOKEN/iu)
    expect(network).not.toMatch(/eth|cni|tap/u)
  })

  it('does not mix its outputs with those of concurrent runs', async () => {
    const runs = await Promise.all(
      [1, 2, 3].map((a) => startRun(example, { a, b: a * 100, text: `run ${a}` })),
    )
    for (const run of runs) await waitForState(run, ['FINISHED'])

    expect(await Promise.all(runs.map(outputsOf))).toEqual([
      { sum: 101, echo: 'run 1' },
      { sum: 202, echo: 'run 2' },
      { sum: 303, echo: 'run 3' },
    ])
  })

  it('accepts exactly one of three concurrent starts', async () => {
    const { id } = (await (await callOk('POST', `${probe}/runs`)).json()) as { id: string }
    await callOk('PUT', `task-runs/${id}/input-provisions/print`, { value: 'once' })

    const answers = await Promise.all(
      [1, 2, 3].map(() => call('POST', `task-runs/${id}/state-actions`, { desired: 'RUNNING' })),
    )

    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 403, 403])
    await waitForState(`task-runs/${id}`, ['FINISHED'])
  })

  it('does not exist after its deletion, even if it was running', async () => {
    const run = await startRun(probe, { sleep_seconds: 30 })
    await waitForState(run, ['RUNNING'])

    await callOk('DELETE', run)

    expect((await call('GET', run)).status).toBe(404)
  })
})

describe('the local Batch server', () => {
  it('fails runs with a reason if it is killed while their containers are running', async () => {
    const run = await startRun(probe, { sleep_seconds: 60 })
    await waitForState(run, ['RUNNING'])

    process.kill(Number(await readFile(inject('pidFiles').batch, 'utf8')), 'SIGKILL')
    const { state, error } = await waitForState(run, 'final')

    expect(state).toBe('FAILED')
    expect(error?.message).toMatch(/Batch server was stopped/u)
  })

  it('runs jobs that are submitted after its restart', async () => {
    const run = await startRun(example, { a: 1, b: 2, text: 'again' })
    await waitForState(run, ['FINISHED'])

    expect(await outputsOf(run)).toEqual({ sum: 3, echo: 'again' })
  })
})
