import * as z from 'zod'
import { EMULATOR_SETTINGS, parseVariables, withHost } from '../lib/emulator.ts'
import { CONSOLE_MODES } from '../src/contract/console.ts'
import { LOOPBACK, reachedAt } from './ports.ts'
import { UserError } from './user-error.ts'

const url = z.url({
  protocol: /^https?$/u,
  error: 'expected a URL such as http://127.0.0.1:4566',
})

const settingsSchema = z.object({
  ...EMULATOR_SETTINGS,
  /** Address of a running emulator. */
  AWS_ENDPOINT_URL: url.optional(),
  /** Address of a registry other than the emulator's. */
  REGISTRY_URL: url.optional(),
  /** Address on which the Batch server listens. It checks no credentials. */
  BATCH_BIND_ADDRESS: z
    .ipv4('expected an IPv4 address of this machine, such as 172.17.0.1 (docker0) or 0.0.0.0 (all)')
    .default(LOOPBACK),
  /** Mode of the console. */
  CONSOLE: z.enum(CONSOLE_MODES, 'expected off, read-only or full').default('full'),
  /** Buckets of the object store whose objects rows of run sets may refer to. */
  INPUT_BUCKETS: z
    .string()
    .regex(
      /^[a-z\d][a-z\d.-]{1,61}[a-z\d](?:,[a-z\d][a-z\d.-]{1,61}[a-z\d])*$/u,
      'expected names of buckets, separated by commas, such as slides,scans',
    )
    .optional(),
})

/** Addresses of a local stack that users can set, by the names of their variables. */
export type StackSettings = z.infer<typeof settingsSchema>

/**
 * Reads the settings of a local stack.
 * @throws UserError with one sentence for each wrong value
 */
export function readStackSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): StackSettings {
  try {
    return parseVariables(settingsSchema, environment)
  } catch (error) {
    throw new UserError((error as Error).message)
  }
}

/** The settings as variables, for a child process. */
export function variablesOf({
  CLIENT_ADDRESS,
  FUNCTION_ADDRESS,
  JOB_ADDRESS,
  FUNCTION_ARCHITECTURE,
  CONSOLE,
  INPUT_BUCKETS,
}: StackSettings): Record<string, string | undefined> {
  return { CLIENT_ADDRESS, FUNCTION_ADDRESS, JOB_ADDRESS, FUNCTION_ARCHITECTURE, CONSOLE, INPUT_BUCKETS }
}

/** Host names by which containers and other machines reach the parts of the stack. */
export function knownHosts({
  CLIENT_ADDRESS,
  FUNCTION_ADDRESS,
  JOB_ADDRESS,
  BATCH_BIND_ADDRESS,
}: StackSettings): string {
  const hosts = [CLIENT_ADDRESS, FUNCTION_ADDRESS, JOB_ADDRESS, reachedAt(BATCH_BIND_ADDRESS)]
  return [...new Set(hosts.flatMap((host) => host ?? []))].join(',')
}

/** Origins of the console: the edge's port with the host names of this machine and those in `hosts`. */
export function pageOrigins({ CONSOLE }: Pick<StackSettings, 'CONSOLE'>, port: number, hosts = ''): string[] {
  if (CONSOLE === 'off') return []
  const names = ['127.0.0.1', 'localhost', '[::1]', ...hosts.split(',').map((name) => name.trim())]
  return names.flatMap((name) => (name === '' ? [] : [`http://${name}:${port}`]))
}

/** The registry's host in image references written by functions, and its address for the container engine. */
export function registryHostsOf(
  registryUrl: string,
  { FUNCTION_ADDRESS }: StackSettings,
): Record<string, string> {
  const [ofFunctions, ofEngine] = [withHost(registryUrl, FUNCTION_ADDRESS), registryUrl].map(
    (url) => new URL(url).host,
  )
  return ofFunctions === undefined || ofEngine === undefined || ofFunctions === ofEngine
    ? {}
    : { [ofFunctions]: ofEngine }
}
