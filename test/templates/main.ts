import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as z from 'zod'
import { buildEngine } from '../../lib/engine.ts'
import { STAGE_NAMES, stageOf } from '../../lib/stages.ts'
import { lastLines } from '../../local/container-engine.ts'
import { findPython, installPackages } from '../../local/python-packages.ts'
import { UserError } from '../../local/user-error.ts'
import { pairwise } from '../fixtures/stage-choices.ts'
import { anApp } from '../infra/synthesis.ts'
import { type NamedPolicy, policiesOf } from './policies.ts'
import { readTemplates, synthesizedStage } from './read-stage.ts'

/*
 * Checks templates with cfn-lint, which contains the schemas of all resource types, and parliament, which contains the Service
 * Authorization Reference. Neither needs an account. The templates are those of `npm run synth`, and those of the combinations of
 * settings that the matrix test builds.
 */

const CFN_LINT = '1.58.0'
const PARLIAMENT = '1.6.4'
/** Last version that parliament can use: later ones lack pkg_resources. */
const SETUPTOOLS = '80.9.0'

/** Rules of cfn-lint that this project does not follow, with the reasons. */
const ACCEPTED_RULES: Readonly<Record<string, string>> = {
  W3005: 'The CDK adds dependencies on a policy and its role, although the first implies the second',
  W6001: 'The outputs of the service stack list all names for operators',
}

/** False findings of parliament with the reasons, by action, or by issue and property of a template. */
const ACCEPTED_FINDINGS: Readonly<Record<string, string>> = {
  'states:SendTaskFailure':
    'The reference lists no resource for responses to tokens, but AWS checks the state machine (aws/aws-cdk pull request 8486)',
  'states:SendTaskSuccess':
    'The reference lists no resource for responses to tokens, but AWS checks the state machine',
  'states:ListExecutions':
    'Needs a state machine or a map run: the reference requires both, but we have no map runs',
  'states:DescribeExecution':
    'Needs a standard or an express execution: the reference requires both, but ours are standard',
  'INVALID_ARN Policy': 'API Gateway expands the short form `execute-api:/*` to the ARN of the API',
  'RESOURCE_STAR KeyPolicy': 'In the policy of a key, `*` means that key',
  'MISMATCHED_TYPE KeyPolicy':
    'CloudWatch Logs documents ArnLike for the encryption context, but in the reference its type is text',
}

/** A Region that has all resource types that we use. */
const REGION = 'us-east-1'

const ENVIRONMENTS = join(import.meta.dirname, '..', '..', '.local', 'venv')

/** Index of the property in the name of a policy (templates/policies.ts). */
const PROPERTY = 3

const execute = promisify(execFile)

/** Runs a linter, whose exit code is 1 both for findings and for an exception. @returns its output */
async function run(python: string, words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await execute(python, words, { maxBuffer: 64 * 1024 * 1024 })
    return stdout
  } catch (error) {
    const {
      code,
      stdout = '',
      stderr = '',
    } = error as {
      readonly code?: number
      readonly stdout?: string
      readonly stderr?: string
    }
    if (code === 1 && stdout !== '' && !stderr.includes('Traceback')) return stdout
    throw new Error(lastLines(stderr) || String(error), { cause: error })
  }
}

async function lintTemplates(python: string, files: readonly string[]): Promise<string[]> {
  const ignored = Object.keys(ACCEPTED_RULES).flatMap((rule) => ['--ignore-checks', rule])
  const said = await run(python, [
    ...['-c', 'import sys; from cfnlint.runner import main; sys.exit(main())'],
    ...['--format', 'parseable', '--regions', REGION, '--non-zero-exit-code', 'none'],
    ...ignored,
    ...['--template', ...files],
  ])
  return said.split('\n').filter((line) => line !== '')
}

const mismatchSchema = z.object({ action: z.string(), required_format: z.string() })
const findingSchema = z.object({
  issue: z.string(),
  title: z.string(),
  detail: z.union([z.array(mismatchSchema), z.unknown().transform((detail) => JSON.stringify(detail))]),
  location: z.object({ filepath: z.string() }),
})

async function lintPolicies(python: string, policies: readonly NamedPolicy[]): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'policies-'))
  try {
    for (const { name, document } of policies)
      writeFileSync(join(directory, `${name}.json`), JSON.stringify(document))
    const said = await run(python, ['-m', 'parliament.cli', '--directory', directory, '--json'])
    return said
      .split('\n')
      .filter((line) => line !== '')
      .flatMap((line) => spellFinding(findingSchema.parse(JSON.parse(line)), directory))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function spellFinding(finding: z.infer<typeof findingSchema>, directory: string): string[] {
  const { issue, title, detail, location } = finding
  const policy = location.filepath.slice(directory.length + 1)
  const details =
    typeof detail === 'string'
      ? [{ key: `${issue} ${policy.split('.').at(PROPERTY)}`, text: detail }]
      : detail.map(({ action, required_format }) => ({
          key: action,
          text: `${action} requires ${required_format}`,
        }))
  return details
    .filter(({ key }) => !Object.hasOwn(ACCEPTED_FINDINGS, key))
    .map(({ text }) => `${policy}: ${issue}: ${title}: ${text}`)
}

async function check(): Promise<void> {
  const python = await installPackages({
    python: await findPython('Checking templates'),
    directory: ENVIRONMENTS,
    name: `cfn-lint-${CFN_LINT}-parliament-${PARLIAMENT}`,
    packages: [`cfn-lint==${CFN_LINT}`, `parliament==${PARLIAMENT}`, `setuptools==${SETUPTOOLS}`],
    title: 'cfn-lint and parliament',
  })
  const missing = STAGE_NAMES.filter((stage) => !existsSync(synthesizedStage(stage)))
  if (missing.length > 0)
    throw new UserError(`Not synthesized: ${missing.join(', ')}. Run npm run synth first.`)
  const folder = mkdtempSync(join(tmpdir(), 'templates-'))
  try {
    const stages = [
      ...STAGE_NAMES.map((name) => ({ name, directory: synthesizedStage(name) })),
      ...matrix(folder),
    ]
    await checkStages(python, stages)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A stage and the folder of its templates. */
interface SynthesizedStage {
  readonly name: string
  readonly directory: string
}

/** Synthesizes combinations of settings, without the bundles of functions, which the linters do not read. */
function matrix(folder: string): SynthesizedStage[] {
  return pairwise().map(([, settings], position) => {
    const app = anApp(join(folder, String(position)))
    buildEngine(app, stageOf(settings))
    const { directory } = app.synth()
    return { name: `matrix-${position}`, directory }
  })
}

async function checkStages(python: string, stages: readonly SynthesizedStage[]): Promise<void> {
  // Equal stacks and policies are checked once: most combinations of settings share them.
  const files = new Map<string, string>()
  const policies = new Map<string, NamedPolicy>()
  for (const { name, directory } of stages) {
    const templates = readTemplates(directory)
    for (const [file, template] of templates) keepFirst(files, template, join(directory, file))
    for (const policy of policiesOf(name, templates)) keepFirst(policies, policy.document, policy)
  }
  const [ofTemplates, ofPolicies] = await Promise.all([
    lintTemplates(python, [...files.values()]),
    lintPolicies(python, [...policies.values()]),
  ])
  for (const line of [...ofTemplates, ...ofPolicies]) console.log(line)
  console.log(
    `cfn-lint: ${ofTemplates.length} findings in ${files.size} different templates of ${stages.length} stages`,
  )
  console.log(`parliament: ${ofPolicies.length} findings in ${policies.size} different policies`)
  if (ofTemplates.length + ofPolicies.length > 0) process.exitCode = 1
}

function keepFirst<T>(kept: Map<string, T>, content: unknown, value: T): void {
  const key = JSON.stringify(content)
  if (!kept.has(key)) kept.set(key, value)
}

try {
  await check()
} catch (error) {
  if (!(error instanceof UserError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
