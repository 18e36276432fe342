import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'

/** Files of the repository that a Node program loads, without packages. */
async function loadedBy(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<readonly string[]> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const preload = ['--import', pathToFileURL('test/fixtures/record-modules.ts').href]
  execFile(
    process.execPath,
    [...preload, ...words],
    { env: { PATH: process.env.PATH, ...env }, maxBuffer: 16 * 1024 * 1024 },
    (_, stdout) => resolve(stdout),
  )
  const urls = (await promise).split('\n').filter((line) => line.startsWith('file:'))
  return urls
    .map((url) => relative(process.cwd(), fileURLToPath(url)))
    .filter((file) => !/(?:^|\/)node_modules\//u.test(file))
}

/** Arguments that load files and nothing else. */
function importing(files: readonly string[]): readonly string[] {
  const imports = files.map((file) => `await import(${JSON.stringify(pathToFileURL(file).href)})`)
  return ['--input-type=module', '--eval', imports.join('\n')]
}

describe('the modules that are loaded', () => {
  it('with all of lib are only those of src/contract and lib', async () => {
    const files = globSync('lib/**/*.ts')

    const loaded = await loadedBy(importing(files))

    expect(loaded).toEqual(expect.arrayContaining(files))
    expect(loaded.some((file) => file.startsWith('src/contract/'))).toBe(true)
    expect(loaded.filter((file) => !/^(?:lib|src\/contract)\//u.test(file))).toEqual([])
  })

  it('with the CDK app are only those of src/contract, lib and bin', async () => {
    // The app refuses the stage after it has loaded its modules, and builds nothing.
    const loaded = await loadedBy(['bin/app.ts'], { CDK_CONTEXT_JSON: '{"stage":"unknown"}' })

    expect(loaded).toEqual(expect.arrayContaining(['bin/app.ts', 'lib/engine.ts', 'lib/stages.ts']))
    expect(loaded.filter((file) => !/^(?:bin|lib|src\/contract)\//u.test(file))).toEqual([])
  })

  it('include modules that another module imports', async () => {
    const loaded = await loadedBy(importing(['src/import/import-refusal.ts']))

    expect(loaded).toContain('src/archive/zip/zip-format-error.ts')
  })
})
