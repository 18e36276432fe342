import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const LISTEN = '0A'

/**
 * TCP addresses on which the processes of a group listen, such as `127.0.0.1:4566` or `[::]:80`. Linux only.
 * @param group id of the process group
 */
export function listeningAddresses(group: number): string[] {
  const sockets = new Set(processesOf(group).flatMap(socketsOf))
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/u))
      .filter(([, , , state, , , , , , inode]) => state === LISTEN && sockets.has(inode ?? ''))
      .map(([, address = '']) => readAddress(address)),
  )
}

function processesOf(group: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid)) return false
      // The name may contain spaces. After it come state, parent and group.
      const fields = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' '))
      return Number(fields?.[2]) === group
    })
}

/** Inodes of a process's sockets. */
function socketsOf(pid: number): string[] {
  const descriptors = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []
  return descriptors.flatMap((descriptor) => {
    const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`))
    return /^socket:\[(\d+)\]$/u.exec(target ?? '')?.slice(1) ?? []
  })
}

/** Parses the kernel's notation, such as `0100007F:11D6`: 32-bit groups in the machine's byte order, assumed to be little-endian. */
function readAddress(written: string): string {
  const [host = '', port = ''] = written.split(':')
  const number = Number.parseInt(port, 16)
  if (host.length > 8) return `[${host}]:${number}`
  const bytes = [...Buffer.from(host, 'hex')].reverse()
  return `${bytes.join('.')}:${number}`
}

/** Undefined when the process has ended in the meantime. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
