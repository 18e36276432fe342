import { delimiter, join } from 'node:path'

/** The project's folder. */
export const PROJECT = join(import.meta.dirname, '..')
export const REGION = 'us-east-1'
export const ACCOUNT = '000000000000'

/** Addresses that replace those of AWS. */
export interface Endpoints {
  /** Endpoint of all services except the following. */
  readonly emulatorUrl: string
  readonly batchUrl: string
  readonly s3Url: string
}

/** The user's environment with addresses of the local stack. Profiles and real credentials are removed. */
export function awsEnvironment({ emulatorUrl, batchUrl, s3Url }: Endpoints): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))
  return {
    ...Object.fromEntries(own),
    PATH: programPath(),
    AWS_ENDPOINT_URL: emulatorUrl,
    AWS_ENDPOINT_URL_BATCH: batchUrl,
    AWS_ENDPOINT_URL_S3: s3Url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    // Looking for instance metadata, which does not exist here, takes seconds.
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

/** The project's own Node comes first in PATH: the emulator runs functions with the `node` that it finds. */
export function programPath(): string {
  return [join(PROJECT, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
}
