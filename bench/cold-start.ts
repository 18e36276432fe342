import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { DEFAULT_STAGE } from '../lib/stages.ts'
import { temporaryFolder } from '../local/clean-up.ts'
import { type Bundle, bundlesOf } from '../test/templates/bundles.ts'
import { synthesizedStage } from '../test/templates/read-stage.ts'
import { print } from './measure.ts'

/*
 * Measures the part of a cold start that our code takes: loading the deployed bundle into a Node process. The start of Node itself is
 * measured with a built-in module and subtracted. Lambda adds its own time for the sandbox and the download.
 *
 *   npm run bench:cold-start
 */

const REPEATS = 10
const TARGETS: Readonly<Record<string, number>> = { Api: 250 }

const LOAD = 'require(process.argv[1]); process.exit()'
const EMPTY = 'node:module'

const execute = promisify(execFile)

async function timeToLoad(code: string, variables: Bundle['variables']): Promise<number> {
  const start = performance.now()
  await execute(process.execPath, ['--input-type=commonjs', '--eval', LOAD, code], {
    env: { AWS_REGION: 'us-east-1', AWS_LAMBDA_FUNCTION_NAME: 'bench', ...variables },
  })
  return performance.now() - start
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

async function measure({ id, file, sizeBytes, variables }: Bundle, folder: string): Promise<void> {
  // Copied out of this project, because its package.json declares ES modules and a Lambda has no package.json.
  const code = join(folder, basename(file))
  await copyFile(file, code)
  const times: number[] = []
  const empty: number[] = []
  // The first start is not counted, because it reads the files from disk.
  await timeToLoad(code, variables)
  for (let i = 0; i < REPEATS; i += 1) {
    times.push(await timeToLoad(code, variables))
    empty.push(await timeToLoad(EMPTY, variables))
  }
  const target = TARGETS[id]
  print({
    name: `${id} (${(sizeBytes / 1000).toFixed(0)} kB)`,
    value: median(times) - median(empty),
    unit: 'ms',
    ...(target === undefined ? {} : { target }),
  })
}

await using folder = await temporaryFolder('bench-cold-start-')
for (const bundle of bundlesOf(synthesizedStage(DEFAULT_STAGE))) await measure(bundle, folder.path)
