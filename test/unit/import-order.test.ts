import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Folders of `src/` in order: each may import itself and those before it. */
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

/** Folders that each program may import in addition to its own: of `src` and of preceding programs. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  lambdas: ['src'],
  lib: ['src/contract'],
  bin: ['lib'],
  // The stager has no AWS credentials and is shipped without an SDK.
  stager: ['src/contract', 'src/shared', 'src/archive'],
  // The edge is a client of the API.
  edge: ['src/contract', 'src/shared', 'src/signing'],
  local: ['src', 'lib', 'stager'],
  // The CLI checks, builds and runs tasks with the service's own code.
  cli: ['src', 'local', 'stager', 'lib/settings'],
  // The console is served to browsers.
  console: ['src/contract'],
  bench: ['src', 'lambdas', 'lib', 'stager', 'edge', 'local', 'cli', 'test'],
}

/** Packages by prefix, and the only files that may import them; all files may import other packages. */
const PACKAGES: readonly (readonly [name: RegExp, files: RegExp])[] = [
  [
    /^@(aws-sdk|smithy)\//u,
    /^(src\/(aws|signing)\/|src\/.*\/(batch|cloudwatch|dynamo|ecr|event|registry|sfn|sqs)-|cli\/api-auth|edge\/main|local\/|bench\/)/u,
  ],
  [/^hono\b/u, /^lambdas\/api\//u],
  [/^zod\b/u, /^(?!console\/)/u],
  [/^zod-openapi\b/u, /^lambdas\/api\/openapi\//u],
  [/^(aws-cdk-lib|constructs|cdk-nag)\b/u, /^(lib|bin|bench)\//u],
]

/** Descriptions of the API would make functions larger and slower to start (ADR 17). */
const DESCRIPTIONS = 'lambdas/api/openapi/'

/** Schemas of requests and responses, and the folders that take types from them. The compiler removes these imports. */
const SCHEMAS = /^lambdas\/api\/openapi\/[\w-]+-schemas?\.ts$/u
const TYPED_BY_SCHEMAS = /^(lambdas\/api|console\/src\/api|cli)\//u

/** An import of types only, as a whole: `import { type Run }` would still load the module. */
const TYPE_IMPORT = /\b(?:import|export) type (?:\w+|\* as \w+|\{[^}]*\}) from '[^']+'/gu

/** A path from the root of the repository, or the name of a package, and whether a file imports only types of it. */
interface Import {
  readonly module: string
  readonly isTypes: boolean
}

/** Whether a file may import a module. */
function mayImport(file: string, { module, isTypes }: Import): boolean {
  const [program = '', feature = ''] = file.split('/')
  const [toProgram = '', toFeature = ''] = module.split('/')
  if (!/^(src|lambdas|lib|bin|stager|edge|cli|local|console|test|bench)\//u.test(module)) {
    return PACKAGES.every(([name, files]) => !name.test(module) || files.test(file))
  }
  if (program === 'src') {
    return (
      toProgram === 'src' && ORDER.includes(feature) && ORDER.indexOf(toFeature) <= ORDER.indexOf(feature)
    )
  }
  if (isTypes && SCHEMAS.test(module) && TYPED_BY_SCHEMAS.test(file)) return true
  if (module.startsWith(DESCRIPTIONS)) return file.startsWith(DESCRIPTIONS)
  const others = PROGRAMS[program] ?? []
  return toProgram === program || others.some((other) => module.startsWith(`${other}/`))
}

/** Imports of a file, types included. */
function importsOf(file: string): Import[] {
  return importsIn(readFileSync(file, 'utf8'), file)
}

function importsIn(text: string, file: string): Import[] {
  const modulesIn = (part: string): string[] =>
    [...part.matchAll(/(?:\bfrom |\bimport\(|^import )'([^']+)'/gmu)].map(([, name = '']) =>
      name.startsWith('.') ? normalize(join(dirname(file), name)) : name,
    )
  const loaded = new Set(modulesIn(text.replaceAll(TYPE_IMPORT, '')))
  return modulesIn(text).map((module) => ({ module, isTypes: !loaded.has(module) }))
}

/** Pairs of folders that import each other, by the imports of each file; a folder and its own subfolder are two folders. */
function mutualImports(imports: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const between = new Set(
    Object.entries(imports).flatMap(([file, modules]) =>
      modules.map((module) => `${dirname(file)} ${dirname(module)}`),
    ),
  )
  return [...between].filter((pair) => {
    const [from = '', to = ''] = pair.split(' ')
    return from < to && between.has(`${to} ${from}`)
  })
}

const FILES = globSync(`{src,${Object.keys(PROGRAMS).join()}}/**/*.{ts,tsx}`)

describe('the order of imports', () => {
  it('holds for every file', () => {
    const wrong = FILES.flatMap((file) =>
      importsOf(file)
        .filter((one) => !mayImport(file, one))
        .map(({ module, isTypes }) => `${file} imports ${isTypes ? 'types of ' : ''}${module}`),
    )

    expect(wrong).toEqual([])
  })

  it('has no programs that import each other', () => {
    const programs = ['test', 'src', ...Object.keys(PROGRAMS)]
    const later = Object.entries(PROGRAMS).flatMap(([program, others]) =>
      others.filter((other) => programs.indexOf(other.split('/')[0] ?? '') >= programs.indexOf(program)),
    )

    expect(later).toEqual([])
  })

  it('covers every folder of src', () => {
    const folders = FILES.filter((file) => file.startsWith('src/')).map((file) => file.split('/')[1])

    expect([...new Set(folders)].sort()).toEqual(ORDER.toSorted())
  })

  it('has no folders of src that import each other', () => {
    const ofSrc = FILES.filter((file) => file.startsWith('src/')).map((file) => {
      const modules = importsOf(file).map(({ module }) => module)
      return [file, modules.filter((module) => module.startsWith('src/'))] as const
    })

    expect(mutualImports(Object.fromEntries(ofSrc))).toEqual([])
  })

  it.each([
    ['src/a', 'src/b'],
    ['src/a', 'src/a/b'],
    ['src/a/b', 'src/a/c'],
  ])('finds that %s and %s import each other', (one, other) => {
    const imports = { [`${one}/x.ts`]: [`${other}/x.ts`, `${one}/y.ts`], [`${other}/y.ts`]: [`${one}/y.ts`] }

    expect(mutualImports(imports)).toEqual([`${one} ${other}`])
    expect(mutualImports({ ...imports, [`${other}/y.ts`]: [`${other}/x.ts`] })).toEqual([])
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
    ['lambdas/api/views.ts', 'lambdas/api/openapi/run-schemas.ts'],
    ['lambdas/api/app.ts', 'zod-openapi'],
    ['stager/main.ts', 'src/run/run.ts'],
    ['stager/main.ts', '@aws-sdk/client-s3'],
    ['edge/edge.ts', 'src/aws/s3-object-store.ts'],
    ['cli/main.ts', 'lambdas/api/app.ts'],
    ['cli/main.ts', '@aws-sdk/client-s3'],
    ['local/main.ts', 'cli/main.ts'],
    ['console/src/main.tsx', 'src/run/run.ts'],
    ['console/src/main.tsx', 'zod'],
    ['console/src/api/types.ts', 'lambdas/api/openapi/run-schemas.ts'],
    ['cli/service/schemas.ts', 'lambdas/api/openapi/run-schemas.ts'],
    ['edge/main.ts', 'bench/edge-sink.ts'],
  ])('forbids %s to import %s', (file, module) => {
    expect(mayImport(file, { module, isTypes: false })).toBe(false)
  })

  it.each([
    ['src/run/run.ts', 'src/task/task.ts'],
    ['src/run/dynamo-run-repository.ts', '@aws-sdk/lib-dynamodb'],
    ['src/task/task.ts', 'zod'],
    ['lib/stages.ts', 'src/contract/environment.ts'],
    ['lambdas/api/app.ts', 'src/run/create-run.ts'],
    ['stager/main.ts', 'src/archive/folder-zip/write-folder-zip.ts'],
  ])('lets %s import %s', (file, module) => {
    expect(mayImport(file, { module, isTypes: false })).toBe(true)
  })

  it.each([
    ['lambdas/api/views.ts', 'lambdas/api/openapi/run-schemas.ts'],
    ['console/src/api/types.ts', 'lambdas/api/openapi/run-schemas.ts'],
    ['cli/service/schemas.ts', 'lambdas/api/openapi/scan-schema.ts'],
  ])('lets %s import types of %s', (file, module) => {
    expect(mayImport(file, { module, isTypes: true })).toBe(true)
  })

  it.each([
    ['console/src/app.tsx', 'lambdas/api/openapi/run-schemas.ts'],
    ['console/src/api/types.ts', 'lambdas/api/openapi/describe-run-sets.ts'],
    ['console/src/api/types.ts', 'lambdas/api/routes/run-sets.ts'],
    ['edge/edge.ts', 'lambdas/api/openapi/run-schemas.ts'],
  ])('forbids %s to import even types of %s', (file, module) => {
    expect(mayImport(file, { module, isTypes: true })).toBe(false)
  })

  it('finds an import without names, which loads a module', () => {
    expect(importsIn("import '../run/run.ts'\nimport 'hono'\n// import 'zod'", 'src/task/task.ts')).toEqual([
      { module: 'src/run/run.ts', isTypes: false },
      { module: 'hono', isTypes: false },
    ])
  })

  it('distinguishes imports of types from imports that load a module', () => {
    expect(importsIn("export type {\n  A,\n  B as C,\n} from 'a'\nimport { type D } from 'b'", '')).toEqual([
      { module: 'a', isTypes: true },
      { module: 'b', isTypes: false },
    ])
  })
})

describe('the infrastructure', () => {
  it('loads nothing of src except src/contract', () => {
    const loaded = new Set<string>()
    const load = (file: string): void => {
      if (loaded.has(file)) return
      loaded.add(file)
      for (const { module } of importsOf(file)) if (/^(src|lib|bin)\//u.test(module)) load(module)
    }

    load('bin/app.ts')

    const ofSrc = [...loaded].filter((file) => file.startsWith('src/'))
    expect(ofSrc.length).toBeGreaterThan(0)
    expect(ofSrc.filter((file) => !file.startsWith('src/contract/'))).toEqual([])
  })
})
