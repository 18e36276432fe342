import * as z from 'zod'
import { SettingsError } from './settings/errors.ts'

/** Variables of the deploying process. */
export type DeployEnvironment = Readonly<Record<string, string | undefined>>

/** Addresses of the emulator for one kind of program. */
export interface EmulatorAddresses {
  readonly endpoint: string
  readonly s3Endpoint: string
}

/**
 * Emulator of AWS that a stage is deployed to. Each kind of program has its own addresses, because `127.0.0.1` in a container is the
 * container itself.
 */
export interface Emulator {
  readonly functions: EmulatorAddresses & { readonly batchEndpoint: string; readonly registryUrl: string }
  /** For the edge and for clients that use presigned URLs. */
  readonly clients: EmulatorAddresses
  /** For stagers. */
  readonly jobs: EmulatorAddresses
  /** Processor architecture of the functions. */
  readonly architecture: 'arm64' | 'x86_64'
}

const host = z
  .string()
  .regex(
    /^[a-z\d](?:[a-z\d.-]*[a-z\d])?$/iu,
    'expected a host name or an IPv4 address without scheme and port, such as host.docker.internal',
  )

/** Settings of the local stage, by the names of their variables. An absent address leaves the host of each URL unchanged. */
export const EMULATOR_SETTINGS = {
  /** Host at which clients of this service reach emulator and object store. */
  CLIENT_ADDRESS: host.optional(),
  /** Host at which functions reach emulator, object store, Batch server and registry. */
  FUNCTION_ADDRESS: host.optional(),
  /** Host at which jobs reach emulator and object store. */
  JOB_ADDRESS: host.optional(),
  FUNCTION_ARCHITECTURE: z
    .enum(
      ['arm64', 'x86_64'],
      'expected arm64 or x86_64, the processor of the machine that runs the functions',
    )
    .default('arm64'),
} as const

const settingsSchema = z.object(EMULATOR_SETTINGS)

/**
 * Reads settings from variables. An empty variable counts as absent.
 * @throws SettingsError with one sentence for each wrong value
 */
export function parseVariables<Schema extends z.ZodType>(
  schema: Schema,
  environment: DeployEnvironment,
): z.infer<Schema> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const sentences = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.')} is "${given[String(path[0])] ?? ''}": ${message}.`,
  )
  throw new SettingsError(sentences.join('\n'))
}

/**
 * Reads the emulator from the environment: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_BATCH, OBJECT_STORE_URL and REGISTRY_URL, as seen from this
 * machine, and {@link EMULATOR_SETTINGS}.
 * @throws SettingsError with one sentence for each wrong value
 */
export function emulatorOf(environment: DeployEnvironment): Emulator {
  const settings = parseVariables(settingsSchema, environment)
  const endpoint = urlOf(environment, 'AWS_ENDPOINT_URL', 'http://127.0.0.1:4566')
  const s3Endpoint = urlOf(environment, 'OBJECT_STORE_URL', endpoint)
  const addressesFor = (address: string | undefined): EmulatorAddresses => ({
    endpoint: withHost(endpoint, address),
    s3Endpoint: withHost(s3Endpoint, address),
  })
  const { FUNCTION_ADDRESS } = settings
  return {
    functions: {
      ...addressesFor(FUNCTION_ADDRESS),
      batchEndpoint: withHost(urlOf(environment, 'AWS_ENDPOINT_URL_BATCH', endpoint), FUNCTION_ADDRESS),
      registryUrl: withHost(urlOf(environment, 'REGISTRY_URL', s3Endpoint), FUNCTION_ADDRESS),
    },
    clients: addressesFor(settings.CLIENT_ADDRESS),
    jobs: addressesFor(settings.JOB_ADDRESS),
    architecture: settings.FUNCTION_ARCHITECTURE,
  }
}

/** Replaces the host of a URL and removes trailing slashes. Returns the URL unchanged without an address. */
export function withHost(url: string, address: string | undefined): string {
  if (address === undefined) return url
  const changed = new URL(url)
  changed.hostname = address
  return changed.href.replace(/\/+$/u, '')
}

/** Host names of the emulator in the addresses of all programs. */
export function hostsOf({ functions, clients, jobs }: Emulator): readonly string[] {
  return [...new Set([clients, functions, jobs].map(({ endpoint }) => new URL(endpoint).hostname))]
}

function urlOf(environment: DeployEnvironment, variable: string, fallback: string): string {
  const value = environment[variable] || fallback
  if (!URL.canParse(value))
    throw new SettingsError(`${variable} must be a URL such as http://127.0.0.1:4566, not "${value}"`)
  return value.replace(/\/+$/u, '')
}
