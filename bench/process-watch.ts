import { readdirSync, readFileSync } from 'node:fs'

/** Polling interval, which limits the accuracy of start times. */
const INTERVAL_MS = 20
/** Reads of a process before its name is final: a forked process reads like its parent until it calls exec. */
const MAX_NAME_READS = 25

/** Peak resident memory of one process (VmHWM of the kernel). */
export interface Peak {
  readonly name: string
  readonly peakMib: number
}

/** Returns the name of a process in the output, or undefined for an unwatched one. */
export type NameProcess = (
  environment: ReadonlyMap<string, string>,
  command: readonly string[],
) => string | undefined

export interface ProcessWatch {
  /** When the newest process of this name was first seen, at most one interval after its start. */
  lastStart(name: string): number | undefined
  /** Largest peak by name. */
  peaks(): readonly Peak[]
  /** Largest number of processes at one time, by name. */
  mostAtATime(): readonly { readonly name: string; readonly most: number }[]
  stop(): void
}

/** Polls Linux's process table until it is stopped. Misses a peak in the last interval of a process. */
export function watchProcesses(nameOf: NameProcess, intervalMs = INTERVAL_MS): ProcessWatch {
  const named = new Map<string, string>()
  const nameReads = new Map<string, number>()
  const starts = new Map<string, number>()
  const peaks = new Map<string, number>()
  const most = new Map<string, number>()
  const identify = (pid: string): string | undefined => {
    const known = named.get(pid)
    const reads = nameReads.get(pid) ?? 0
    if (known !== undefined || reads === MAX_NAME_READS) return known
    const name = nameOf(...describe(pid))
    if (name === undefined) nameReads.set(pid, reads + 1)
    else {
      named.set(pid, name)
      starts.set(name, Date.now())
    }
    return name
  }
  const poll = (): void => {
    const pids = new Set(readdirSync('/proc').filter((name) => /^\d+$/u.test(name)))
    const counts = new Map<string, number>()
    for (const pid of pids) {
      const name = identify(pid)
      if (name === undefined) continue
      const peakKib = Number(/^VmHWM:\s+(\d+) kB$/mu.exec(readProc(pid, 'status'))?.[1] ?? 0)
      peaks.set(name, Math.max(peaks.get(name) ?? 0, peakKib / 1024))
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    for (const [name, count] of counts) most.set(name, Math.max(most.get(name) ?? 0, count))
    // The kernel reuses process ids.
    for (const known of [named, nameReads]) {
      for (const pid of known.keys()) if (!pids.has(pid)) known.delete(pid)
    }
  }
  const timer = setInterval(poll, intervalMs)
  return {
    lastStart: (name) => starts.get(name),
    peaks: () => [...peaks].map(([name, peakMib]) => ({ name, peakMib })),
    mostAtATime: () => [...most].map(([name, count]) => ({ name, most: count })),
    stop: () => clearInterval(timer),
  }
}

function describe(pid: string): [ReadonlyMap<string, string>, readonly string[]] {
  const variables = readProc(pid, 'environ')
    .split('\0')
    .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
  return [new Map(variables), readProc(pid, 'cmdline').split('\0')]
}

/** Empty when the process has ended or belongs to another user. */
function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
