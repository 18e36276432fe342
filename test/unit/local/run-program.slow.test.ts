import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../../local/clean-up.ts'
import { ProgramFailedError, runProgram } from '../../../local/run-program.ts'

/** Whether a process is running, which a zombie is not. */
async function isRunning(pid: string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return /^State:\s+[^ZX]/mu.test(status)
}

it('runProgram returns the output of a program', async () => {
  const printed = await runProgram(['sh', '-c', 'echo out; echo err >&2'])
  expect(printed).toEqual({ stdout: 'out\n', stderr: 'err\n' })
})

it('runProgram throws the output of a program that fails', async () => {
  const failure = await runProgram(['sh', '-c', 'echo why >&2; exit 3']).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(ProgramFailedError)
  expect(failure).toMatchObject({ message: 'sh ended with 3', stderr: 'why\n' })
})

it('runProgram throws ENOENT for a program that is not installed', async () => {
  await expect(runProgram(['no-such-program'])).rejects.toMatchObject({ code: 'ENOENT' })
})

it('runProgram starts no program after an abort', async () => {
  await expect(runProgram(['true'], { signal: AbortSignal.abort('over') })).rejects.toBe('over')
})

it.for([
  { name: 'a program that ends on SIGINT', script: 'sleep 60 & echo $!; wait' },
  { name: 'a program that ignores SIGINT', script: "trap '' INT; sleep 60 & echo $!; wait; wait" },
])('runProgram ends $name and its child after an abort', async ({ script }) => {
  await using folder = await temporaryFolder('run-program-')
  const file = join(folder.path, 'pid')
  const ending = new AbortController()
  const running = runProgram(['sh', '-c', `{ ${script}; } > ${file}`], { signal: ending.signal })
  const ended = running.catch((error: unknown) => error)
  const child = await vi.waitFor(async () => {
    const printed = await readFile(file, 'utf8')
    expect(printed).toMatch(/^[0-9]+\n$/u)
    return printed.trim()
  })
  ending.abort('interrupted')
  expect(await ended).toBe('interrupted')
  await vi.waitFor(async () => expect(await isRunning(child)).toBe(false))
})
