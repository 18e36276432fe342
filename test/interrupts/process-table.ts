import { readdirSync, readFileSync } from 'node:fs'

/** A process at one moment. */
export interface SeenProcess {
  /** Process number and start time: unique, although the kernel reuses process numbers. */
  readonly id: string
  readonly pid: number
  readonly parent: number
  readonly command: string
  readonly environment: string
}

/** All processes except zombies, read from `/proc`. */
export function runningProcesses(): SeenProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .flatMap((name) => describe(Number(name)) ?? [])
}

function describe(pid: number): SeenProcess | undefined {
  try {
    // The program's name, in parentheses, may contain spaces and parentheses.
    const fields = read(pid, 'stat')
      .replace(/^.*\) /su, '')
      .split(' ')
    const [state, parent, startedAt] = [fields[0], Number(fields[1]), fields[19]]
    if (state === 'Z' || state === 'X') return undefined
    const command = read(pid, 'cmdline').replaceAll('\0', ' ').trim()
    return { id: `${pid} ${startedAt}`, pid, parent, command, environment: read(pid, 'environ') }
  } catch {
    // It has ended, or belongs to another user.
    return undefined
  }
}

function read(pid: number, file: 'stat' | 'cmdline' | 'environ'): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8')
}
