import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VERSION } from '../../../cli/version.ts'

const execute = promisify(execFile)
const BUNDLE = resolve('examples/add-and-echo/add-and-echo.zip')

let folder = ''
let tarball = ''
let program = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'package-'))
  const source = join(folder, 'source')
  await execute(process.execPath, ['cli/package/build.ts', source])
  await execute('npm', ['pack', '--pack-destination', folder, source])
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '')
  const place = join(folder, 'empty')
  await execute('npm', ['install', '--offline', '--no-audit', '--prefix', place, tarball])
  program = join(place, 'node_modules/.bin/cytomine-task')
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const installed = (name: string): string => join(folder, 'empty/node_modules/cytomine-task', name)

describe('the package of cytomine-task', () => {
  it('has one program of less than 2 MB, and needs no other package', () => {
    const manifest = JSON.parse(readFileSync(installed('package.json'), 'utf8')) as object

    expect(statSync(installed('dist/cytomine-task.cjs')).size).toBeLessThan(2_000_000)
    expect(manifest).not.toHaveProperty('dependencies')
    expect(readdirSync(join(folder, 'empty/node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      'cytomine-task',
    ])
  })

  it('contains the licences of its dependencies', () => {
    const text = readFileSync(installed('THIRD-PARTY.txt'), 'utf8')

    for (const name of ['commander', 'yaml', 'yauzl', 'zod'])
      expect(text).toMatch(new RegExp(`^${name} \\d`, 'mu'))
    expect(readFileSync(installed('LICENSE'), 'utf8')).toContain('Apache License')
  })

  it('creates a valid task in an empty folder', async () => {
    const cwd = join(folder, 'empty')

    await execute(program, ['init', 'my-task'], { cwd })
    const { stdout } = await execute(program, ['validate', 'my-task'], { cwd })

    expect(stdout).toBe('no problems in org.example.my-task 0.1.0\n')
  })

  it('works after a global installation', async () => {
    const prefix = join(folder, 'global')

    await execute('npm', ['install', '--global', '--offline', '--no-audit', '--prefix', prefix, tarball])
    const { stdout } = await execute(join(prefix, 'bin/cytomine-task'), ['--version'], { cwd: folder })

    expect(stdout).toBe(`${VERSION}\n`)
  })

  it('runs by npx in an empty folder', async () => {
    const cwd = mkdtempSync(join(folder, 'npx-'))
    // An empty folder, because npx keeps installed packages in npm's cache.
    const env = { ...process.env, npm_config_cache: join(folder, 'npm-cache'), npm_config_offline: 'true' }
    const npx = ['--yes', '--package', tarball, 'cytomine-task']

    await execute('npx', [...npx, 'init', 'my-task'], { cwd, env })
    const { stdout } = await execute('npx', [...npx, 'validate', 'my-task'], { cwd, env })

    expect(stdout).toBe('no problems in org.example.my-task 0.1.0\n')
  })

  it('checks a bundle', async () => {
    const { stdout } = await execute(program, ['validate', BUNDLE, '--json'])

    expect(JSON.parse(stdout)).toMatchObject({ valid: true })
  })
})
