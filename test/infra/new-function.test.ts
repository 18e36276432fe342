import { execFile } from 'node:child_process'
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SynthesizedTemplate } from '../templates/resolve-references.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** Source files of the CDK app. */
const SOURCES = [
  'bin',
  'lib',
  'lambdas',
  'src',
  'stager',
  'cdk.json',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
]

const HANDLER = `import { readEnvironment } from '../../src/contract/environment.ts'

const { tableName } = readEnvironment(['installation', 'tableName'])

export async function handler(): Promise<string> {
  return tableName
}
`

const DEFINITION = `import { Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'

/** Counts uploads. */
export const countUploads: FunctionDefinition = {
  name: 'count-uploads',
  memoryMib: 256,
  timeout: Duration.seconds(30),
  variables: ({ values: { installation, tableName } }) => ({ installation, tableName }),
  permissions: ({ grants }) => [grants.items(['dynamodb:Query'])],
  trigger: {
    id: 'UploadCount',
    deadLetters: 'UploadCounts',
    rules: () => ({ Rule: { description: 'Every hour: count uploads', every: Duration.hours(1) } }),
  },
}
`

let copy: string
let service: SynthesizedTemplate

/** Contents of all source files below a folder, by path. */
function filesOf(root: string): Map<string, string> {
  const files = globSync(
    SOURCES.flatMap((source) => [source, `${source}/**/*.*`]),
    { cwd: root },
  )
  return new Map(
    files
      .filter((file) => /\.\w+$/u.test(file))
      .map((file) => [file, readFileSync(join(root, file), 'utf8')]),
  )
}

/** Adds the import and the name of the new function to the list of functions. */
function addToList(source: string): string {
  return source
    .replace('import { failRun }', "import { countUploads } from './count-uploads.ts'\n$&")
    .replace(/(FUNCTIONS: readonly FunctionDefinition\[\] = \[\n)/u, '$1  countUploads,\n')
}

async function synthesizeIn(root: string): Promise<SynthesizedTemplate> {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'))
  await promisify(execFile)(process.execPath, ['bin/app.ts'], {
    cwd: root,
    env: {
      ...process.env,
      CDK_OUTDIR: join(root, 'cdk.out'),
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, 'aws:cdk:bundling-stacks': [] }),
    },
  })
  return JSON.parse(readFileSync(join(root, 'cdk.out', 'Service.template.json'), 'utf8'))
}

function idsOf(type: string): string[] {
  return Object.entries(service.Resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id]) => id)
}

beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'new-function-'))
  for (const source of SOURCES) cpSync(join(ROOT, source), join(copy, source), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const list = join(copy, 'lib', 'functions', 'index.ts')
  const handler = join(copy, 'lambdas', 'count-uploads', 'index.ts')
  mkdirSync(dirname(handler))
  writeFileSync(handler, HANDLER)
  writeFileSync(join(dirname(list), 'count-uploads.ts'), DEFINITION)
  writeFileSync(list, addToList(readFileSync(list, 'utf8')))
  service = await synthesizeIn(copy)
})

afterAll(() => rmSync(copy, { recursive: true }))

describe('a new function', () => {
  it('requires two new files and one changed file', () => {
    const [before, after] = [filesOf(ROOT), filesOf(copy)]
    const touched = [...after].filter(([file, text]) => before.get(file) !== text).map(([file]) => file)

    expect(touched.sort()).toEqual([
      'lambdas/count-uploads/index.ts',
      'lib/functions/count-uploads.ts',
      'lib/functions/index.ts',
    ])
    expect(touched.filter((file) => !before.has(file))).toHaveLength(2)
  })

  it('has a role with the permissions of its definition', () => {
    const [policyId = ''] = idsOf('AWS::IAM::Policy').filter((id) => id.startsWith('CountUploadsRole'))
    const { PolicyDocument } = service.Resources[policyId]?.Properties ?? {}

    expect(JSON.stringify(PolicyDocument)).toContain('"Action":"dynamodb:Query"')
  })

  it.each([
    ['a function', 'AWS::Lambda::Function', /^CountUploadsFunction/u],
    ['a log group', 'AWS::Logs::LogGroup', /^CountUploadsLogs/u],
    ['a rule that calls it', 'AWS::Events::Rule', /^UploadCountRule/u],
    ['a dead-letter queue', 'AWS::SQS::Queue', /^UploadCountDeadLetters/u],
    ['an alarm for events that it could not process', 'AWS::CloudWatch::Alarm', /DeadLettersUploadCounts/u],
  ])('has %s', (_, type, id) => {
    expect(idsOf(type).filter((one) => id.test(one))).toHaveLength(1)
  })

  it('occurs in the outputs, in alarms and in the dashboard', () => {
    const { Outputs } = service as SynthesizedTemplate & {
      readonly Outputs: Readonly<Record<string, unknown>>
    }
    const reference = JSON.stringify(Outputs.CountUploadsFunctionName)
    const functionId = idsOf('AWS::Lambda::Function').find((id) => id.startsWith('CountUploads'))
    const [throttles = ''] = idsOf('AWS::CloudWatch::Alarm').filter((id) => id.includes('AlarmsThrottles'))
    const [dashboard = ''] = idsOf('AWS::CloudWatch::Dashboard')

    expect(reference).toContain(functionId)
    for (const id of [throttles, dashboard])
      expect(JSON.stringify(service.Resources[id]), id).toContain(`{"Ref":"${functionId}"}`)
  })
})
