import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { STAGE_NAMES } from '../../lib/stages.ts'
import { bundlesOf, MAX_BUNDLE_BYTES } from './bundles.ts'
import { synthesizedStage } from './read-stage.ts'

/*
 * Synthesizes every stage like `cdk deploy`, including bundles, without credentials and network. A finding of cdk-nag or an
 * oversized bundle makes the script fail.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CDK = fileURLToPath(new URL('../../node_modules/aws-cdk/bin/cdk', import.meta.url))

/** Variables without credentials and addresses, so that the templates do not depend on the user's shell. */
function withoutAws(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^(?:AWS_|CDK_|(?:REGISTRY|OBJECT_STORE)_URL$|(?:CLIENT|FUNCTION|JOB)_A)/u.test(name),
  )
  return {
    ...Object.fromEntries(kept),
    // cdk.json starts the app with plain `node`, which must be this version.
    PATH: `${dirname(process.execPath)}${delimiter}${environment.PATH ?? ''}`,
    AWS_EC2_METADATA_DISABLED: 'true',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
  }
}

async function synthesize(stage: string): Promise<boolean> {
  const options = ['--context', `stage=${stage}`, '--output', `cdk.out/${stage}`, '--quiet', '--no-notices']
  const cdk = spawn(process.execPath, [CDK, 'synth', ...options], {
    cwd: ROOT,
    env: withoutAws(process.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: Buffer[] = []
  for (const stream of [cdk.stdout, cdk.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk))
  const [code] = await once(cdk, 'close')
  // The output of bundling is long, and useful only after a failure.
  if (code !== 0) process.stderr.write(Buffer.concat(said))
  return code === 0
}

function areSmallEnough(stage: string): boolean {
  const tooLarge = bundlesOf(synthesizedStage(stage)).filter(({ sizeBytes }) => sizeBytes > MAX_BUNDLE_BYTES)
  for (const { id, sizeBytes } of tooLarge) {
    console.log(`${stage}: the bundle of ${id} has ${sizeBytes} bytes, more than ${MAX_BUNDLE_BYTES}`)
  }
  return tooLarge.length === 0
}

for (const stage of STAGE_NAMES) {
  const started = performance.now()
  const isSound = (await synthesize(stage)) && areSmallEnough(stage)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${stage}: ${isSound ? 'ok' : 'FAILED'} in ${seconds} s`)
  if (!isSound) process.exitCode = 1
}
