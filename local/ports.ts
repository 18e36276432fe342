import { createServer } from 'node:net'

/** Default address of all servers. For a host name, the AWS SDK would address buckets as subdomains. */
export const LOOPBACK = '127.0.0.1'

/** Finds a free port. Another process may take it afterwards. */
export async function findFreePort(): Promise<number> {
  const port = await listenOnce(0)
  if (port === undefined) throw new Error('no free port on this machine')
  return port
}

/**
 * Whether a process listens on the port.
 * @throws Error with the code EADDRNOTAVAIL when the host is no address of this machine.
 */
export async function isPortTaken(port: number, host: string = LOOPBACK): Promise<boolean> {
  return (await listenOnce(port, host)) === undefined
}

/** What a user reads when the front door's port is taken. */
export function portTakenSentence(port: number): string {
  return `Port ${port} is in use by another program: stop that program, or choose another port with the environment variable PORT.`
}

/** @returns the port that was listened on for a moment; undefined when it is taken. */
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
