/*
 * Runs the example task with the whole stack deployed to LocalStack's engine:
 *
 *   npm run example:localstack
 *
 * The local Batch server runs the jobs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PROJECT, programPath } from '../../local/aws-environment.ts'
import { runLocalStackForStacks } from './stack-emulator.ts'

const emulator = await runLocalStackForStacks()
try {
  process.exitCode = await runExample({
    AWS_ENDPOINT_URL: emulator.url,
    REGISTRY_URL: emulator.registryUrl,
  })
} finally {
  await emulator.stop()
}

/** @returns the exit code of the example, which starts and stops its own stack */
async function runExample(environment: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn('node', ['local/example.ts', ...process.argv.slice(2)], {
    cwd: PROJECT,
    env: { ...process.env, PATH: programPath(), ...environment },
    stdio: 'inherit',
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
