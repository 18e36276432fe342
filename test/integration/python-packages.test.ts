import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { findPython, installPackages } from '../../local/python-packages.ts'
import { UserError } from '../../local/user-error.ts'
import { packZip } from '../fixtures/bundle-builder.ts'

/** Folder with a package index, lists of requirements and virtual environments. */
const folder = mkdtempSync(join(tmpdir(), 'packages-'))
const WHEEL = 'probe-1.0-py3-none-any.whl'
let hash: string

beforeAll(async () => {
  const info = 'probe-1.0.dist-info'
  const names = ['probe.py', `${info}/METADATA`, `${info}/WHEEL`, `${info}/RECORD`]
  const wheel = await packZip([
    { name: 'probe.py', body: 'answer = 42\n' },
    { name: `${info}/METADATA`, body: 'Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n' },
    { name: `${info}/WHEEL`, body: 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n' },
    { name: `${info}/RECORD`, body: names.map((name) => `${name},,\n`).join('') },
  ])
  writeFileSync(join(folder, WHEEL), wheel)
  hash = createHash('sha256').update(wheel).digest('hex')
})
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

async function install(name: string, requirements: string): Promise<string> {
  vi.stubEnv('PIP_NO_INDEX', '1')
  vi.stubEnv('PIP_FIND_LINKS', folder)
  const file = join(folder, `${name}.txt`)
  writeFileSync(file, requirements)
  const python = await findPython('The test')
  return installPackages({
    python,
    directory: join(folder, 'venv'),
    name,
    requirements: file,
    title: 'The emulator',
  })
}

describe('Python packages that are pinned by hash', () => {
  it('are installed if the index has the pinned file', async () => {
    const python = await install('known', `probe==1.0 --hash=sha256:${hash}\n`)

    expect(python).toBe(join(folder, 'venv', 'known', 'bin', 'python'))
  })

  it('are refused in one sentence if the index has another file', async () => {
    const installing = install('changed', `probe==1.0 --hash=sha256:${'0'.repeat(64)}\n`)

    await expect(installing).rejects.toThrow(UserError)
    await expect(installing).rejects.toThrow(
      /^The emulator could not be installed: probe==1\.0 was not installed: the package index sent it with another hash than changed\.txt requires\.$/u,
    )
  })
})
