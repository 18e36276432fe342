import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { greyPng } from '../../cli/templates/sample-png.ts'
import { expectDone, putProgram } from '../fixtures/author-task.ts'
import { runCommand } from '../fixtures/cli-program.ts'
import { aTaskFolder } from '../fixtures/task-folder.ts'

/*
 * Run sets that authors start from a table, with files of their machine.
 */

/** Writes the length of two files, or fails. */
const PROGRAM = `
#include <stdio.h>
static long length(const char *path) {
  FILE *in = fopen(path, "r");
  if (in == NULL) return -1;
  fseek(in, 0, SEEK_END);
  return ftell(in);
}
int main(void) {
  char mode = 0;
  FILE *in = fopen("/inputs/mode", "r");
  if (in == NULL || fread(&mode, 1, 1, in) != 1) return 1;
  if (mode == 'f') { printf("asked to fail\\n"); return 3; }
  FILE *out = fopen("/outputs/length", "w");
  if (out == NULL) return 1;
  fprintf(out, "%ld", length("/inputs/image"));
  if (fclose(out) != 0) return 1;
  out = fopen("/outputs/notes", "w");
  if (out == NULL) return 1;
  fprintf(out, "%ld", length("/inputs/notes"));
  return fclose(out);
}
`
const NAME = `org.example.t${process.pid}.lengths/1.0.0`
const image = { id: 'image', formats: ['png'] }
const DESCRIPTOR = {
  namespace: NAME.split('/')[0],
  inputs: {
    mode: { type: { id: 'enumeration', values: ['good', 'fail'] }, description: '' },
    image: { type: image, description: '' },
    notes: { type: 'string', description: '' },
  },
  outputs: {
    length: { type: 'integer', description: '' },
    notes: { type: 'integer', description: '' },
  },
}

let task = ''
let folder = ''
const ask = (...words: readonly string[]) => runCommand([...words, '--url', inject('baseUrl')])

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'author-run-sets-'))
  task = await aTaskFolder({ descriptor: DESCRIPTOR, imageName: false })
  const source = join(folder, 'lengths.c')
  writeFileSync(source, PROGRAM)
  await putProgram(task, source)
  expectDone(await ask('upload', task))
})
afterAll(() => {
  for (const path of [task, folder]) rmSync(path, { recursive: true, force: true })
})

/** Writes images into the folder of the tables. @returns their sizes in bytes, by name */
function putImages(...names: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    names.map((name, index) => {
      const content = greyPng(Array.from({ length: 2 + index }, () => [0, 255]))
      writeFileSync(join(folder, name), content)
      return [name, content.length]
    }),
  )
}

function aTable(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

function idIn(stderr: string): string {
  return /^run set (?<id>\S+)$/mu.exec(stderr)?.groups?.id ?? ''
}

describe('run-set', () => {
  it('runs a task on the files of a CSV, and downloads the outputs as a table and as folders', async () => {
    const sizes = putImages('one.png', 'two.png')
    const csv = 'mode,image\ngood,@one.png\nfail,@one.png\ngood,@two.png\nfail,@two.png\n'

    const made = await ask('run-set', 'create', NAME, aTable('rows.csv', csv), '-i', 'notes=abc', '--wait')

    const id = idIn(made.stderr)
    expect(made.stderr).toMatch(/send 2 files/u)
    expect(made.stdout).toMatch(/FINISHED .*\n4 rows: 2 finished, 2 failed/u)
    expect(made.stdout).toMatch(/^2 +task-failed: the task ended with exit code 3 .*row \d, run/mu)
    expect(made.code).toBe(1)

    const results = join(folder, 'results.csv')
    expectDone(await ask('run-set', 'table', id, '-o', results))
    const lines = readFileSync(results, 'utf8').trimEnd().split('\r\n')
    expect(lines.map((line) => line.split(',').slice(-2).join())).toEqual([
      'output.length,output.notes',
      `${sizes['one.png']},3`,
      ',',
      `${sizes['two.png']},3`,
      ',',
    ])

    const outputs = join(folder, 'outputs')
    expectDone(await ask('run-set', 'archive', id, '-o', outputs))
    expect(readdirSync(outputs).sort()).toEqual(['1', '3'])
    expect(readFileSync(join(outputs, '3/length'), 'utf8')).toBe(String(sizes['two.png']))

    const retried = await ask('run-set', 'retry', id, '--wait')
    expect(retried.stdout).toMatch(/round 2\n4 rows: 2 finished, 2 failed/u)
    expectDone(await ask('run-set', 'delete', id, '--yes'))
    expect((await ask('run-set', 'status', id)).stderr).toMatch(/no run set/u)
  })

  it('sends a shared file only once, and a large table as an upload', async () => {
    const { 'shared.png': size } = putImages('shared.png')
    const rows = [1, 2, 3].map((count) => ({ mode: 'good', notes: 'x'.repeat(count * 1_100_000) }))
    const table = aTable('rows.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'))

    const made = await ask(
      ...['run-set', 'create', NAME, table, '--wait', '--max-concurrency', '2'],
      ...['-i', `image=@${join(folder, 'shared.png')}`],
    )

    expect(made.code).toBe(0)
    expect(made.stderr).toMatch(/send 1 file,/u)
    const { stdout } = await ask('run-set', 'table', idIn(made.stderr))
    const lines = stdout.trimEnd().split('\r\n').slice(1)
    expect(lines.map((line) => line.split(',').slice(-2).join())).toEqual([
      `${size},1100000`,
      `${size},2200000`,
      `${size},3300000`,
    ])
  })

  it('sends nothing if a table has problems', async () => {
    const table = aTable('wrong.csv', 'mode,image,notes\ngood,@wrong.csv,x\nbad,@missing.png,y\n')

    const { code, stdout } = await ask('run-set', 'create', NAME, table)

    expect(stdout).toMatch(/^The table has 3 problems/u)
    expect(stdout).toMatch(/^row 1, column image: /mu)
    expect(stdout).toMatch(/^row 2, column mode: .*"bad"/mu)
    expect(stdout).toMatch(/^row 2, column image: there is no file .*missing\.png$/mu)
    expect(code).toBe(1)
  })
})
