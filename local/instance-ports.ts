import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import * as z from 'zod'
import { findFreePort, isPortTaken } from './ports.ts'
import { UserError } from './user-error.ts'

/** Ports that are part of an instance's state. */
const portsSchema = z.object({ emulator: z.int(), storage: z.int(), batch: z.int() })
export type InstancePorts = z.infer<typeof portsSchema>

/** Reads the ports of an instance; undefined before its first start. */
export function readInstancePorts(file: string): InstancePorts | undefined {
  return existsSync(file) ? portsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined
}

/**
 * The ports of an instance. They stay the same at every start, because stored image references and job definitions contain them.
 * @param file stores the ports; written at the first start
 * @throws UserError when another program listens on one of them
 */
export async function instancePorts(file: string): Promise<InstancePorts> {
  const ports = readInstancePorts(file)
  if (ports === undefined) {
    const free = {
      emulator: await findFreePort(),
      storage: await findFreePort(),
      batch: await findFreePort(),
    }
    writeFileSync(file, JSON.stringify(free))
    return free
  }
  for (const [name, port] of Object.entries(ports)) {
    if (!(await isPortTaken(port))) continue
    throw new UserError(
      `Port ${port}, at which this instance keeps its ${name}, is in use by another program: stop that program, or delete the state of the instance with "npm start -- --fresh".`,
    )
  }
  return ports
}
