/*
 * Sends requests to a local stack that schemathesis generates from docs/openapi.yaml. Responses must not be 5xx, and must have documented
 * statuses and bodies:
 *
 *   npm run test:schemathesis                             180 s on its own local stack
 *   npm run test:schemathesis -- --seconds 50 --url http://127.0.0.1:8080/app-engine/v1/
 */
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { PROJECT } from '../../local/aws-environment.ts'
import { findPython, installPackages } from '../../local/python-packages.ts'
import { startTemporaryStack } from '../../local/stack.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { runProgram } from './run-program.ts'

const VERSION = '4.32.5'
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
]
/** Folder of schemathesis's reports. */
const LEFTOVERS = join(PROJECT, '.local')
/** `installTask` would call hosts of generated app stores, which may exist. The response of `streamEvents` does not end. */
const LEFT_OUT = ['installTask', 'streamEvents']

const progress = createProgress(process.stdout)
const { values } = parseArgs({
  options: { url: { type: 'string' }, seconds: { type: 'string', default: '180' }, seed: { type: 'string' } },
})
const python = await progress.step('schemathesis, installed', async () =>
  installPackages({
    python: await findPython('schemathesis'),
    directory: join(PROJECT, '.local/venv'),
    name: `schemathesis-${VERSION}`,
    packages: [`schemathesis==${VERSION}`],
    title: 'schemathesis',
  }),
)
if (values.url === undefined) {
  await using stack = await startTemporaryStack({
    instance: `schemathesis-${randomBytes(4).toString('hex')}`,
    progress,
  })
  await testApi(stack.baseUrl)
} else {
  await testApi(values.url)
}

async function testApi(url: string): Promise<void> {
  const words = [
    ...['run', join(PROJECT, 'docs/openapi.yaml'), '--url', url.replace(/\/$/u, '')],
    ...['--checks', CHECKS.join(','), '--max-time', values.seconds, '--continue-on-failure', '--no-color'],
    ...['--generation-database', 'none', '--warnings', 'off', '--request-timeout', '60'],
    ...LEFT_OUT.flatMap((id) => ['--exclude-operation-id', id]),
    ...(values.seed === undefined ? [] : ['--seed', values.seed]),
  ]
  const said = await progress.step(`schemathesis, ${values.seconds} s`, () =>
    runProgram(join(dirname(python), 'python'), ['-m', 'schemathesis.cli', ...words], LEFTOVERS),
  )
  progress.say(said.slice(said.lastIndexOf('= SUMMARY =')))
}
