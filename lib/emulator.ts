import * as z from 'zod'
import { SettingsError } from './settings/errors.ts'

/** Variables of the deploying process. */
export type DeployEnvironment = Readonly<Record<string, string | undefined>>

/** Where one kind of program reaches the emulator. */
export interface EmulatorAddresses {
  readonly endpoint: string
  readonly s3Endpoint: string
}

/**
 * What takes the place of AWS, when a stage is deployed to an emulator. Each kind of program has addresses of its own, since
 * `127.0.0.1` in a container is the container.
 */
export interface Emulator {
  readonly functions: EmulatorAddresses & { readonly batchEndpoint: string; readonly registryUrl: string }
  /** The edge, and whoever follows a presigned URL. */
  readonly clients: EmulatorAddresses
  /** Stagers. */
  readonly jobs: EmulatorAddresses
  /** Of the machines that run the functions. */
  readonly architecture: 'arm64' | 'x86_64'
}

const host = z
  .string()
  .regex(
    /^[a-z\d](?:[a-z\d.-]*[a-z\d])?$/iu,
    'expected a host name or an IPv4 address without scheme and port, such as host.docker.internal',
  )

/** Settings of the local stage, by the names of their variables. One that is left out leaves the host of each URL as it is. */
export const EMULATOR_SETTINGS = {
  /** Host at which clients of this service reach emulator and object store. */
  CLIENT_ADDRESS: host.optional(),
  /** The same for functions; Batch server and registry included. */
  FUNCTION_ADDRESS: host.optional(),
  /** The same for jobs. */
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
 * The settings, out of variables; an empty one counts as left out.
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
 * The emulator as the environment describes it: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_BATCH, OBJECT_STORE_URL and REGISTRY_URL as this machine
 * reaches them, and {@link EMULATOR_SETTINGS}.
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

/** The same URL at another host, without a slash at its end; unchanged where there is none. */
export function withHost(url: string, address: string | undefined): string {
  if (address === undefined) return url
  const changed = new URL(url)
  changed.hostname = address
  return changed.href.replace(/\/+$/u, '')
}

/** Names by which the programs call the emulator. */
export function hostsOf({ functions, clients, jobs }: Emulator): readonly string[] {
  return [...new Set([clients, functions, jobs].map(({ endpoint }) => new URL(endpoint).hostname))]
}

function urlOf(environment: DeployEnvironment, variable: string, fallback: string): string {
  const value = environment[variable] || fallback
  if (!URL.canParse(value))
    throw new SettingsError(`${variable} must be a URL, like http://127.0.0.1:4566, and is "${value}"`)
  return value.replace(/\/+$/u, '')
}
