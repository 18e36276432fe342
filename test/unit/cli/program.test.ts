import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../../../cli/program.ts'
import { runCommand } from '../../fixtures/cli-program.ts'

const BUNDLE = 'examples/add-and-echo/add-and-echo.zip'
const RUN = '279c70e2-3dd8-49a3-b253-27956325c74f'

describe('cytomine-task', () => {
  it.each([
    ['an unknown command', ['vaildate'], /unknown command 'vaildate'.*validate/su],
    ['an unknown option', ['validate', '--stagee', 'x'], /unknown option '--stagee'.*--stage/su],
    ['an option without value', ['validate', '--stage'], /--stage <file>.*argument missing/su],
    ['a missing argument', ['logs'], /missing required argument 'run'/u],
    ['a run that is no id', ['logs', 'abc'], /"abc" is no run; expected its id/u],
    ['a log as JSON', ['logs', RUN, '--json'], /prints the log as the container wrote it; leave --json out/u],
    ['a task that is no name', ['runs', 'abc'], /"abc" is no task; expected NAMESPACE\/VERSION/u],
    ['a folder that is not there', ['validate', '/nowhere'], /no file or folder \/nowhere/u],
    ['an address that is none', ['tasks', '--url', 'engine'], /"engine" is no address/u],
    ['a signature that is not known', ['tasks', '--auth', 'basic'], /'basic' is invalid.*none, iam/su],
    [
      'a descriptor in place of its folder',
      ['validate', 'examples/add-and-echo/descriptor.yml'],
      /name the folder/u,
    ],
  ])('exits with 2 and one sentence for %s', async (_, words, message) => {
    const { code, stderr, stdout } = await runCommand(words)

    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it('exits with 3 when the service does not answer', async () => {
    const { code, stderr } = await runCommand(['tasks', '--url', 'http://127.0.0.1:9/app-engine/v1'])

    expect(stderr).toMatch(/nothing answers at http:\/\/127.0.0.1:9\/app-engine\/v1\/.*--url/u)
    expect(code).toBe(3)
  })

  it('prints its help without a command, with 2, and for --help, with 0', async () => {
    const bare = await runCommand([])
    const asked = await runCommand(['--help'])

    expect([bare.code, asked.code]).toEqual([2, 0])
    expect(asked.stdout).toMatch(/validate[\s\S]*Exit codes:[\s\S]*NO_COLOR/u)
  })

  it('has help for every command', async () => {
    const { stdout } = await runCommand(['--help'])
    const names = [...stdout.matchAll(/^ {2}([a-z]+) .*(?:\n {3,}.*)?/gmu)].map(([, name = '']) => name)

    for (const name of names.filter((one) => one !== 'help')) {
      const help = await runCommand([name, '--help'])
      expect(help.code).toBe(0)
      expect(help.stdout).toMatch(new RegExp(`Usage: cytomine-task ${name}`, 'u'))
    }
    expect(names.length).toBeGreaterThan(9)
  })

  it('prints the JSON schema of the documentation', async () => {
    const { stdout } = await runCommand(['schema'])

    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync('docs/task.schema.json', 'utf8')))
  })

  it('prints JSON and nothing else with --json', async () => {
    const { stdout, code } = await runCommand(['validate', BUNDLE, '--json'])

    expect(JSON.parse(stdout)).toMatchObject({ valid: true, findings: [], version: '1.0.0' })
    expect(code).toBe(0)
  })

  it.each([
    ['on a terminal', {}, true],
    ['not with NO_COLOR', { NO_COLOR: '1' }, false],
    ['not on a dumb terminal', { TERM: 'dumb' }, false],
  ])('uses colours %s', async (_, env, isColoured) => {
    let stdout = ''
    const write = (text: string): void => {
      stdout += text
    }
    const stream = { isTTY: true, write }

    await runProgram(['validate', BUNDLE], { stdout: stream, stderr: stream, env })

    expect(stdout.includes('\u001b[')).toBe(isColoured)
  })
})
