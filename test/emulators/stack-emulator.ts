import { join } from 'node:path'
import { PROJECT, programPath } from '../../local/aws-environment.ts'
import { type RunningEmulator, runEmulator } from './emulators.ts'

/** An emulator that the whole stack can be deployed to. */
export interface StackEmulator extends RunningEmulator {
  /** Registry of the images, and ECR's API. */
  readonly registryUrl: string
}

/**
 * Starts LocalStack for the whole stack. Functions run as processes. MiniStack serves ECR and its registry, which LocalStack lacks, and
 * DynamoDB, whose licence does not allow its installation here.
 * @throws UserError when one of them cannot be installed
 */
export async function runLocalStackForStacks(): Promise<StackEmulator> {
  const ministack = await runEmulator('ministack', {}, 'localstack-ministack')
  try {
    const localstack = await runEmulator(
      'localstack',
      localStackEnvironment(ministack.url),
      'localstack-stack',
    )
    const stop = async (): Promise<void> => {
      await localstack.stop()
      await ministack.stop()
    }
    return { url: localstack.url, registryUrl: ministack.url, stop }
  } catch (error) {
    await ministack.stop()
    throw error
  }
}

function localStackEnvironment(otherEmulator: string): NodeJS.ProcessEnv {
  return {
    PATH: programPath(),
    OTHER_EMULATOR: otherEmulator,
    AWS_ENDPOINT_URL_ECR: otherEmulator,
    FUNCTIONS_LOG: join(PROJECT, '.local', 'log', 'localstack-functions.log'),
    // Time limit of a function's start, in seconds. It is long because each of several concurrent calls starts a process.
    LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT: '120',
    // Half of the time of a function's start is spent on loading its code.
    NODE_COMPILE_CACHE: join(PROJECT, '.local', 'compile-cache'),
  }
}
