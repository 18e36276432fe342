import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { dockerArchive, packTar, packZip } from '../../fixtures/bundle-builder.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { aDescriptorText, anElf, aTaskFolder } from '../../fixtures/task-folder.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const RUN = '279c70e2-3dd8-49a3-b253-27956325c74f'
const SET = '279c70e2-3dd8-89a3-b253-279563000000'
const NAME = 'com.example.count/1.0.0'
const TASK = { namespace: 'com.example.count', version: '1.0.0' }
const LOG = 'counting\n\u001b[31m2 "cells"\u009b\n'

let folder = ''
let task = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'json-output-'))
  task = await aTaskFolder()
  writeFileSync(join(folder, 'table.csv'), 'a\n1\n')
})
afterAll(() => {
  for (const one of [folder, task]) rmSync(one, { recursive: true, force: true })
})
afterEach(() => {
  closeWebServers()
  vi.unstubAllEnvs()
})

const aSet = {
  id: SET,
  task: TASK,
  state: 'FINISHED',
  createdAt: '2026-01-01T00:00:00.000Z',
  round: 1,
  rows: 1,
  counts: { waiting: 0, active: 0, finished: 1, failed: 0, skipped: 0 },
  cost: { usd: 0 },
}
const aRun = { id: RUN, state: 'FINISHED', task: TASK }
const anUpload = {
  id: RUN,
  state: 'CREATED',
  partSizeBytes: 5_000_000,
  progress: null,
  task: null,
  error: null,
}
const outputs = [{ parameterName: 'sum', type: 'INTEGER', value: 2 }]

type Answer = object | string | Buffer

/** A service in which everything has ended well. The task is installed, except for an upload. */
async function aService(isUpload: boolean): Promise<string> {
  const archive = await packZip([{ name: 'sum', body: '2' }])
  let upload: object = anUpload
  const finish = (): object => {
    upload = { ...anUpload, state: 'READY', task: TASK }
    return upload
  }
  const answers: Readonly<Record<string, (host: string) => Answer>> = {
    'GET tasks': () => [{ ...TASK, name: 'Count' }],
    ...(!isUpload && { [`GET tasks/${NAME}`]: () => ({ id: RUN }) }),
    [`GET tasks/${NAME}/inputs`]: () => [],
    [`GET tasks/${NAME}/descriptor.yml`]: () => aDescriptorText(),
    [`POST tasks/${NAME}/runs`]: () => aRun,
    'GET task-runs': () => ({ content: [aRun] }),
    [`GET task-runs/${RUN}`]: () => aRun,
    [`GET task-runs/${RUN}/logs`]: () => LOG,
    [`GET task-runs/${RUN}/outputs`]: () => outputs,
    [`GET task-runs/${RUN}/outputs.zip`]: () => archive,
    [`GET task-runs/${RUN}/rejected-outputs.zip`]: () => archive,
    [`PUT task-runs/${RUN}/input-provisions`]: () => [],
    [`POST task-runs/${RUN}/state-actions`]: () => ({ resource: aRun }),
    'POST uploads': () => upload,
    [`GET uploads/${RUN}`]: () => upload,
    [`POST uploads/${RUN}/part-urls`]: (host) => ({ parts: [{ url: `http://${host}/part` }] }),
    'PUT part': () => '',
    [`POST uploads/${RUN}/complete`]: finish,
    'GET run-sets': () => ({ content: [aSet] }),
    'POST run-sets': () => aSet,
    [`GET run-sets/${SET}`]: () => aSet,
    [`GET run-sets/${SET}/runs`]: () => ({ content: [{ row: 1, runId: RUN, state: 'FINISHED' }] }),
    [`POST run-sets/${SET}/retry`]: () => aSet,
    [`POST run-sets/${SET}/cancel`]: () => aSet,
    [`GET run-sets/${SET}/outputs.csv`]: () => `row,state,input.a\r\n1,FINISHED,"a ""b"",\nc"\r\n`,
    [`GET run-sets/${SET}/outputs.zip`]: () => archive,
    ...Object.fromEntries(
      [`tasks/${NAME}`, `task-runs/${RUN}`, `run-sets/${SET}`].map((path) => [`DELETE ${path}`, () => '']),
    ),
  }
  const { href } = await aWebServer(async (request, response) => {
    await buffer(request)
    const call = `${request.method} ${request.url?.slice(1).split('?', 1)[0]}`
    const answer = answers[call]?.(request.headers.host ?? '')
    response.statusCode = answer === undefined ? 404 : 200
    const body = answer ?? { message: `unexpected ${call}`, details: { type: 'empty' } }
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  })
  return href
}

/** A folder with a Dockerfile, and a program named docker in front of PATH that saves a valid image. */
async function aFolderToBuild(): Promise<string> {
  const place = mkdtempSync(join(folder, 'build-'))
  const layer = await packTar([{ name: 'main', body: anElf(), mode: 0o755 }])
  const image = await dockerArchive({ layers: [layer], command: { Entrypoint: ['/main'] } })
  writeFileSync(join(place, 'saved.tar'), await packTar(image))
  const script = `#!/bin/sh\nif [ "$1" = save ]; then cp '${place}/saved.tar' "$3"; fi\n`
  mkdirSync(join(place, 'bin'))
  writeFileSync(join(place, 'bin/docker'), script)
  chmodSync(join(place, 'bin/docker'), 0o755)
  vi.stubEnv('PATH', `${join(place, 'bin')}${delimiter}${process.env.PATH}`)
  const source = join(place, 'task')
  mkdirSync(source)
  writeFileSync(join(source, 'descriptor.yml'), aDescriptorText())
  writeFileSync(join(source, 'Dockerfile'), 'FROM scratch\n')
  return source
}

interface Case {
  /** Arguments after the name of the command. */
  readonly words: () => readonly string[] | Promise<readonly string[]>
  readonly printed: unknown
}

const given = (words: readonly string[], printed: unknown): Case => ({ words: () => words, printed })
const inFolder = (name: string): string => join(folder, name)

/** Every command by its name, with what it prints. */
const CASES: readonly (readonly [command: string, given: Case])[] = [
  [
    'init',
    { words: () => [inFolder('new-task')], printed: { files: expect.arrayContaining(['Dockerfile']) } },
  ],
  ['validate', { words: () => [task], printed: { valid: true, findings: [] } }],
  ['build', { words: async () => [await aFolderToBuild()], printed: { valid: true, findings: [] } }],
  [
    'run',
    {
      words: () => [NAME, '-i', 'a=1', '-o', inFolder('run')],
      printed: { outputs, files: [expect.stringMatching(/sum$/u)] },
    },
  ],
  ['upload', { words: () => [task], printed: { task: 'com.example.count 1.0.0' } }],
  ['tasks', given([], [TASK])],
  ['runs', given([], [aRun])],
  ['runs', given([NAME], [aRun])],
  ['logs', given([RUN], { log: LOG })],
  ['logs', given([RUN, '-f'], { log: LOG })],
  ['outputs', given([RUN], { outputs })],
  [
    'outputs',
    { words: () => [RUN, '-o', inFolder('outputs')], printed: { outputs, folder: expect.any(String) } },
  ],
  [
    'outputs',
    {
      words: () => [RUN, '--rejected', '-o', inFolder('rejected')],
      printed: { files: [expect.stringMatching(/sum$/u)] },
    },
  ],
  ['cancel', given([RUN], { id: RUN, cancelled: true })],
  ['delete', given([RUN, '-y'], { deleted: RUN })],
  ['delete', given([NAME, '-y'], { deleted: NAME })],
  ['schema', given([], { title: expect.any(String) })],
  ['run-set create', { words: () => [NAME, inFolder('table.csv')], printed: aSet }],
  ['run-set create', { words: () => [NAME, inFolder('table.csv'), '--wait'], printed: aSet }],
  ['run-set list', given([], [aSet])],
  ['run-set status', given([SET], aSet)],
  ['run-set wait', given([SET], aSet)],
  ['run-set runs', given([SET], [{ row: 1, runId: RUN, state: 'FINISHED' }])],
  ['run-set retry', given([SET], aSet)],
  ['run-set retry', given([SET, '--wait'], aSet)],
  ['run-set cancel', given([SET], aSet)],
  ['run-set delete', given([SET, '-y'], { deleted: SET })],
  ['run-set table', given([SET], [{ row: '1', state: 'FINISHED', 'input.a': 'a "b",\nc' }])],
  [
    'run-set table',
    {
      words: () => [SET, '-o', inFolder('rows.csv')],
      printed: { file: expect.stringMatching(/rows\.csv$/u) },
    },
  ],
  [
    'run-set archive',
    {
      words: () => [SET, '-o', inFolder('archive')],
      printed: { files: [expect.stringMatching(/sum$/u)] },
    },
  ],
  [
    'run-set archive',
    { words: () => [SET, '-o', inFolder('all.zip')], printed: { files: [expect.any(String)] } },
  ],
]

/** Commands that run without a service. */
const WITHOUT_SERVICE: ReadonlySet<string> = new Set(['init', 'validate', 'build', 'schema'])

/** Full names of all commands in the help texts, without groups. */
async function commandsInHelp(group: readonly string[] = []): Promise<readonly string[]> {
  const { stdout } = await runCommand([...group, '--help'])
  const [, list] = stdout.split('\nCommands:\n')
  if (list === undefined) return [group.join(' ')]
  const names = [...list.matchAll(/^ {2}([a-z-]+) /gmu)].map(([, name = '']) => name)
  const found = await Promise.all(
    names.filter((name) => name !== 'help').map((name) => commandsInHelp([...group, name])),
  )
  return found.flat()
}

describe('--json', () => {
  it('is tested for every command that the help names', async () => {
    expect([...new Set(CASES.map(([name]) => name))].sort()).toEqual([...(await commandsInHelp())].sort())
  })

  it.each(CASES.map(([command, one], index) => [`${command} (row ${index + 1})`, command, one] as const))(
    'makes %s print JSON and nothing else',
    async (_, command, { words, printed }) => {
      const url = await aService(command === 'upload')
      const option = command === 'run' ? '--remote' : '--url'
      const service = WITHOUT_SERVICE.has(command) ? [] : [option, url]

      const { code, stdout, stderr } = await runCommand([
        ...[...command.split(' '), ...(await words())],
        ...[...service, '--json'],
      ])

      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) })
      // Control characters must not reach a terminal, also in a text of a task.
      expect(stdout).not.toMatch(/[^\n\P{Cc}]/u)
      const result: unknown = JSON.parse(stdout)
      expect(result).toEqual(Array.isArray(printed) ? printed.map(containing) : containing(printed))
    },
  )
})

const containing = (value: unknown): unknown => expect.objectContaining(value as object)

describe('logs -f --json', () => {
  it('prints a line for each piece of the log, and last why it could not go on', async () => {
    const pieces = ['one\n', '', 'two\n']
    const { href } = await aWebServer(({ url = '' }, response) => {
      if (url.includes('/logs')) {
        response.setHeader('x-log-next', '1')
        response.end(pieces.shift())
        return
      }
      if (pieces.length === 0) {
        response.statusCode = 404
        response.end(JSON.stringify({ message: 'Run not found.', details: { type: 'empty' } }))
        return
      }
      response.end(JSON.stringify({ id: RUN, state: 'RUNNING' }))
    })

    const { code, stdout } = await runCommand(['logs', '-f', RUN, '--json', '--url', href])

    const lines = stdout.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { log: 'one\n' },
      { log: 'two\n' },
      { error: { message: expect.stringContaining('Run not found'), exitCode: 1 } },
    ])
    expect(code).toBe(1)
  })
})

describe('run-set table --json', () => {
  it('reports a host that sends no table', async () => {
    const { href } = await aWebServer((_, response) => response.end('a,b\n"1'))

    const { code, stderr } = await runCommand(['run-set', 'table', SET, '--json', '--url', href])

    expect(stderr).toMatch(/is not the base URL of the service.*answered with a,b/u)
    expect(code).toBe(2)
  })
})
