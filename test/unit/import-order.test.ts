import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Folders of `src/` from the bottom up: each may import itself and the preceding ones. */
const ORDER = [
  'contract',
  'shared',
  'signing',
  'aws',
  'idempotency',
  'archive',
  'images',
  'task',
  'store',
  'run',
  'upload',
  'events',
  'import',
  'inputs',
  'outputs',
  'lifecycle',
  'run-set',
  'webhook',
]

/** Folders that each program may import in addition to its own. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  lambdas: ['src'],
  lib: ['src/contract'],
  bin: ['lib'],
  // Has no AWS credential and is shipped without an SDK.
  stager: ['src/contract', 'src/shared', 'src/archive'],
  // A client of the API.
  edge: ['src/contract', 'src/shared', 'src/signing'],
  // Checks, builds and runs tasks by the service's own code.
  cli: ['src', 'local', 'stager', 'lib/settings'],
}

/** Programs that may import packages with these prefixes; all programs may import other packages. */
const PACKAGES: readonly (readonly [name: RegExp, files: RegExp])[] = [
  [
    /^@(aws-sdk|smithy)\//u,
    /^(src\/(aws|signing)\/|src\/.*\/(batch|cloudwatch|dynamo|ecr|event|registry|sfn|sqs)-|cli\/api-auth|edge\/main)/u,
  ],
  [/^hono\b/u, /^lambdas\/api\//u],
  [/^zod-openapi\b/u, /^lambdas\/api\/openapi\//u],
  [/^(aws-cdk-lib|constructs|cdk-nag)\b/u, /^(lib|bin)\//u],
]

/** Descriptions of the API would make the function larger and slower to start (ADR 17). */
const DESCRIPTIONS = 'lambdas/api/openapi/'

/** Whether a file may import a module: a path from the root of the repository, or the name of a package. */
function mayImport(file: string, module: string): boolean {
  const [program = '', feature = ''] = file.split('/')
  const [toProgram = '', toFeature = ''] = module.split('/')
  if (!/^(src|lambdas|lib|bin|stager|edge|cli|local|test|bench)\//u.test(module)) {
    return PACKAGES.every(([name, files]) => !name.test(module) || files.test(file))
  }
  if (program === 'src') {
    return (
      toProgram === 'src' && ORDER.includes(feature) && ORDER.indexOf(toFeature) <= ORDER.indexOf(feature)
    )
  }
  if (module.startsWith(DESCRIPTIONS)) return file.startsWith(DESCRIPTIONS)
  const others = PROGRAMS[program] ?? []
  return toProgram === program || others.some((other) => module.startsWith(`${other}/`))
}

/** Modules that a file imports, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/(?:\bfrom |\bimport\()'([^']+)'/gu)].map(([, name = '']) =>
    name.startsWith('.') ? normalize(join(dirname(file), name)) : name,
  )
}

const FILES = globSync(`{src,${Object.keys(PROGRAMS).join()}}/**/*.ts`)

describe('the order of imports', () => {
  it('holds for every file', () => {
    const wrong = FILES.flatMap((file) =>
      importsOf(file)
        .filter((module) => !mayImport(file, module))
        .map((module) => `${file} imports ${module}`),
    )

    expect(wrong).toEqual([])
  })

  it('covers every folder of src', () => {
    const folders = FILES.filter((file) => file.startsWith('src/')).map((file) => file.split('/')[1])

    expect([...new Set(folders)].sort()).toEqual(ORDER.toSorted())
  })

  it.each([
    ['src/task/task.ts', 'src/run/run.ts'],
    ['src/run/run.ts', 'test/fakes/memory-run-repository.ts'],
    ['src/run/run.ts', '@aws-sdk/client-s3'],
    ['src/lifecycle/submit-job.ts', 'hono'],
    ['src/lifecycle/submit-job.ts', 'lambdas/submit-job/index.ts'],
    ['lib/stages.ts', 'src/run/run.ts'],
    ['lambdas/api/app.ts', 'lib/stages.ts'],
    ['lambdas/api/app.ts', '@aws-sdk/client-s3'],
    ['lambdas/api/app.ts', 'lambdas/api/openapi/document.ts'],
    ['lambdas/api/app.ts', 'zod-openapi'],
    ['stager/main.ts', 'src/run/run.ts'],
    ['stager/main.ts', '@aws-sdk/client-s3'],
    ['edge/edge.ts', 'src/aws/s3-object-store.ts'],
    ['cli/main.ts', 'lambdas/api/app.ts'],
    ['cli/main.ts', '@aws-sdk/client-s3'],
  ])('forbids %s to import %s', (file, module) => {
    expect(mayImport(file, module)).toBe(false)
  })

  it.each([
    ['src/run/run.ts', 'src/task/task.ts'],
    ['src/run/dynamo-run-repository.ts', '@aws-sdk/lib-dynamodb'],
    ['src/task/task.ts', 'zod'],
    ['lib/stages.ts', 'src/contract/environment.ts'],
    ['lambdas/api/app.ts', 'src/run/create-run.ts'],
    ['stager/main.ts', 'src/archive/folder-zip/write-folder-zip.ts'],
  ])('lets %s import %s', (file, module) => {
    expect(mayImport(file, module)).toBe(true)
  })
})

describe('the infrastructure', () => {
  it('loads nothing of src but its contract', () => {
    const loaded = new Set<string>()
    const load = (file: string): void => {
      if (loaded.has(file)) return
      loaded.add(file)
      for (const module of importsOf(file)) if (/^(src|lib|bin)\//u.test(module)) load(module)
    }

    load('bin/app.ts')

    const ofSrc = [...loaded].filter((file) => file.startsWith('src/'))
    expect(ofSrc.length).toBeGreaterThan(0)
    expect(ofSrc.filter((file) => !file.startsWith('src/contract/'))).toEqual([])
  })
})
