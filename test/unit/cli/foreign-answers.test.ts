import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { ForeignAnswerError } from '../../../cli/service/answer.ts'
import { openService } from '../../../cli/service/service.ts'
import { createUploadClient } from '../../../cli/upload-client.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const BUNDLE = 'examples/add-and-echo/add-and-echo.zip'
const RUN = '279c70e2-3dd8-49a3-b253-27956325c74f'
const SET = '279c70e2-3dd8-89a3-b253-279563000000'
const NAME = 'com.example.count/1.0.0'

const folder = mkdtempSync(join(tmpdir(), 'foreign-'))
afterEach(closeWebServers)
afterAll(() => rmSync(folder, { recursive: true }))

const PAGE = '<!DOCTYPE html>\n<html><head><title>Sign\n in</title></head><body>welcome</body></html>'

const COMMANDS: readonly (readonly string[])[] = [
  ['tasks'],
  ['runs'],
  ['runs', NAME],
  ['logs', RUN],
  ['outputs', RUN],
  ['outputs', RUN, '-o', join(folder, 'outputs')],
  ['cancel', RUN],
  ['delete', RUN, '-y'],
  ['delete', NAME, '-y'],
  ['run-set', 'list'],
  ['validate', BUNDLE],
  ['upload', BUNDLE],
]

/** Another program at the URL, which answers every call alike. */
function anotherProgram(answer: (response: ServerResponse) => unknown): Promise<URL> {
  return aWebServer((_, response) => answer(response))
}

const html = (status: number) => (response: ServerResponse) =>
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE)

describe.each([
  ['a web page', html(200), /a web page, "Sign in"/u],
  ['a web page for an unknown path', html(404), /404 and a web page, "Sign in"/u],
  ['an empty response', (response: ServerResponse) => response.writeHead(204).end(), /an empty response/u],
  ['other JSON', (response: ServerResponse) => response.end('{"status":"ok"}'), /other JSON than expected/u],
  ['a text', (response: ServerResponse) => response.end('It works!'), /with It works!/u],
])('a host that answers with %s', (_, answer, found) => {
  it.each(COMMANDS.map((words) => [words.join(' '), words] as const))(
    'is reported by %s',
    async (_, words) => {
      const { href } = await anotherProgram(answer)

      const { code, stdout, stderr } = await runCommand([...words, '--url', href])

      const line = stderr
        .split('\n')
        .find((one) => /is not the base URL of the service|another program answers at this URL/u.test(one))
      expect(line).toMatch(found)
      expect(stderr).not.toMatch(/^\s+at /mu)
      expect(stdout).toMatch(words[0] === 'validate' ? /^no problems/u : /^$/u)
      expect(code).toBe(2)
    },
  )
})

describe('an upload', () => {
  it('ends at once when another program answers', async () => {
    const { href } = await anotherProgram((response) => response.end('{}'))
    const client = createUploadClient(href, { pausesMs: [3_600_000] })

    await expect(client.create({ purpose: 'task', fileName: 'a' })).rejects.toThrow(ForeignAnswerError)
  })
})

describe('a web page of a gateway', () => {
  it('is reported by its title', async () => {
    const { href } = await anotherProgram(html(500))

    const { code, stderr } = await runCommand(['tasks', '--url', href])

    expect(stderr).toMatch(/answered 500: a web page, "Sign in"; try again later\n$/u)
    expect(code).toBe(3)
  })
})

describe('a refusal of a proxy', () => {
  it.each([403, 413, 429])('does not blame the URL: %i', async (status) => {
    const { href } = await anotherProgram(html(status))
    const service = await openService({ url: href, auth: 'none', pausesMs: [] })

    await expect(service.call('tasks')).rejects.toMatchObject({
      exitCode: 1,
      message: `${href} answered ${status}: a web page, "Sign in"`,
    })
  })
})

describe('an archive that is not a zip', () => {
  it('is reported', async () => {
    const { href } = await anotherProgram((response) => response.end('not a zip'))

    const { code, stderr } = await runCommand(['outputs', RUN, '--rejected', '-o', folder, '--url', href])

    expect(stderr).toMatch(/^the archive that http\S+ sent cannot be read: /u)
    expect(code).toBe(1)
  })
})

describe('a connection that is lost in a response', () => {
  it.each([
    ['an archive', ['outputs', RUN, '--rejected', '-o', join(folder, 'rejected')]],
    ['a log', ['logs', RUN]],
    ['a table', ['run-set', 'table', SET]],
    ['a table for a file', ['run-set', 'table', SET, '-o', join(folder, 'table.csv')]],
  ])('is reported for %s', async (_, words) => {
    const { href } = await aWebServer(({ url }, response) => {
      if (url === `/task-runs/${RUN}`) response.end(JSON.stringify({ id: RUN, state: 'FINISHED' }))
      else response.writeHead(200, { 'content-length': 10 }).write('part', () => response.destroy())
    })

    const { code, stderr } = await runCommand([...words, '--url', href])

    expect(stderr).toMatch(
      /^the connection to http\S+ was lost during a response: terminated \(.+\); run the command again\n$/u,
    )
    expect(code).toBe(3)
  })
})
