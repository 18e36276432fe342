import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { collect } from '../../../cli/local-run/collect.ts'
import { explainEnd } from '../../../cli/local-run/container-end.ts'
import { createLocalRun, provision, stage } from '../../../cli/local-run/local-run.ts'
import { runFailure } from '../../../cli/run/run-failure.ts'
import { createTerminal } from '../../../cli/terminal/terminal.ts'
import type { Finding } from '../../../cli/validate/finding.ts'
import type { TaskDescriptor, TaskOutput } from '../../../src/task/task.ts'
import { anOutput, aTask } from '../../fixtures/builders.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { anElf, anElfWithLoader, aTaskFolder, type TaskFolderOptions } from '../../fixtures/task-folder.ts'

const folders: string[] = []
afterEach(() => {
  vi.unstubAllEnvs()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const withInput = (type: unknown, more: object = {}) => ({
  descriptor: { inputs: { a: { type, description: '', ...more } } },
})
const withOutput = (type: unknown) => ({ descriptor: { outputs: { b: { type, description: '' } } } })
const LOADER = '/lib64/ld-linux-x86-64.so.2'
const file = (name: string, body: string | Buffer, mode = 0o755) => ({ name, body, mode })

/** A mistake and its finding. `others` is the number of further findings, which is 0 if it is missing. */
type Mistake = readonly [
  mistake: string,
  severity: 'problem' | 'warning',
  options: TaskFolderOptions,
  message: RegExp,
  others?: number,
]

/** Messages of `validate`: each names the place and the remedy. */
const FOUND: readonly Mistake[] = [
  [
    'an archive under another name',
    'problem',
    { imageName: 'picture.bin' },
    /looked for com\.example\.count-1\.0\.0\.tar, image\.tar.*name the right file in configuration\.image\.file/u,
  ],
  [
    'an image for arm64',
    'problem',
    { architecture: 'arm64' },
    /contains an image for linux\/arm64.*--platform linux\/amd64/u,
  ],
  [
    'an image without command',
    'problem',
    { config: {} },
    /neither entrypoint nor command.*set ENTRYPOINT or CMD/u,
  ],
  [
    'an entrypoint that is not in the image',
    'problem',
    { config: { Entrypoint: ['/app/run'] } },
    /its command "\/app\/run" is not in the image; check ENTRYPOINT and CMD/u,
  ],
  [
    'a command that is not in PATH',
    'problem',
    { config: { Entrypoint: ['python'] } },
    /its command "python" is not in the folders of PATH \(.*\); check ENTRYPOINT and CMD, and what COPY and RUN put there/u,
  ],
  [
    'a program without execute permission',
    'problem',
    { files: [file('main', anElf(), 0o644)] },
    /"\/main" is \/main, which has no execute permission \(mode 644\); add "RUN chmod \+x/u,
  ],
  [
    'a program for arm64',
    'problem',
    { files: [file('main', anElf(183))] },
    /a program for arm64.*--platform linux\/amd64/u,
  ],
  [
    'a script with Windows line ends',
    'problem',
    { files: [file('main', '#!/bin/sh\r\necho 1\r\n'), file('bin/sh', anElf())] },
    /a script with Windows line ends.*dos2unix/u,
  ],
  [
    'a script whose interpreter is missing',
    'problem',
    { files: [file('main', '#!/usr/bin/env python3\n'), file('usr/bin/env', anElf())] },
    /the interpreter of \/main, "python3" is not in the folders of PATH \(.*\); check .* what COPY and RUN put there/u,
  ],
  [
    'a script without first line',
    'problem',
    { files: [file('main', 'echo 1\n')] },
    /neither a program nor a script with a first line such as #!\/bin\/sh; add the line, or name the interpreter/u,
  ],
  [
    'an argument that is not a file in the image',
    'warning',
    { config: { Entrypoint: ['/main', '/app/run.py'] } },
    /has the argument "\/app\/run\.py", but the image has no such file; check what COPY puts there/u,
  ],
  [
    'a program where the inputs are mounted',
    'problem',
    { config: { Entrypoint: ['/inputs/main'] }, files: [file('inputs/main', anElf())] },
    /is \/inputs\/main, which a run does not have: its files are mounted at \/inputs; COPY the program to another/u,
  ],
  [
    'a command of a shell that is not in PATH',
    'warning',
    { config: { Cmd: ['/bin/sh', '-c', 'python /app/main.py'] }, files: [file('bin/sh', anElf())] },
    /the command of \/bin\/sh, "python" is not in the folders of PATH .*; check ENTRYPOINT and CMD/u,
    1,
  ],
  [
    'a script that a command of a shell does not find',
    'warning',
    {
      config: { Cmd: ['/bin/sh', '-c', 'exec python /app/main.py > /log'] },
      files: [file('bin/sh', anElf()), file('bin/python', anElf())],
    },
    /"python" has the argument "\/app\/main\.py", but the image has no such file; check what COPY puts there/u,
  ],
  [
    'a script in a shell without execute permission',
    'problem',
    {
      config: { Cmd: ['sh', '-c', '/app/run.sh'] },
      files: [file('bin/sh', anElf()), file('app/run.sh', '#!/bin/sh\n', 0o644)],
    },
    /"\/app\/run\.sh" is \/app\/run\.sh, which has no execute permission .*; add "RUN chmod \+x/u,
  ],
  [
    'a script with Windows line ends that a shell reads',
    'warning',
    {
      config: { Entrypoint: ['sh', 'run.sh'], WorkingDir: '/app' },
      files: [file('bin/sh', anElf()), file('app/run.sh', 'echo 1\r\n', 0o644)],
    },
    /"sh" reads \/app\/run\.sh, a script with Windows line ends.*dos2unix/u,
  ],
  [
    'a script that is not in the working directory',
    'warning',
    {
      config: { Entrypoint: ['python', 'main.py'], WorkingDir: '/app' },
      files: [file('bin/python', anElf()), file('main.py', '')],
    },
    /the argument "main\.py", but the image has no \/app\/main\.py; check WORKDIR/u,
  ],
  [
    'a user that /etc/passwd does not name',
    'problem',
    {
      config: { Entrypoint: ['/main'], User: 'worker:lab' },
      files: [
        file('main', anElf()),
        file('etc/passwd', 'root:x:0:0::/:/bin/sh\n'),
        file('etc/group', 'lab:x:7:\n'),
      ],
    },
    /its user "worker" does not exist, as \/etc\/passwd has no such user; write USER with a number/u,
  ],
  [
    'a program that its user cannot execute',
    'problem',
    { config: { Entrypoint: ['/main'], User: '65534' }, files: [file('main', anElf(), 0o700)] },
    /\/main, which the image's user \(uid 65534\) cannot execute: \/main has mode 700 and belongs to uid 0; add "RUN chmod a\+rx"/u,
  ],
  [
    'a program of a user whose id is in an extended header',
    'problem',
    {
      config: { Entrypoint: ['/main'], User: '65534' },
      files: [{ ...file('main', anElf(), 0o700), pax: { uid: '3000000' } }],
    },
    /\/main has mode 700 and belongs to uid 3000000; add "RUN chmod a\+rx"/u,
  ],
  [
    'a program in a folder that its user cannot enter',
    'problem',
    {
      config: { Entrypoint: ['/private/main'], User: 'worker' },
      files: [
        { name: 'private', type: 'directory', mode: 0o700 },
        file('private/main', anElf()),
        file('etc/passwd', 'worker:x:1000:1000::/:/bin/sh\n'),
      ],
    },
    /\(uid 1000\) cannot execute: \/private has mode 700 .*; add "RUN chmod a\+rx"/u,
  ],
  [
    'a user whose number is too large',
    'problem',
    { config: { Entrypoint: ['/main'], User: '4294967296:1' } },
    /its user "4294967296" is larger than container engines accept; write USER with a number up to 2147483647/u,
  ],
  [
    'a user that the image does not have',
    'problem',
    { config: { Entrypoint: ['/main'], User: 'worker' } },
    /its user "worker" does not exist.*USER with a number/u,
  ],
  [
    'a link where the inputs are mounted',
    'problem',
    { files: [file('main', anElf()), { name: 'inputs', type: 'symlink', linkname: '/etc' }] },
    /a link at "\/inputs".*make it a folder/u,
  ],
  [
    'a misspelt key of a bound',
    'warning',
    withInput({ id: 'integer', gte: 1 }),
    /inputs\.a\.type\.gte is not known here and has no effect: did you mean geq\? \(line \d+, column \d+\)/u,
  ],
  [
    'a misspelt key of a parameter',
    'warning',
    withInput('integer', { optionnal: true }),
    /inputs\.a\.optionnal .*did you mean optional\? \(line/u,
  ],
  [
    'memory in place of ram',
    'warning',
    { descriptor: { configuration: { resources: { memory: '4Gi' } } } },
    /configuration\.resources\.memory .*did you mean ram\?/u,
  ],
  [
    'an amount of memory without a unit',
    'warning',
    { descriptor: { configuration: { resources: { ram: '512' } } } },
    /configuration\.resources\.ram is 512 bytes, but no container starts with less than 6 MiB; .* "512Mi" would be MiB \(line/u,
  ],
  [
    'no memory',
    'warning',
    { descriptor: { configuration: { resources: { ram: '0' } } } },
    /ram is 0 bytes, but no container starts with less than 6 MiB; write an amount with a unit, such as "512Mi"/u,
  ],
  [
    'a number as an amount of memory',
    'problem',
    { descriptor: { configuration: { resources: { ram: 512 } } } },
    /ram must be a memory amount with a unit, such as "4Gi" or "100 MiB", not the number 512/u,
  ],
  [
    'an amount of memory in bits',
    'warning',
    { descriptor: { configuration: { resources: { ram: '512Mib' } } } },
    /ram is in bits: "512Mib" is 67108864 bytes; bytes would be "512MiB"/u,
  ],
  [
    'a size of files in bits',
    'warning',
    withInput({ id: 'image', max_file_size: '4 Gbit' }),
    /inputs\.a\.type\.max_file_size is in bits: "4 Gbit" is 500000000 bytes; bytes would be "4GB"/u,
  ],
  [
    'a length less than 0',
    'warning',
    withInput({ id: 'string', min_length: -1 }),
    /inputs\.a\.type\.min_length is -1 and has no effect: .*; remove it/u,
  ],
  [
    'a size less than 0',
    'warning',
    withInput({ id: 'array', subtype: 'integer', min_size: -5 }),
    /inputs\.a\.type\.min_size is -5 and has no effect: .*; remove it/u,
  ],
  [
    'a bound that cannot be represented',
    'warning',
    withInput({ id: 'integer', leq: 2 ** 60 }),
    /inputs\.a\.type\.leq is beyond 2\^53.*; write a smaller one/u,
  ],
  [
    'arrays that must match and have no size in common',
    'warning',
    {
      descriptor: {
        inputs: { a: { type: { id: 'array', subtype: 'integer', min_size: 5 }, description: '' } },
        outputs: {
          b: {
            type: { id: 'array', subtype: 'integer', max_size: 2 },
            description: '',
            dependencies: { matching: ['inputs/a'] },
          },
        },
      },
    },
    /inputs\.a\.type\.min_size cannot be satisfied: outputs\/b matches this array and has max_size 2, .*; change one/u,
  ],
  [
    "an open bound that Cytomine's page narrows",
    'warning',
    withInput({ id: 'number', gt: 0 }),
    /inputs\.a\.type\.gt has gt 0, for which .* accepts only values from 1: use geq/u,
  ],
  [
    'bounds that no value can satisfy',
    'warning',
    withInput({ id: 'integer', geq: 10, leq: 5 }),
    /inputs\.a\.type\.leq cannot be satisfied: no integer has geq 10 and leq 5; change one/u,
  ],
  [
    'open bounds without a number between them',
    'warning',
    withInput({ id: 'integer', gt: 1, lt: 2 }),
    /cannot be satisfied: no integer has gt 1 and lt 2; change one of them/u,
  ],
  [
    'lengths that no text can have',
    'warning',
    withInput({ id: 'string', min_length: 9, max_length: 3 }),
    /max_length cannot be satisfied: min_length is 9, so no text has max_length 3; change one of them/u,
  ],
  [
    'sizes that no array can have',
    'warning',
    withInput({ id: 'array', subtype: 'integer', min_size: 4, max_size: 2 }),
    /max_size cannot be satisfied: min_size is 4, so no array has max_size 2; change one of them/u,
  ],
  [
    'a time range without a time',
    'warning',
    withInput({ id: 'datetime', after: '2030-01-01T00:00:00Z', before: '2020-01-01T00:00:00Z' }),
    /before cannot be satisfied: "after" 2030-\S+ is later than "before" 2020-\S+; change one of them/u,
    1,
  ],
  [
    "a required input that Cytomine's page cannot enter",
    'warning',
    withInput('datetime'),
    /inputs\.a\.type is datetime, for which Cytomine's own page has no field.*make it optional/u,
  ],
  [
    "an output that Cytomine's page does not show",
    'warning',
    { descriptor: { outputs: { model: { type: 'file', description: '' } } } },
    /outputs\.model\.type is file, which Cytomine's own page does not show: it is in downloads only; add an output of another type/u,
  ],
  [
    'a default of another type',
    'problem',
    withInput('integer', { default: 'many' }),
    /inputs\.a\.default must be an integer, not "many" \(line \d+, column \d+\)/u,
  ],
  [
    'an unknown type',
    'problem',
    withInput('float'),
    /inputs\.a\.type must be a type: one of boolean, integer, .* did you mean number\? \(line \d+/u,
  ],
  [
    'a misspelt key beside an unknown type',
    'warning',
    withInput('int', { optionnal: true }),
    /inputs\.a\.optionnal .*did you mean optional\?/u,
    1,
  ],
  [
    'a bound that never holds in a descriptor with another problem',
    'warning',
    { descriptor: { ...withInput({ id: 'integer', geq: 9, leq: 5 }).descriptor, version: '1' } },
    /inputs\.a\.type\.leq cannot be satisfied: .*; change one of them \(line/u,
    1,
  ],
  [
    'equal folders in a descriptor with another problem',
    'problem',
    { descriptor: { version: '1', configuration: { input_folder: '/x', output_folder: '/x' } } },
    /configuration\.output_folder must be separate from the input folder: .*; name another folder \(line/u,
    1,
  ],
  [
    'a key that means the opposite',
    'warning',
    withInput('integer', { required: true }),
    /inputs\.a\.required .*: write its opposite, optional: true or optional: false/u,
  ],
  [
    "a file that Cytomine's page cannot enter",
    'warning',
    withInput('file'),
    /inputs\.a\.type is file, .*; make it optional \(line/u,
  ],
  [
    "an array that Cytomine's page cannot enter",
    'warning',
    withInput({ id: 'array', subtype: 'datetime' }),
    /inputs\.a\.type is an array of datetime, .*; make it optional \(line/u,
  ],
  [
    'a version of two numbers',
    'problem',
    { descriptor: { version: '1.0' } },
    /version must be a semantic version such as 1\.0\.0.*, not "1\.0"/u,
  ],
  [
    'a descriptor that is not YAML',
    'problem',
    { text: 'name: [1\n' },
    /must .*end with a \] \(line 2, column 1\)/u,
  ],
  [
    'a text with a colon without quotes',
    'problem',
    { text: 'name: a\ndescription: Counts: cells\n' },
    /put a text with ": " in quotes.*\(line 2, column 14\)/u,
  ],
  [
    'a tab as indentation',
    'problem',
    { text: 'configuration:\n\tresources: {}\n' },
    /Tabs are not allowed.*: use spaces \(line 2/u,
  ],
  [
    'a text that begins with a reserved character',
    'problem',
    { text: 'name: @cells\n' },
    /character @: put the text in quotes \(line 1, column 7\)/u,
  ],
  [
    'a line without a colon',
    'problem',
    { text: 'name: a\nversion 1.0.0\ninputs: {}\n' },
    /write each key as "key: value" in one line \(line 2/u,
  ],
  [
    'a program whose loader is missing',
    'problem',
    { files: [file('main', anElfWithLoader(LOADER))] },
    /"\/main" is \/main, which needs \/lib64\/ld-linux-x86-64\.so\.2, and the image has none; link the program statically, or start FROM an image with that C library/u,
  ],
  [
    'a maximum size that no image has',
    'warning',
    withInput({ id: 'image', max_file_size: '0 B' }),
    /inputs\.a\.type\.max_file_size cannot be satisfied: the least size of a file is 1, so no image has max_file_size 0; change one/u,
  ],
  [
    'a maximum size that no file has',
    'warning',
    withInput({ id: 'file', max_file_size: '0 B' }),
    /inputs\.a\.type\.max_file_size cannot be satisfied: the least size of a file is 1, so no file has max_file_size 0; change one/u,
    1,
  ],
  [
    "an output image that Cytomine's page does not show",
    'warning',
    withOutput('image'),
    /outputs\.b\.type is image, which Cytomine's own page does not show: .*; add an output of another type/u,
  ],
  ...['file', 'image', { id: 'enumeration', values: ['x', 'y'] }].map((subtype): Mistake => {
    const leaf = typeof subtype === 'string' ? subtype : subtype.id
    return [
      `an output array of type ${leaf} that Cytomine's page does not keep`,
      'warning',
      withOutput({ id: 'array', subtype }),
      new RegExp(
        `outputs\\.b\\.type is an array of ${leaf}, which Cytomine's own page does not keep: .*; add an output of another type`,
        'u',
      ),
    ]
  }),
  [
    'a task without outputs',
    'warning',
    { descriptor: { outputs: {} } },
    /outputs is empty: a run produces nothing but its log; declare the files/u,
  ],
  [
    'a value twice',
    'warning',
    withInput({ id: 'enumeration', values: ['x', 'x'] }),
    /inputs\.a\.type\.values has the same value twice: remove one/u,
  ],
  [
    'a missing author',
    'problem',
    { descriptor: { authors: [] } },
    /authors must name one author or more, each with first_name, .* email \(line/u,
  ],
]

describe('validate', () => {
  it.each(FOUND.map((row) => [row[0], row[1], row] as const))('finds %s (%s)', async (_, severity, row) => {
    const [, , options, message, others = 0] = row
    const folder = await aTaskFolder(options)
    folders.push(folder)

    const { stdout, code } = await runCommand(['validate', folder, '--json'])

    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] }
    const found = findings.filter((finding) => message.test(finding.message))
    expect(found.map((finding) => finding.severity)).toEqual([severity])
    expect(findings).toHaveLength(1 + others)
    expect(code).toBe(findings.some((finding) => finding.severity === 'problem') ? 1 : 0)
  })

  it('finds nothing in a correct task', async () => {
    const folder = await aTaskFolder()
    folders.push(folder)

    const { stdout, code } = await runCommand(['validate', folder])

    expect(stdout).toBe('no problems in com.example.count 1.0.0\n')
    expect(code).toBe(0)
  })

  it.each<readonly [string, TaskFolderOptions]>([
    ['a program for 32-bit x86', { files: [file('main', anElf(3))] }],
    [
      'a script that a shell reads',
      {
        config: { Entrypoint: ['sh', '/run.sh'], User: 'worker:lab' },
        files: [
          file('bin/sh', anElf()),
          file('run.sh', 'echo 1\n', 0o644),
          file('etc/passwd', 'worker:x:1000:1000::/:/bin/sh\n'),
          file('etc/group', 'lab:x:7:\n'),
        ],
      },
    ],
    [
      'a command that is built into the shell',
      { config: { Cmd: ['/bin/sh', '-c', 'cd /app && ./run'] }, files: [file('bin/sh', anElf())] },
    ],
    ['a program with its loader', { files: [file('main', anElfWithLoader(LOADER)), file(LOADER, anElf())] }],
    [
      'a module and an input as arguments',
      {
        config: { Entrypoint: ['python', '-m', 'app', '/inputs/image.tif'] },
        files: [file('bin/python', anElf())],
      },
    ],
  ])('finds nothing in an image with %s', async (_, options) => {
    const folder = await aTaskFolder(options)
    folders.push(folder)

    const { stdout } = await runCommand(['validate', folder])

    expect(stdout).toBe('no problems in com.example.count 1.0.0\n')
  })

  it('reports problems of descriptor and image together', async () => {
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

  it('accepts warnings except with --strict', async () => {
    const folder = await aTaskFolder(withInput('integer', { optionnal: true }))
    folders.push(folder)

    const [lenient, strict] = [
      await runCommand(['validate', folder]),
      await runCommand(['validate', folder, '--strict']),
    ]

    expect([lenient.code, strict.code]).toEqual([0, 1])
  })

  it.each([
    ['a GPU', { gpus: 1 }, /requests 1 GPU\(s\), and this installation has no GPU queue/u],
    [
      'more memory than any machine has',
      { ram: '500 GiB' },
      /requests .*, 512000 MiB of memory .*; the largest machine .* has .* 248832 MiB of memory/u,
    ],
    [
      'more CPUs than any machine has',
      { cpus: 64 },
      /requests 64 CPU.*; the largest machine .* has 31\.5 CPU/u,
    ],
  ])('warns that no queue of a stage has %s', async (_, resources, reason) => {
    const folder = await aTaskFolder({ descriptor: { configuration: { resources } } })
    folders.push(folder)
    const stage = join(folder, 'stage.json')
    writeFileSync(stage, JSON.stringify({ name: 'lab' }))

    const { stdout, code } = await runCommand(['validate', folder, '--stage', stage])

    expect(stdout).toMatch(/^warning {2}resources: no queue of the stage can run the task, .*; change conf/u)
    expect(stdout).toMatch(reason)
    expect(code).toBe(0)
  })
})

describe('run', () => {
  it.each<readonly [string, TaskFolderOptions, RegExp]>([
    [
      'a link where the outputs are mounted',
      { files: [file('main', anElf()), { name: 'outputs', type: 'symlink', linkname: '/etc' }] },
      /^problem {2}image: the image has a link at "\/outputs".*make it a folder/mu,
    ],
    [
      'a link on the way to a folder of the descriptor',
      {
        descriptor: { configuration: { input_folder: '/data/in', output_folder: '/data/out' } },
        files: [file('main', anElf()), { name: 'data', type: 'symlink', linkname: '/etc' }],
      },
      /the image has a link at "\/data"/u,
    ],
    [
      'a hard link without target',
      { files: [file('main', anElf()), { name: 'h', type: 'link', linkname: 'no' }] },
      /has the hard link "h" to "\/no", which does not exist/u,
    ],
    [
      'a command that is not in the image',
      { config: { Entrypoint: ['/no'] } },
      /^problem {2}image: its command "\/no" is not in the image/mu,
    ],
  ])('refuses %s before it looks for an engine', async (_, options, message) => {
    const folder = await aTaskFolder(options)
    folders.push(folder)
    vi.stubEnv('PATH', folder)

    const words = ['run', folder, '-i', 'a=1', '-o', join(folder, 'out'), '--engine', 'docker']
    const { stderr, code } = await runCommand(words)

    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('--engine')
    expect(code).toBe(1)
  })
})

const TERMINAL = createTerminal({ stdout: { write: () => {} }, stderr: { write: () => {} }, env: {} }, false)

async function aRunWith(outputs: readonly TaskOutput[]) {
  const { id: _, ...task } = aTask({ inputs: [], outputs })
  const run = await createLocalRun(task as TaskDescriptor, tmpdir())
  folders.push(run.folder)
  await provision(run, [])
  return { run, folder: (await stage(run)).outputs }
}

/** Messages about the task's outputs after a run on this machine. */
const LEFT: readonly (readonly [string, TaskOutput, (folder: string) => void, RegExp])[] = [
  [
    'a missing output, and what was written instead',
    anOutput(),
    (folder) => writeFileSync(join(folder, 'sum.txt'), '1'),
    /"sum": the task has not written it; expected "sum" in the output folder, without extension; found instead: "sum\.txt"/u,
  ],
  [
    'an output under a wrong name',
    anOutput(),
    (folder) => writeFileSync(join(folder, 'total'), '1'),
    /"sum": the task has not written it; expected "sum" in the output folder, without extension; found instead: "total"$/u,
  ],
  [
    'a value of the wrong type',
    anOutput(),
    (folder) => writeFileSync(join(folder, 'sum'), 'many'),
    /"sum": "many" is not an integer; expected a whole number .* such as 5/u,
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
    /array\.yml gives size 2, but the folder has 1 item; missing: 1; expected the items 0 to 1/u,
  ],
  [
    'a folder in place of a file',
    anOutput(),
    (folder) => mkdirSync(join(folder, 'sum')),
    /"sum": it is a folder; expected a file with a value of type integer/u,
  ],
]

describe('a run on this machine', () => {
  it.each(LEFT)('reports %s', async (_, output, leave, message) => {
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
      /exit code 1[\s\S]*ValueError: no cells\nA run succeeds only with exit code 0: correct the program/u,
    ],
    [
      'the memory limit that was exceeded',
      { exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' },
      '',
      /more than its 512 MiB of memory.*raise configuration\.resources\.ram/u,
    ],
    [
      'a command that is not a program',
      { exitCode: 1 },
      'exec /main: exec format error\n',
      /neither a program for linux\/amd64 nor a script/u,
    ],
  ])('reports %s', async (_, end, logTail, message) => {
    const failure = await explainEnd({ end, memoryMib: 512, logTail })

    expect(failure && runFailure(TERMINAL, failure).message).toMatch(message)
  })
})
