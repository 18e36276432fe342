import { createServer } from 'node:net'
import { UserError } from './user-error.ts'

/** Default address of all servers. With a host name, the AWS SDK would address buckets as subdomains. */
export const LOOPBACK = '127.0.0.1'

/** Address at which programs of this machine reach a server that listens there. */
export function reachedAt(bindAddress: string): string {
  return bindAddress === '0.0.0.0' ? LOOPBACK : bindAddress
}

/** Finds a free port. Another process may take it afterwards. */
export async function findFreePort(): Promise<number> {
  const port = await listenOnce(0)
  if (port === undefined) throw new Error('no free port on this machine')
  return port
}

/**
 * Whether a process listens on the port.
 * @throws Error with the code EADDRNOTAVAIL when the host is not an address of this machine
 */
export async function isPortTaken(port: number, host: string = LOOPBACK): Promise<boolean> {
  return (await listenOnce(port, host)) === undefined
}

/** Error message when the edge's port is in use. */
export function portTakenSentence(port: number): string {
  return `Port ${port} is in use by another program: stop that program, or choose another port with the environment variable PORT.`
}

/** @returns the port, after a short test listen; undefined when it is in use */
function listenOnce(port: number, host: string = LOOPBACK): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(port, host, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port))
    })
  })
}

/** @throws UserError when the port is in use */
export async function choosePort(wanted: number | undefined): Promise<number> {
  if (wanted === undefined) return findFreePort()
  if (await isPortTaken(wanted)) throw new UserError(portTakenSentence(wanted))
  return wanted
}

/** @throws UserError when the Batch server cannot listen there */
export async function checkBindAddress(port: number, address: string): Promise<void> {
  const isTaken = await isPortTaken(port, address).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRNOTAVAIL') throw error
    throw new UserError(`BATCH_BIND_ADDRESS is "${address}": this machine has no such address.`)
  })
  if (!isTaken) return
  throw new UserError(
    `Port ${port} of ${address}, at which this instance keeps its Batch server, is in use by another program: stop that program, or delete the state of the instance with "npm start -- --fresh".`,
  )
}
