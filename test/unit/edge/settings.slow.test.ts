import { execFile } from 'node:child_process'
import { describe, expect, it } from 'vitest'

interface End {
  readonly code: number
  readonly lines: readonly string[]
}

/** Starts the edge with wrong settings and returns its exit code and the lines on stderr. */
function startEdge(settings: Readonly<Record<string, string>>): Promise<End> {
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH, ...settings }
    const child = execFile(process.execPath, ['edge/main.ts'], { env }, (_, __, stderr) => {
      resolve({ code: child.exitCode ?? -1, lines: stderr.trimEnd().split('\n') })
    })
  })
}

const PORT = 'it must be a whole number from 1 to 65535'
const API_URL = 'it must be the base URL of the API, such as https://engine.example.org/prod'

describe('an edge with wrong settings', () => {
  it.each([
    {
      settings: { PORT: 'http' },
      message: `PORT is "http": ${PORT}; API_URL is not set: ${API_URL}`,
    },
    { settings: { PORT: '70000.5', API_URL: 'http://127.0.0.1:9' }, message: `PORT is "70000.5": ${PORT}` },
    {
      settings: { PORT: '8080.5', API_URL: 'ftp://host', API_AUTH: 'key', BEHIND_LOAD_BALANCER: 'perhaps' },
      message: `PORT is "8080.5": ${PORT}; API_URL is "ftp://host": ${API_URL}; API_AUTH is "key": it must be none or iam; BEHIND_LOAD_BALANCER is "perhaps": it must be true or false`,
    },
  ])('exits with code 1 and one line on stderr: $message', async ({ settings, message }) => {
    const { code, lines } = await startEdge(settings)

    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'ERROR',
      message: `The edge cannot start: ${message}.`,
    })
    expect(code).toBe(1)
  })
})
