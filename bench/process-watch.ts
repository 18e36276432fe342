import { readdirSync, readFileSync } from 'node:fs'

/** Polling interval. Start times are accurate to one interval. */
const INTERVAL_MS = 20
/** Number of attempts to name a process: until it calls exec, a forked process looks like its parent. */
const MAX_NAME_READS = 25

/** Peak resident memory of a process (VmHWM of the kernel). */
export interface Peak {
  readonly name: string
  readonly peakMib: number
}

/** Current resident memory of a process. */
export interface Resident {
  readonly name: string
  readonly mib: number
}

/** Returns a name for a process, or undefined to ignore it. */
export type NameProcess = (
  environment: ReadonlyMap<string, string>,
  command: readonly string[],
) => string | undefined

export interface ProcessWatch {
  /** When the newest process with this name was first seen, at most one interval after its start. */
  lastStart(name: string): number | undefined
  /** Largest peak of the processes with each name. */
  peaks(): readonly Peak[]
  /** Process with the most resident memory at the last poll. */
  largest(): Resident | undefined
  /** Maximum number of concurrent processes with each name. */
  mostAtATime(): readonly { readonly name: string; readonly most: number }[]
  stop(): void
}

/** Polls Linux's process table until `stop` is called. Misses a peak in the last interval of a process. */
export function watchProcesses(nameOf: NameProcess, intervalMs = INTERVAL_MS): ProcessWatch {
  const named = new Map<string, string>()
  const nameReads = new Map<string, number>()
  const starts = new Map<string, number>()
  const peaks = new Map<string, number>()
  const most = new Map<string, number>()
  let largest: Resident | undefined
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
    largest = undefined
    for (const pid of pids) {
      const name = identify(pid)
      if (name === undefined) continue
      const status = readProc(pid, 'status')
      peaks.set(name, Math.max(peaks.get(name) ?? 0, mebibytesIn(status, 'VmHWM')))
      const mebibytes = mebibytesIn(status, 'VmRSS')
      if (mebibytes > (largest?.mib ?? 0)) largest = { name, mib: mebibytes }
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
    largest: () => largest,
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

function mebibytesIn(status: string, field: 'VmHWM' | 'VmRSS'): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'mu').exec(status)?.[1] ?? 0) / 1024
}

/** Empty when the process has ended or belongs to another user. */
function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
