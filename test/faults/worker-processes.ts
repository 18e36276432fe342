import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** A process in which the emulator runs a function. */
export interface WorkerProcess {
  readonly pid: number
  readonly functionName: string
}

/**
 * Finds the function's process that opened a connection, among the descendants of this process; undefined when the client is not one.
 * Linux only.
 */
export function findWorker(connection: {
  readonly clientPort: number
  readonly serverPort: number
}): WorkerProcess | undefined {
  const socket = socketOf(connection)
  if (socket === undefined) return undefined
  for (const pid of descendantsOf(process.pid)) {
    const name = /(?:^|\0)AWS_LAMBDA_FUNCTION_NAME=([^\0]+)/u.exec(readProc(pid, 'environ'))?.[1]
    if (name !== undefined && hasOpen(pid, socket)) return { pid, functionName: name }
  }
  return undefined
}

/** Name that the connection's socket has among the open files of the client. */
function socketOf({
  clientPort,
  serverPort,
}: {
  readonly clientPort: number
  readonly serverPort: number
}): string | undefined {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, local = '', remote = '', , , , , , , inode] = line.trim().split(/\s+/u)
    if (local.endsWith(`:${hex(clientPort)}`) && remote.endsWith(`:${hex(serverPort)}`)) {
      return `socket:[${inode}]`
    }
  }
  return undefined
}

function hasOpen(pid: number, file: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkOf(`/proc/${pid}/fd/${fd}`) === file)
  } catch {
    // The process has ended in the meantime.
    return false
  }
}

function readlinkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** Descendants of a process, without itself. */
function descendantsOf(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/u.test(name)) continue
    // The name of the program is in parentheses and may contain any character.
    const parent = Number(
      readProc(Number(name), 'stat')
        .replace(/^.*\) /su, '')
        .split(' ')[1],
    )
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found: number[] = []
  const waiting = [root]
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    const own = children.get(pid) ?? []
    found.push(...own)
    waiting.push(...own)
  }
  return found
}

/** Empty when the process has ended or the file is not readable. */
function readProc(pid: number, file: 'environ' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
