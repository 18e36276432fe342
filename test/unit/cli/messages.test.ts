import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { createLogWriter } from '../../../cli/local-run/log-writer.ts'
import { runProgram } from '../../../cli/program.ts'
import { findBuilder } from '../../../cli/task/image-builder.ts'
import { shellWord } from '../../../cli/terminal/shell-word.ts'
import { createTerminal } from '../../../cli/terminal/terminal.ts'
import { wordsOf } from '../../../cli/terminal/words-of.ts'
import { runCommand } from '../../fixtures/cli-program.ts'

const BUNDLE = 'examples/add-and-echo/add-and-echo.zip'

const folder = mkdtempSync(join(tmpdir(), 'messages-'))
afterAll(() => rmSync(folder, { recursive: true }))

function aFile(name: string, text = ''): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

describe('the message', () => {
  it('for a path through a file names the path and the reason', async () => {
    const path = join(aFile('file'), 'my-task')

    const { code, stderr } = await runCommand(['init', path])

    expect(stderr).toBe(`${path} cannot be used: a part of the path is a file, not a folder\n`)
    expect(code).toBe(1)
  })

  it.each([
    ['EACCES', { path: 'a' }, /^a cannot be used: permission denied$/u],
    ['EEXIST', { path: 'a' }, /^a already exists$/u],
    ['EXDEV', { path: 'a', dest: 'b' }, /^EXDEV: words$/u],
    ['ENOENT', { path: 'a', dest: 'b' }, /^ENOENT: words$/u],
    ['ENOENT', {}, /^ENOENT: words$/u],
    ['ENOSPC', {}, /^a file cannot be written: no space is left on the disk$/u],
  ])('for %s is a sentence', (code, places, words) => {
    expect(wordsOf(Object.assign(new Error(`${code}: words`), { code, ...places }))).toMatch(words)
  })

  it.each([
    [
      'a folder for a value',
      ['run', BUNDLE, '-i', `text=@${folder}`],
      / is a folder; the input "text" takes a file/u,
    ],
    [
      'no file after the sign',
      ['run', BUNDLE, '-i', 'text=@'],
      /^the input "text" has no file name after the @/u,
    ],
    [
      'settings that are no object',
      ['validate', BUNDLE, '--stage', aFile('list.json', '5')],
      /list\.json is not a valid settings file: Invalid input.*; expected an object of settings\n$/u,
    ],
    [
      'an unknown setting',
      ['validate', BUNDLE, '--stage', aFile('typo.json', '{"queue": {}}')],
      /typo\.json is not a valid settings file: "queue" is not a setting of a stage; expected .*queues/u,
    ],
    [
      'help about an unknown command',
      ['help', 'frob'],
      /^unknown command 'frob'; "cytomine-task --help" lists/u,
    ],
    [
      'help about an unknown command of a group',
      ['run-set', 'help', 'frob'],
      /^unknown command 'frob'; "cytomine-task run-set --help" lists/u,
    ],
    [
      'an option without a value before another option',
      ['run', BUNDLE, '-o', '--no-build'],
      /^"-o, --output <folder>" has no value: --no-build after it is another option; add the value$/mu,
    ],
    ['an option without a value before help', ['run', BUNDLE, '--remote', '-h'], /: -h after it is another/u],
    [
      'a repeatable option without a value',
      ['run', BUNDLE, '-i', 'a=1', '-i', '-o'],
      /^"-i, --input <name=value>" has no value: -o after it/u,
    ],
    ['an empty namespace', ['init', 'my-task', '--namespace', ''], /^"" is not a valid namespace/u],
    [
      'a namespace that begins with a dot',
      ['init', 'my-task', '--namespace', '.a'],
      /^"\.a" is not a valid/u,
    ],
    [
      'a URL with a password',
      ['tasks', '--url', 'http://ada:secret@127.0.0.1:9/'],
      /^"http:\/\/…@127\.0\.0\.1:9\/" contains a user name or a password/u,
    ],
    [
      'an invalid URL with a password',
      ['tasks', '--url', 'ftp://ada:secret@127.0.0.1:9/'],
      /^"ftp:\/\/…@127\.0\.0\.1:9\/" is not the base URL/u,
    ],
  ])('is one line for %s', async (_, words, message) => {
    const { code, stdout, stderr } = await runCommand(words)

    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('secret')
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it('for an option without a value before --json is in JSON', async () => {
    const { code, stdout } = await runCommand(['run', BUNDLE, '-o', '--json'])

    expect(JSON.parse(stdout)).toEqual({
      error: {
        message: "option '-o, --output <folder>' argument missing",
        exitCode: 2,
      },
    })
    expect(code).toBe(2)
  })

  it('for a large descriptor has its path and the limit', async () => {
    const task = join(folder, 'large')
    mkdirSync(task)
    writeFileSync(join(task, 'descriptor.yml'), ' '.repeat(2 * 1024 * 1024))

    const { stderr } = await runCommand(['validate', task])

    expect(stderr).toBe(
      `${join(task, 'descriptor.yml')} has 2097152 bytes; a descriptor has at most 64 KiB\n`,
    )
  })

  it('for a new task quotes a path with spaces in the next command', async () => {
    const parent = join(folder, 'my tasks')
    mkdirSync(parent)

    const { stdout } = await runCommand(['init', join(parent, 'my-task')])

    expect(stdout).toContain(`  cd '${join(parent, 'my-task')}'\n`)
  })
})

describe('help about a command', () => {
  it.each([[['help', 'run']], [['run-set', 'help', 'list']], [['help']]])(
    'is printed by %j',
    async (words) => {
      const { code, stdout } = await runCommand(words)

      expect(stdout).toMatch(/^Usage: cytomine-task/u)
      expect(code).toBe(0)
    },
  )
})

describe('a word of a command', () => {
  it.each([
    ['my-task', 'my-task'],
    ['', "''"],
    ['my task', "'my task'"],
    ["ada's $HOME", String.raw`'ada'\''s $HOME'`],
  ])('%s is quoted for shells where necessary', (text, quoted) => {
    expect(shellWord(text)).toBe(quoted)
  })
})

describe('a note on stderr', () => {
  it.each([
    [true, false, '\u001b[2mRUNNING\u001b[22m\n'],
    [false, true, 'RUNNING\n'],
  ])('is coloured if stderr is a terminal (%s), whatever stdout is', (isErrTty, isOutTty, expected) => {
    let written = ''
    const stderr = { isTTY: isErrTty, write: (text: string) => (written += text) }
    const stdout = { isTTY: isOutTty, write: () => true }

    createTerminal({ stdout, stderr, env: {} }, false).note('RUNNING', 'dim')

    expect(written).toBe(expected)
  })
})

describe('the log of a container', () => {
  it('keeps characters whose bytes are in two chunks', () => {
    let written = ''
    const log = createLogWriter({ write: (text: string) => (written += text) })
    const bytes = Buffer.from('größe 3 µm')

    for (const byte of bytes) log.write(Buffer.from([byte]))
    log.write(Buffer.from([0xc3]))
    log.end()

    expect(written).toBe('größe 3 µm\ufffd')
  })
})

describe('docker', () => {
  it.each([
    [['Containerfile'], true],
    [['Containerfile', 'Dockerfile'], false],
    [['Dockerfile'], false],
  ])('builds a folder with %j', async (names, isNamed) => {
    const task = mkdtempSync(join(folder, 'task-'))
    for (const name of names) writeFileSync(join(task, name), 'FROM scratch\n')
    // Stands for docker, and records its arguments.
    const docker = join(task, 'docker')
    writeFileSync(docker, `#!/bin/sh\necho "$@" >> ${task}/calls\n`)
    chmodSync(docker, 0o755)
    vi.stubEnv('PATH', task)
    try {
      await (await findBuilder('docker')).build(task, 'a:1')
    } finally {
      vi.unstubAllEnvs()
    }

    const call = readFileSync(join(task, 'calls'), 'utf8').trim().split('\n').at(-1)
    expect(call).toBe(
      `build ${isNamed ? `--file ${join(task, 'Containerfile')} ` : ''}--platform linux/amd64 --tag a:1 ${task}`,
    )
  })
})

describe('an engine that does not work', () => {
  it('is reported by the option that names it', async () => {
    vi.stubEnv('PATH', folder)
    let stderr = ''
    const write = (text: string): void => {
      stderr += text
    }
    try {
      const words = ['run', BUNDLE, '-i', 'a=1', '-i', 'b=2', '-i', 'text=x', '--engine', 'docker']
      await runProgram(words, { stdout: { write }, stderr: { write }, env: {} })
    } finally {
      vi.unstubAllEnvs()
    }

    expect(stderr).toMatch(/^--engine is docker, which does not work here/mu)
  })
})
