import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { collect } from '../../../cli/local-run/collect.ts'
import { explainEnd } from '../../../cli/local-run/container-end.ts'
import { createLocalRun, provision, stage } from '../../../cli/local-run/local-run.ts'
import type { TaskDescriptor, TaskOutput } from '../../../src/task/task.ts'
import { anOutput, aTask } from '../../fixtures/builders.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { anElf, aTaskFolder, type TaskFolderOptions } from '../../fixtures/task-folder.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const withInput = (type: unknown, more: object = {}) => ({
  descriptor: { inputs: { a: { type, description: '', ...more } } },
})
const file = (name: string, body: string | Buffer, mode = 0o755) => ({ name, body, mode })

/** Findings of `validate` before anything is sent or run: the place, and the remedy. */
const FOUND: readonly (readonly [mistake: string, options: TaskFolderOptions, message: RegExp])[] = [
  [
    'an archive under another name',
    { imageName: 'picture.bin' },
    /looked for com\.example\.count-1\.0\.0\.tar, image\.tar.*name the right file in configuration\.image\.file/u,
  ],
  [
    'an image for arm64',
    { architecture: 'arm64' },
    /holds an image for linux\/arm64.*--platform linux\/amd64/u,
  ],
  ['an image without command', { config: {} }, /neither entrypoint nor command.*set ENTRYPOINT or CMD/u],
  [
    'an entrypoint that is not in the image',
    { config: { Entrypoint: ['/app/run'] } },
    /its command "\/app\/run" is not in the image; check ENTRYPOINT and CMD/u,
  ],
  [
    'a command that is not in PATH',
    { config: { Entrypoint: ['python'] } },
    /its command "python" is not in the folders of PATH/u,
  ],
  [
    'a program without execute permission',
    { files: [file('main', anElf(), 0o644)] },
    /"\/main" is \/main, which has no execute permission \(mode 644\); add "RUN chmod \+x/u,
  ],
  [
    'a program for arm64',
    { files: [file('main', anElf(183))] },
    /a program for arm64.*--platform linux\/amd64/u,
  ],
  [
    'a script with Windows line ends',
    { files: [file('main', '#!/bin/sh\r\necho 1\r\n'), file('bin/sh', anElf())] },
    /a script with Windows line ends.*dos2unix/u,
  ],
  [
    'a script whose interpreter is missing',
    { files: [file('main', '#!/usr/bin/env python3\n'), file('usr/bin/env', anElf())] },
    /the interpreter of \/main, "python3" is not in the folders of PATH/u,
  ],
  [
    'a script without first line',
    { files: [file('main', 'echo 1\n')] },
    /no script with a first line such as #!\/bin\/sh/u,
  ],
  [
    'an argument that is no file of the image',
    { config: { Entrypoint: ['/main', '/app/run.py'] } },
    /gets the word "\/app\/run\.py", and the image has no such file/u,
  ],
  [
    'a user that the image does not know',
    { config: { Entrypoint: ['/main'], User: 'worker' } },
    /its user "worker" does not exist.*USER with a number/u,
  ],
  [
    'a link where the inputs are mounted',
    { files: [file('main', anElf()), { name: 'inputs', type: 'symlink', linkname: '/etc' }] },
    /a link at "\/inputs".*make it a folder/u,
  ],
  [
    'a misspelt key of a bound',
    withInput({ id: 'integer', gte: 1 }),
    /inputs\.a\.type\.gte is not known here and has no effect: did you mean geq\? \(line \d+, column \d+\)/u,
  ],
  [
    'a misspelt key of a parameter',
    withInput('integer', { optionnal: true }),
    /inputs\.a\.optionnal .*did you mean optional\? \(line/u,
  ],
  [
    'memory where ram is meant',
    { descriptor: { configuration: { resources: { memory: '4Gi' } } } },
    /configuration\.resources\.memory .*did you mean ram\?/u,
  ],
  [
    'bounds that no value meets',
    withInput({ id: 'integer', geq: 10, leq: 5 }),
    /inputs\.a\.type\.leq never holds: no integer has geq 10 and leq 5; change one/u,
  ],
  [
    'open bounds without a number between them',
    withInput({ id: 'integer', gt: 1, lt: 2 }),
    /never holds: no integer has gt 1 and lt 2/u,
  ],
  [
    'lengths that no text has',
    withInput({ id: 'string', min_length: 9, max_length: 3 }),
    /max_length never holds/u,
  ],
  [
    'sizes that no array has',
    withInput({ id: 'array', subtype: 'integer', min_size: 4, max_size: 2 }),
    /max_size never holds/u,
  ],
  [
    'times that never are',
    withInput({ id: 'datetime', after: '2030-01-01T00:00:00Z', before: '2020-01-01T00:00:00Z' }),
    /before never holds/u,
  ],
  [
    "a required input that Cytomine's page cannot enter",
    withInput('datetime'),
    /inputs\.a\.type is datetime, for which Cytomine's web page has no field.*make it optional/u,
  ],
  [
    "an output that Cytomine's page does not show",
    { descriptor: { outputs: { model: { type: 'file', description: '' } } } },
    /outputs\.model\.type is file, which Cytomine's web page does not show/u,
  ],
  [
    'a default of another type',
    withInput('integer', { default: 'many' }),
    /inputs\.a\.default must be an integer, not "many" \(line \d+, column \d+\)/u,
  ],
  ['an unknown type', withInput('float'), /inputs\.a\.type must be a type: one of boolean, integer/u],
  [
    'a version of two numbers',
    { descriptor: { version: '1.0' } },
    /version must be a semantic version such as 1\.0\.0.*, not "1\.0"/u,
  ],
  ['a descriptor that is no YAML', { text: 'name: [1\n' }, /\(line 2, column 1\)/u],
  ['a missing author', { descriptor: { authors: [] } }, /authors must name one author or more/u],
]

describe('validate', () => {
  it.each(FOUND)('finds %s', async (_, options, message) => {
    const folder = await aTaskFolder(options)
    folders.push(folder)

    const { stdout, stderr } = await runCommand(['validate', folder])

    expect(stdout + stderr).toMatch(message)
  })

  it('finds nothing in a correct task', async () => {
    const folder = await aTaskFolder()
    folders.push(folder)

    const { stdout, code } = await runCommand(['validate', folder])

    expect(stdout).toBe('no problems in com.example.count 1.0.0\n')
    expect(code).toBe(0)
  })

  it('reports problems of descriptor and image in one call', async () => {
    const folder = await aTaskFolder({
      descriptor: { version: '1', name: 'x' },
      config: { Entrypoint: ['/no'] },
    })
    folders.push(folder)

    const { stdout, code } = await runCommand(['validate', folder, '--json'])

    const { findings } = JSON.parse(stdout) as { findings: { part: string; line?: number }[] }
    expect(findings.map(({ part }) => part)).toEqual(['descriptor', 'descriptor', 'image'])
    expect(findings.slice(0, 2).every(({ line }) => line !== undefined)).toBe(true)
    expect(code).toBe(1)
  })

  it('accepts warnings, unless it is strict', async () => {
    const folder = await aTaskFolder(withInput('integer', { optionnal: true }))
    folders.push(folder)

    const [lenient, strict] = [
      await runCommand(['validate', folder]),
      await runCommand(['validate', folder, '--strict']),
    ]

    expect([lenient.code, strict.code]).toEqual([0, 1])
  })

  it('reports that no queue of a stage can run the task', async () => {
    const folder = await aTaskFolder({ descriptor: { configuration: { resources: { gpus: 1 } } } })
    folders.push(folder)
    const stage = join(folder, 'stage.json')
    writeFileSync(stage, JSON.stringify({ name: 'lab' }))

    const { stdout } = await runCommand(['validate', folder, '--stage', stage])

    expect(stdout).toMatch(/no queue of the stage can hold the task.*this installation has no GPU queue/u)
  })
})

async function aRunWith(outputs: readonly TaskOutput[]) {
  const { id: _, ...task } = aTask({ inputs: [], outputs })
  const run = await createLocalRun(task as TaskDescriptor, tmpdir())
  folders.push(run.folder)
  await provision(run, [])
  return { run, folder: (await stage(run)).outputs }
}

/** Messages of a run on this machine about the task's outputs. */
const LEFT: readonly (readonly [string, TaskOutput, (folder: string) => void, RegExp])[] = [
  [
    'a missing output, and what was written instead',
    anOutput(),
    (folder) => writeFileSync(join(folder, 'sum.txt'), '1'),
    /"sum": the task has not written it; expected "sum" in the output folder, without extension; found instead: "sum\.txt"/u,
  ],
  [
    'a value of the wrong type',
    anOutput(),
    (folder) => writeFileSync(join(folder, 'sum'), 'many'),
    /"sum": "many".*expected/u,
  ],
  [
    'a value out of bounds',
    anOutput({ type: { id: 'integer', leq: 3 } }),
    (folder) => writeFileSync(join(folder, 'sum'), '4'),
    /"sum": 4 is out of bounds; expected at most 3 \(leq\)/u,
  ],
  [
    'a missing item of an array',
    anOutput({ type: { id: 'array', allowMissing: false, subType: { id: 'integer' } } }),
    (folder) => {
      mkdirSync(join(folder, 'sum'))
      writeFileSync(join(folder, 'sum/array.yml'), 'size: 2')
      writeFileSync(join(folder, 'sum/0'), '1')
    },
    /array\.yml gives size 2, but the folder has 1 item; missing: 1/u,
  ],
  [
    'a folder where a file is due',
    anOutput(),
    (folder) => mkdirSync(join(folder, 'sum')),
    /"sum": it is a folder/u,
  ],
]

describe('a run on this machine', () => {
  it.each(LEFT)('names %s', async (_, output, leave, message) => {
    const { run, folder } = await aRunWith([output])
    leave(folder)

    const { run: ended } = await collect(run, folder)

    expect(ended.state).toBe('FAILED')
    expect(ended.failure?.message).toMatch(message)
  })

  it('lists valid outputs', async () => {
    const { run, folder } = await aRunWith([anOutput()])
    writeFileSync(join(folder, 'sum'), ' 0x10\n')

    const { run: ended, outputs } = await collect(run, folder)

    expect(ended.state).toBe('FINISHED')
    expect(outputs).toMatchObject([{ parameterName: 'sum', type: 'INTEGER', value: 16 }])
  })

  it.each([
    [
      'exit code 1 with the end of the log',
      { exitCode: 1 },
      'Traceback\nValueError: no cells\n',
      /exit code 1[\s\S]*ValueError: no cells/u,
    ],
    [
      'the memory that was not enough',
      { exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' },
      '',
      /more than its 512 MiB of memory.*raise configuration\.resources\.ram/u,
    ],
    [
      'a command that is no program',
      { exitCode: 1 },
      'exec /main: exec format error\n',
      /neither a program for linux\/amd64 nor a script/u,
    ],
  ])('names %s', async (_, end, logTail, message) => {
    const failure = await explainEnd({ end, memoryMib: 512, logTail })

    expect(failure?.message).toMatch(message)
  })
})
