import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { listeningAddresses } from '../../emulators/listening-addresses.ts'

it.each([
  ['127.0.0.1', /^127\.0\.0\.1:\d+$/u],
  ['0.0.0.0', /^0\.0\.0\.0:\d+$/u],
  ['::1', /^\[0{24}01000000\]:\d+$/u],
])('finds a process that listens on %s', async (host, expected) => {
  // The listener is a child process in the same group.
  const program = `require('node:net').createServer().listen(0, '${host}', () => console.log('ready'))`
  const outer = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(program)}], { stdio: 'inherit' })`
  const child = spawn(process.execPath, ['-e', outer], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(child.stdout, 'data')

    const addresses = listeningAddresses(child.pid ?? 0)

    expect(addresses).toEqual([expect.stringMatching(expected)])
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await text(child.stdout)
  }
})
