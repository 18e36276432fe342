import { afterEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../fixtures/cli-program.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

afterEach(closeWebServers)

const task = { namespace: 'com.example.count', version: '1.0.0' }

function aRow(digit: string) {
  return { id: `0000000${digit}-0000-4000-8000-000000000000`, state: 'FAILED', createdAt: null, task }
}

describe('the listing of runs', () => {
  const answers = new Map<string, unknown>([
    ['/task-runs?limit=200&state=FAILED', { content: [], next: '1' }],
    ['/task-runs?limit=200&state=FAILED&cursor=1', { content: [aRow('3')], next: '2' }],
    ['/task-runs?limit=200&state=FAILED&cursor=2', { content: [aRow('4')] }],
    ['/task-runs?limit=3', { content: [aRow('5'), aRow('6')], next: '1' }],
    ['/task-runs?limit=1&cursor=1', { content: [aRow('7')], next: '2' }],
  ])

  it.each([
    ['all runs in a state, also those beyond the first page', ['--state', 'failed'], ['3', '4']],
    ['no more runs than requested', ['--limit', '3'], ['5', '6', '7']],
  ])('has %s', async (_, words, digits) => {
    const { href } = await aWebServer(({ url = '' }, response) => {
      const answer = answers.get(url)
      response.statusCode = answer === undefined ? 400 : 200
      response.end(JSON.stringify(answer ?? { message: `unexpected ${url}` }))
    })

    const { stdout } = await runCommand(['runs', ...words, '--json', '--url', href])

    const ids = (JSON.parse(stdout) as { readonly id: string }[]).map(({ id }) => id)
    expect(ids).toEqual(digits.map((digit) => aRow(digit).id))
  })
})
