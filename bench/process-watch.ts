import { readdirSync, readFileSync } from 'node:fs'

const INTERVAL_MS = 20

/** Peak of one process, as the kernel counts it (VmHWM: code, heap and buffers that were in memory at once). */
export interface Peak {
  readonly name: string
  readonly peakMib: number
}

/** What a process is called in the figures; undefined for one that is not looked at. */
export type NameProcess = (
  environment: ReadonlyMap<string, string>,
  command: readonly string[],
) => string | undefined

export interface ProcessWatch {
  /** When a process of this name was first seen, at most 20 ms after its start. */
  firstSeen(name: string): number | undefined
  /** Largest peak of each name. */
  peaks(): readonly Peak[]
  stop(): void
}

/** Looks at Linux's process table until it is stopped; what a process takes in its last 20 ms is missed. */
export function watchProcesses(nameOf: NameProcess): ProcessWatch {
  const names = new Map<string, string | undefined>()
  const seen = new Map<string, number>()
  const peaks = new Map<string, number>()
  const look = (): void => {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/u.test(name))
    for (const pid of pids) {
      if (!names.has(pid)) names.set(pid, nameOf(...describe(pid)))
      const name = names.get(pid)
      if (name === undefined) continue
      if (!seen.has(name)) seen.set(name, Date.now())
      const peakKib = Number(/^VmHWM:\s+(\d+) kB$/mu.exec(readProc(pid, 'status'))?.[1] ?? 0)
      peaks.set(name, Math.max(peaks.get(name) ?? 0, peakKib / 1024))
    }
  }
  const timer = setInterval(look, INTERVAL_MS)
  return {
    firstSeen: (name) => seen.get(name),
    peaks: () => [...peaks].map(([name, peakMib]) => ({ name, peakMib })),
    stop: () => clearInterval(timer),
  }
}

function describe(pid: string): [ReadonlyMap<string, string>, readonly string[]] {
  const variables = readProc(pid, 'environ')
    .split('\0')
    .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
  return [new Map(variables), readProc(pid, 'cmdline').split('\0')]
}

/** Empty when the process is gone, or another user's. */
function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
