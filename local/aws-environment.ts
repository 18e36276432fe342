import { delimiter, join } from 'node:path'

/** The project's folder. */
export const PROJECT = join(import.meta.dirname, '..')
export const REGION = 'us-east-1'
export const ACCOUNT = '000000000000'

/** Where the parts of a stack find what stands in for AWS. */
export interface Endpoints {
  /** Endpoint of all services but the following. */
  readonly emulatorUrl: string
  readonly batchUrl: string
  readonly s3Url: string
}

/** The user's environment with other addresses in AWS's place: no profile or real credential must get in between. */
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
    // Nothing here has instance metadata; looking for it takes seconds.
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

/** The project's own Node first: the emulator runs functions with the `node` it finds. */
export function programPath(): string {
  return [join(PROJECT, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
}
