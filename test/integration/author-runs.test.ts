import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { expectDone, putProgram } from '../fixtures/author-task.ts'
import { type CommandEnd, runCommand, startCommand } from '../fixtures/cli-program.ts'
import { aTaskFolder } from '../fixtures/task-folder.ts'

/* Commands of authors on tasks and runs of a service. */

/** Writes an integer or an invalid value, and exits with 0 or 3; or waits until it is cancelled. */
const PROGRAM = `
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  char mode[16] = "";
  FILE *in = fopen("/inputs/mode", "r");
  if (in == NULL || fgets(mode, sizeof mode, in) == NULL) return 1;
  signal(SIGTERM, _exit);
  printf("mode %s\\n", mode);
  fflush(stdout);
  if (strcmp(mode, "wait") == 0) pause();
  FILE *out = fopen("/outputs/sum", "w");
  if (out == NULL) return 1;
  FILE *other = fopen("/outputs/debug.log", "w");
  if (other == NULL || fclose(other) != 0) return 1;
  fputs(strcmp(mode, "right") == 0 ? "7" : "many", out);
  return fclose(out) != 0 ? 1 : strcmp(mode, "fail") == 0 ? 3 : 0;
}
`
const NAMESPACE = `org.example.t${process.pid}.modes`
const NAME = `${NAMESPACE}/1.0.0`

/** Time limit of a run on a busy machine. */
const PATIENCE = { timeout: 60_000, interval: 200 }

let task = ''
let folder = ''
const ofService = (...words: readonly string[]) => [...words, '--url', inject('baseUrl')]
const ask = (...words: readonly string[]) => runCommand(ofService(...words))

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'author-runs-'))
  const mode = {
    type: { id: 'enumeration', values: ['right', 'wrong', 'fail', 'wait'] },
    description: 'What to do',
  }
  task = await aTaskFolder({ descriptor: { namespace: NAMESPACE, inputs: { mode } }, imageName: false })
  const source = join(folder, 'modes.c')
  writeFileSync(source, PROGRAM)
  await putProgram(task, source)
  expectDone(await ask('upload', task))
})
afterAll(() => {
  for (const path of [task, folder]) rmSync(path, { recursive: true, force: true })
})

/** Starts a run of the task by a command that follows it. */
function startRun(mode: string) {
  const outputs = join(folder, `outputs-${mode}`)
  return startCommand(['run', NAME, '--remote', inject('baseUrl'), '-i', `mode=${mode}`, '-o', outputs])
}

/** Run id in the output of the command. */
function idIn(stderr: string): string {
  const [, id] = /^run (?<id>\S+)$/mu.exec(stderr) ?? []
  if (id === undefined) throw new Error(`no id of a run in "${stderr}"`)
  return id
}

describe('a finished run', () => {
  let id = ''
  let ended: CommandEnd
  beforeAll(async () => {
    ended = await startRun('right').ended
    expectDone(ended)
    id = idIn(ended.stderr)
  })

  it('is reported with the files that were ignored', () => {
    expect(ended.stderr).toMatch(/^ignored in the output folder: "debug\.log"; declare an output/mu)
  })

  it.each([
    ['its log', []],
    ['its log to the end', ['--follow']],
  ])('has %s', async (_, flags) => {
    const { code, stdout } = await ask('logs', id, ...flags)

    expect(stdout).toMatch(/^mode right$/mu)
    expect(code).toBe(0)
  })

  it('has its outputs as values and as files', async () => {
    const target = join(folder, 'downloaded')

    const shown = await ask('outputs', id)
    const downloaded = await ask('outputs', id, '-o', target, '--json')

    expect(shown.stdout).toMatch(/^sum +INTEGER +7$/mu)
    expect(JSON.parse(downloaded.stdout)).toMatchObject({
      outputs: [{ parameterName: 'sum', value: 7 }],
      files: [join(target, 'sum')],
    })
    expect(readFileSync(join(target, 'sum'), 'utf8')).toBe('7')
  })

  it('cannot be cancelled', async () => {
    const { code, stderr } = await ask('cancel', id)

    expect(stderr).toMatch(/a run that has ended cannot be cancelled/u)
    expect(code).toBe(1)
  })

  it('is deleted once; a second deletion fails', async () => {
    const deleted = await ask('delete', id, '--yes')
    const again = await ask('delete', id, '--yes')

    expect(deleted).toMatchObject({ code: 0, stdout: `${id} is deleted\n` })
    expect(again).toMatchObject({ code: 1, stderr: `there is no run "${id}", or it was deleted\n` })
  })
})

describe('a run that fails', () => {
  it.each([
    ['an invalid output', 'wrong', /output-invalid[\s\S]*outputs \S+ --url \S+ --rejected/u],
    ['an exit code', 'fail', /task-failed[\s\S]*exit code 3[\s\S]*outputs \S+ --url \S+ --rejected/u],
  ])('because of %s offers the files that it wrote for download', async (_, mode, message) => {
    const target = join(folder, `rejected-${mode}`)

    const ended = await startRun(mode).ended
    const { stdout } = await ask('outputs', idIn(ended.stderr), '--rejected', '-o', target)

    expect(ended.stderr).toMatch(message)
    expect(ended.code).toBe(1)
    expect(stdout).toContain(join(target, 'sum'))
    expect(readFileSync(join(target, 'sum'), 'utf8')).toBe('many')
  })
})

/** States of a cancelled run, in order. A poll may miss all but RUNNING, in which this run waits, and the last. */
const STATES = ['PROVISIONED', 'QUEUING', 'QUEUED', 'PENDING', 'RUNNING', 'FAILED']

describe('a run in progress', () => {
  it('prints its states and its log until it is cancelled', async () => {
    const running = startRun('wait')
    const id = await vi.waitFor(() => idIn(running.written.stderr), PATIENCE)
    const following = startCommand(ofService('logs', '-f', id))
    await vi.waitFor(() => expect(following.written.stdout).toMatch(/^mode wait$/mu), PATIENCE)
    await vi.waitFor(() => expect(running.written.stderr).toMatch(/^RUNNING$[\s\S]*^mode wait$/mu), PATIENCE)

    const listed = await ask('runs', NAME, '--state', 'running', '--json')
    const cancelled = await ask('cancel', id)

    expect(JSON.parse(listed.stdout)).toMatchObject([{ id, state: 'RUNNING' }])
    expect(cancelled).toMatchObject({ code: 0, stdout: `run ${id} is cancelled\n` })
    expect((await following.ended).code).toBe(0)
    const ended = await running.ended
    expect(ended.stderr).toContain('The run failed (cancelled): the run was cancelled')
    const shown = ended.stderr.split('\n').filter((line) => STATES.includes(line))
    expect(shown).toEqual(STATES.filter((state) => shown.includes(state)))
    expect(shown).toEqual(expect.arrayContaining(['RUNNING', 'FAILED']))
    expect(ended.code).toBe(1)
  })
})

describe('the tasks of a service', () => {
  it('are listed as a table and as JSON', async () => {
    const shown = await ask('tasks')
    const listed = await ask('tasks', '--json')

    expect(shown.stdout).toMatch(new RegExp(`^${NAME} +Count cells$`, 'mu'))
    expect(JSON.parse(listed.stdout)).toContainEqual(
      expect.objectContaining({ namespace: NAMESPACE, version: '1.0.0' }),
    )
  })

  it('are replaced only after a confirmation, and lose their runs', async () => {
    expectDone(await startRun('right').ended)

    const unasked = await ask('upload', task, '--replace')
    const kept = await ask('runs', NAME, '--json')
    const replaced = await ask('upload', task, '--replace', '--yes')
    const left = await ask('runs', NAME, '--json')

    expect(unasked.stderr).toMatch(/Delete .* with all its runs.*use --yes/u)
    expect(unasked.code).toBe(2)
    expect(JSON.parse(kept.stdout)).not.toEqual([])
    expectDone(replaced)
    expect(replaced.stdout).toContain(`installed ${NAMESPACE}`)
    expect(JSON.parse(left.stdout)).toEqual([])
  })
})
