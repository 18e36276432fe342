import { readdirSync, readFileSync } from 'node:fs'

/** Short enough to see when a process starts. */
const INTERVAL_MS = 20
/** A process that was only forked still looks like the one that made it. */
const LOOKS_AT_A_NEW_ONE = 25

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
  /** When the last process of this name was first seen, at most an interval after its start. */
  lastStart(name: string): number | undefined
  /** Largest peak of each name. */
  peaks(): readonly Peak[]
  /** How many processes of each name there were at a time. */
  mostAtATime(): readonly { readonly name: string; readonly most: number }[]
  stop(): void
}

/** Looks at Linux's process table until it is stopped; what a process takes in its last interval is missed. */
export function watchProcesses(nameOf: NameProcess, intervalMs = INTERVAL_MS): ProcessWatch {
  const named = new Map<string, string>()
  const looksAtUnnamed = new Map<string, number>()
  const starts = new Map<string, number>()
  const peaks = new Map<string, number>()
  const most = new Map<string, number>()
  const identify = (pid: string): string | undefined => {
    const known = named.get(pid)
    const looks = looksAtUnnamed.get(pid) ?? 0
    if (known !== undefined || looks === LOOKS_AT_A_NEW_ONE) return known
    const name = nameOf(...describe(pid))
    if (name === undefined) looksAtUnnamed.set(pid, looks + 1)
    else {
      named.set(pid, name)
      starts.set(name, Date.now())
    }
    return name
  }
  const look = (): void => {
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
    // Numbers are used again.
    for (const known of [named, looksAtUnnamed]) {
      for (const pid of known.keys()) if (!pids.has(pid)) known.delete(pid)
    }
  }
  const timer = setInterval(look, intervalMs)
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

/** Empty when the process is gone, or another user's. */
function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
