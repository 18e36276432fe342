import { readdirSync, readFileSync } from 'node:fs'

/** A process at one moment. `id` stays its own when the kernel gives its number to another. */
export interface SeenProcess {
  readonly id: string
  readonly pid: number
  readonly parent: number
  readonly command: string
  readonly environment: string
}

/** All processes that run; those that have ended and wait for their parent are left out. Reads Linux's process table. */
export function runningProcesses(): SeenProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .flatMap((name) => describe(Number(name)) ?? [])
}

function describe(pid: number): SeenProcess | undefined {
  try {
    // The program's name stands in parentheses and may hold anything.
    const fields = read(pid, 'stat')
      .replace(/^.*\) /su, '')
      .split(' ')
    const [state, parent, startedAt] = [fields[0], Number(fields[1]), fields[19]]
    if (state === 'Z' || state === 'X') return undefined
    const command = read(pid, 'cmdline').replaceAll('\0', ' ').trim()
    return { id: `${pid} ${startedAt}`, pid, parent, command, environment: read(pid, 'environ') }
  } catch {
    // It has ended, or is another user's.
    return undefined
  }
}

function read(pid: number, file: 'stat' | 'cmdline' | 'environ'): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8')
}
