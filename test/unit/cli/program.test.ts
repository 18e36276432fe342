import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runProgram } from '../../../cli/program.ts'
import { runCommand } from '../../fixtures/cli-program.ts'

const BUNDLE = 'examples/add-and-echo/add-and-echo.zip'
const NAME = 'com.example.count/1.0.0'
const NOBODY = 'http://127.0.0.1:9/app-engine/v1'
const RUN = '279c70e2-3dd8-49a3-b253-27956325c74f'

const folder = mkdtempSync(join(tmpdir(), 'program-'))
const WRONG_SETTINGS = join(folder, 'settings.json')
writeFileSync(WRONG_SETTINGS, '{"queues": 5}')
const DAMAGED = join(folder, 'damaged.zip')
writeFileSync(DAMAGED, 'not a zip')
afterAll(() => rmSync(folder, { recursive: true }))

describe('cytomine-task', () => {
  it.each([
    ['an unknown command', ['vaildate'], /unknown command 'vaildate'.*validate/su],
    ['an unknown option', ['validate', '--stagee', 'x'], /unknown option '--stagee'.*--stage/su],
    ['an option without value', ['validate', '--stage'], /--stage <file>.*argument missing/su],
    ['a missing argument', ['logs'], /missing required argument 'run'/u],
    ['an unknown command of a group', ['run-set', 'stop'], /unknown command 'stop'.*run-set --help/su],
    [
      'a number that is too large',
      ['run-set', 'create', 'a', 'b', '--max-concurrency', '5000'],
      /from 1 to 1000/u,
    ],
    ['a run that is not an id', ['logs', 'abc'], /"abc" is not the id of a run; "cytomine-task runs"/u],
    [
      'a task that is not a name',
      ['runs', 'abc'],
      /"abc" is not the name of a task; expected NAMESPACE\/VERSION/u,
    ],
    ['a folder that does not exist', ['validate', '/nowhere'], /no file or folder \/nowhere/u],
    [
      'an invalid namespace',
      ['init', 'new-task', '--namespace', 'my lab'],
      /"my lab" is not a valid namespace; expected .* such as com\.example/u,
    ],
    [
      'an unknown language',
      ['init', 'new-task', '--lang', 'rust'],
      /'rust' is invalid\. Allowed choices are python, c, shell; "cytomine-task/u,
    ],
    [
      'a settings file that does not exist',
      ['validate', BUNDLE, '--stage', 'none.json'],
      /there is no file none\.json/u,
    ],
    [
      'an invalid settings file',
      ['validate', BUNDLE, '--stage', WRONG_SETTINGS],
      /is not a valid settings file: queues: .*expected object/u,
    ],
    ['an input without value', ['run', BUNDLE, '-i', 'a'], /"a" is not of the form NAME=VALUE/u],
    ['an input twice', ['run', BUNDLE, '-i', 'a=1', '-i', 'a=2'], /"a" is given 2 times; expected once/u],
    [
      'an input file that does not exist',
      ['run', 'examples/scale-numbers', '-i', 'numbers=@none.json'],
      /there is no file none\.json for the input "numbers"/u,
    ],
    [
      'a path without its sign',
      ['run', 'examples/threshold', '-i', 'image=sample.png'],
      /the input "image" is "sample\.png"; it takes a file: expected image=@FILE/u,
    ],
    [
      'a list that is not JSON',
      ['run', 'examples/scale-numbers', '-i', 'numbers=1,2'],
      /"1,2"; expected a list in JSON, such as \[1,2,3\]/u,
    ],
    ['an invalid URL', ['tasks', '--url', 'engine'], /"engine" is not the base URL/u],
    ['an unknown authentication', ['tasks', '--auth', 'basic'], /'basic' is invalid.*none, iam/su],
    ['an unknown authentication of a run', ['run', '--auth', 'basic'], /'basic' is invalid.*none, iam/su],
    ['an invalid value of an input', ['run', BUNDLE, '-i', 'a=many'], /"many" is not an integer/u],
    [
      'an engine for a run in a service',
      ['run', NAME, '--remote', NOBODY, '--engine', 'podman'],
      /^--engine applies/u,
    ],
    [
      'no build for a run in a service',
      ['run', NAME, '--remote', NOBODY, '--no-build'],
      /^--no-build applies/u,
    ],
    [
      'a descriptor in place of its folder',
      ['validate', 'examples/add-and-echo/descriptor.yml'],
      /give its folder instead/u,
    ],
  ])('exits with 2 and one line for %s', async (_, words, message) => {
    const { code, stderr, stdout } = await runCommand(words)

    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it('exits with 3 when the service does not answer', async () => {
    const { code, stderr } = await runCommand(['tasks', '--url', NOBODY])

    expect(stderr).toMatch(/nothing answers at http:\/\/127.0.0.1:9\/app-engine\/v1\/.*--url/u)
    expect(code).toBe(3)
  })

  it('prints its help and exits with 2 without a command, and with 0 for --help', async () => {
    const bare = await runCommand([])
    const group = await runCommand(['run-set'])
    const asked = await runCommand(['--help'])

    expect([bare.code, group.code, asked.code]).toEqual([2, 2, 0])
    expect(group.stderr).toMatch(/Usage: cytomine-task run-set[\s\S]*create/u)
    expect(asked.stdout).toMatch(/validate[\s\S]*Exit codes:[\s\S]*NO_COLOR/u)
  })

  /** Names of the commands in a help text. */
  const commandsIn = (help: string): readonly string[] => {
    const [, list = ''] = help.split('\nCommands:\n')
    return [...list.matchAll(/^ {2}([a-z-]+) /gmu)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'help')
  }

  it.each([
    ['the program', [], 12],
    ['run-set', ['run-set'], 9],
  ])('has help for every command of %s', async (_, group, count) => {
    const { stdout } = await runCommand([...group, '--help'])
    const names = commandsIn(stdout)

    for (const name of names) {
      const help = await runCommand([...group, name, '--help'])
      expect(help.code).toBe(0)
      expect(help.stdout).toContain(`Usage: ${['cytomine-task', ...group, name].join(' ')}`)
    }
    expect(names.length).toBeGreaterThan(count)
  })

  it('prints the JSON schema that docs/ has', async () => {
    const { stdout } = await runCommand(['schema'])

    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync('docs/task.schema.json', 'utf8')))
  })

  it('prints JSON and nothing else with --json', async () => {
    const { stdout, code } = await runCommand(['validate', BUNDLE, '--json'])

    expect(JSON.parse(stdout)).toMatchObject({ valid: true, findings: [], version: '1.0.0' })
    expect(code).toBe(0)
  })

  it.each([
    ['an unknown command', ['vaildate'], 2, /unknown command 'vaildate'/u],
    ['no command', [], 2, /no command was given; "cytomine-task --help"/u],
    ['no command of a group', ['run-set'], 2, /no command was given; "cytomine-task run-set --help"/u],
    ['a log of a service that does not answer', ['logs', '-f', RUN, '--url', NOBODY], 3, /nothing answers/u],
    ['a folder without a task', ['build', folder], 1, /has no descriptor\.yml/u],
    ['an invalid input', ['run', BUNDLE, '-i', 'a=many'], 2, /"many" is not an integer/u],
    ['a damaged bundle', ['upload', DAMAGED, '--no-check', '--url', NOBODY], 1, /damaged\.zip/u],
    ['a service that does not answer', ['tasks', '--url', NOBODY], 3, /nothing answers/u],
  ])('prints the error as JSON with --json for %s', async (_, words, exitCode, message) => {
    const { stdout, code } = await runCommand([...words, '--json'])

    expect(JSON.parse(stdout)).toEqual({ error: { message: expect.stringMatching(message), exitCode } })
    expect(code).toBe(exitCode)
  })

  it.each([
    ['on a terminal', {}, true],
    ['not with NO_COLOR', { NO_COLOR: '1' }, false],
    ['not on a dumb terminal', { TERM: 'dumb' }, false],
  ])('colours its output %s', async (_, env, isColoured) => {
    let stdout = ''
    const write = (text: string): void => {
      stdout += text
    }
    const stream = { isTTY: true, write }

    await runProgram(['validate', BUNDLE], { stdout: stream, stderr: stream, env })

    expect(stdout.includes('\u001b[')).toBe(isColoured)
  })
})
