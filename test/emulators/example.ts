/*
 * Runs the example task with the whole stack deployed to LocalStack's engine:
 *
 *   npm run example:localstack
 *
 * Functions are processes, jobs are run by the local Batch server. What LocalStack has not (ECR and its registry) or what may not be
 * installed here (DynamoDB) is MiniStack's.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { PROJECT, programPath } from '../../local/aws-environment.ts'
import { runEmulator } from './emulators.ts'

const ministack = await runEmulator('ministack')
try {
  const localstack = await runEmulator('localstack', {
    PATH: programPath(),
    OTHER_EMULATOR: ministack.url,
    AWS_ENDPOINT_URL_ECR: ministack.url,
    FUNCTIONS_LOG: join(PROJECT, '.local', 'localstack-functions.log'),
  })
  try {
    process.exitCode = await runExample({ AWS_ENDPOINT_URL: localstack.url, REGISTRY_URL: ministack.url })
  } finally {
    await localstack.stop()
  }
} finally {
  await ministack.stop()
}

/** @returns the exit code of the example, which starts and stops a stack of its own. */
async function runExample(environment: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn('node', ['local/example.ts', ...process.argv.slice(2)], {
    cwd: PROJECT,
    env: { ...process.env, PATH: programPath(), ...environment },
    stdio: 'inherit',
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
