import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const FORBIDDEN: readonly (readonly [folder: string, module: string])[] = [
  ['src/domain/run', '@aws-sdk/client-s3'],
  ['src/domain/run', '../../ports.ts'],
  ['src/domain/run', '../../use-cases/create-run.ts'],
  ['src/domain/run', 'node:fs'],
  ['src/formats/zip', '../../domain/run/run.ts'],
  ['src/use-cases', '../adapters/aws/s3-object-store.ts'],
  ['src/use-cases', '../runtime/environment.ts'],
  ['src/use-cases', 'hono'],
  ['src/adapters/aws', '../../use-cases/create-run.ts'],
  ['lambdas/api', '../../src/adapters/aws/s3-object-store.ts'],
  ['lambdas/api', '../../lib/stages.ts'],
  ['lambdas/api', '@aws-sdk/client-s3'],
  ['lib/constructs', '../../src/domain/run/run.ts'],
  ['stager', '../src/use-cases/create-run.ts'],
  ['stager', '../src/formats/read-all.ts'],
  ['stager', '../src/formats/tar/read-tar.ts'],
  ['stager', '@aws-sdk/client-s3'],
  ['edge', '../src/adapters/aws/s3-object-store.ts'],
  ['cli', '../src/use-cases/create-run.ts'],
]
const ALLOWED: typeof FORBIDDEN = [
  ['src/use-cases', '../domain/run/run.ts'],
  ['src/adapters/aws', '@aws-sdk/client-s3'],
  ['lambdas/api', '../../src/use-cases/create-run.ts'],
  ['lib/constructs', '../../src/runtime/environment.ts'],
  ['stager', '../src/domain/staging.ts'],
  ['stager', '../src/formats/zip/write-folder-zip.ts'],
]

/** A copy of the tree with one import a file, and the files that the linter refuses. */
let tree: string
let refused: ReadonlySet<string>
const fileOf = ([folder, module]: readonly [string, string]): string =>
  `${folder}/${module.replace(/\W+/gu, '-')}.ts`

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'import-rules-'))
  copyFileSync('biome.json', join(tree, 'biome.json'))
  for (const one of [...FORBIDDEN, ...ALLOWED]) {
    const path = join(tree, fileOf(one))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `import { x } from '${one[1]}'\n\nexport const y = x\n`)
  }
  const { stdout } = spawnSync(
    resolve('node_modules/.bin/biome'),
    ['lint', '--only=style/noRestrictedImports', '--reporter=github', '--max-diagnostics=none'],
    { cwd: tree, encoding: 'utf8' },
  )
  const files = [...stdout.matchAll(/file=([^,]+),/gu)].map((match) => match[1] ?? '')
  refused = new Set(files.map((file) => relative(tree, resolve(tree, file))))
})
afterAll(() => rmSync(tree, { recursive: true }))

describe('the import rules of the folders', () => {
  it.each(FORBIDDEN)('forbid %s to import %s', (folder, module) => {
    expect([...refused]).toContain(fileOf([folder, module]))
  })

  it.each(ALLOWED)('let %s import %s', (folder, module) => {
    expect([...refused]).not.toContain(fileOf([folder, module]))
  })
})
