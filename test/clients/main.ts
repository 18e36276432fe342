/*
 * Checks docs/openapi.yaml with independent tools: Redocly's recommended rules, a generated Python client and a generated
 * TypeScript client. Each client runs the example task:
 *
 *   npm run test:clients                          on its own local stack
 *   npm run test:clients -- --url http://127.0.0.1:8080/app-engine/v1/
 */
import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PROJECT } from '../../local/aws-environment.ts'
import { findPython, installPackages } from '../../local/python-packages.ts'
import { startTemporaryStack } from '../../local/stack.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { runProgram } from './run-program.ts'

/** Pinned, because another version may generate other code. TypeScript has a version that openapi-typescript supports. */
const PYTHON_GENERATOR = '0.29.1'
const NODE_PACKAGES = {
  '@redocly/cli': '2.77.0',
  'openapi-fetch': '0.17.0',
  'openapi-typescript': '7.13.0',
  '@types/node': '24.19.4',
  typescript: '5.9.3',
}
const DOCUMENT = join(PROJECT, 'docs/openapi.yaml')
const BUNDLE = join(PROJECT, 'examples/add-and-echo/add-and-echo.zip')
const HERE = import.meta.dirname
/** Package name of the generated client. */
const PACKAGE = 'cytomine_app_engine_client'

const progress = createProgress(process.stdout)
const { values } = parseArgs({ options: { url: { type: 'string' } } })
const folder = join(PROJECT, '.local/clients')
await rm(join(folder, 'generated'), { recursive: true, force: true })
await mkdir(join(folder, 'generated'), { recursive: true })
await installNodePackages()
await progress.step('Redocly, recommended rules', () =>
  runProgram(join(folder, 'node_modules/.bin/redocly'), ['lint', '--extends', 'recommended', DOCUMENT]),
)
const python = await progress.step('Python client, generated', generatePython)
const script = await progress.step('TypeScript client, generated and compiled', generateTypeScript)
if (values.url === undefined) {
  await using stack = await startTemporaryStack({
    instance: `clients-${randomBytes(4).toString('hex')}`,
    progress,
  })
  await runFlows(stack.baseUrl)
} else {
  await runFlows(values.url)
}

async function runFlows(url: string): Promise<void> {
  const generated = join(folder, 'generated/python')
  const words = [join(HERE, 'flow.py'), generated, url, BUNDLE]
  progress.say(await progress.step('run by the Python client', () => runProgram(python, words)))
  progress.say(
    await progress.step('run by the TypeScript client', () => runProgram('node', [script, url, BUNDLE])),
  )
}

async function installNodePackages(): Promise<void> {
  const manifest = JSON.stringify({ private: true, dependencies: NODE_PACKAGES })
  await writeFile(join(folder, 'package.json'), manifest)
  await progress.step('generators, installed', () =>
    runProgram('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts']),
  )
}

/** @returns the Python with the dependencies of the generated client */
async function generatePython(): Promise<string> {
  const installed = await installPackages({
    python: await findPython('The generator of the Python client'),
    directory: join(PROJECT, '.local/venv'),
    name: `openapi-python-client-${PYTHON_GENERATOR}`,
    packages: [`openapi-python-client==${PYTHON_GENERATOR}`],
    title: 'The generator of the Python client',
  })
  const output = join(folder, 'generated/python')
  const words = ['generate', '--meta', 'none', '--path', DOCUMENT, '--output-path', join(output, PACKAGE)]
  const said = await runProgram(installed, ['-m', 'openapi_python_client', ...words])
  // The generator only warns when it omits an operation that it does not support.
  if (said.includes('will not be generated')) throw new Error(said)
  return installed
}

/** @returns path of the compiled program */
async function generateTypeScript(): Promise<string> {
  const output = join(folder, 'generated')
  const program = (name: string): string => join(folder, 'node_modules/.bin', name)
  await runProgram(program('openapi-typescript'), [DOCUMENT, '--output', join(output, 'schema.d.ts')])
  await copyFile(join(HERE, 'flow.ts'), join(output, 'flow.ts'))
  const options = ['--strict', '--target', 'es2022', '--module', 'commonjs', '--esModuleInterop']
  await runProgram(program('tsc'), [
    ...options,
    '--outDir',
    join(output, 'compiled'),
    join(output, 'flow.ts'),
  ])
  return join(output, 'compiled/flow.js')
}
