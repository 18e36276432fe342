import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cacheFolder, cachePath, isPrivate, keptFolder } from '../../../cli/cache-folder.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cache-folder-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true })
})

/** A folder with a mode, whatever the umask is. */
function aFolder(mode: number): string {
  const folder = join(root, 'cache')
  mkdirSync(folder)
  chmodSync(folder, mode)
  return folder
}

describe('the cache of the user', () => {
  it.each([
    ['/home/u/.cache/cytomine-task', undefined],
    ['/home/u/.cache/cytomine-task', ''],
    ['/home/u/.cache/cytomine-task', 'relative/cache'],
    ['/var/cache/u/cytomine-task', '/var/cache/u'],
  ])('is %s if XDG_CACHE_HOME is %j', (path, base) => {
    expect(cachePath({ XDG_CACHE_HOME: base }, '/home/u')).toBe(path)
  })

  it('does not exist if the home is a relative path', () => {
    expect(cachePath({}, 'home')).toBeUndefined()
  })

  it('is created for its owner only', () => {
    const folder = join(root, 'a/b')

    expect(isPrivate(folder)).toBe(true)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it.each(['775', '757', '777'])('is not used if its mode is %s', (mode) => {
    expect(isPrivate(aFolder(Number.parseInt(mode, 8)))).toBe(false)
  })

  it('is used if others may read it', () => {
    expect(isPrivate(aFolder(0o755))).toBe(true)
  })

  it('is not used if it belongs to another user', () => {
    expect(isPrivate(aFolder(0o700), (process.geteuid?.() ?? 0) + 1)).toBe(false)
  })

  it('is not created by root in the folder of another user', () => {
    if (process.geteuid?.() === 0) chownSync(root, 1000, 1000)
    const folder = join(root, 'cache')

    expect(isPrivate(folder, 0)).toBe(false)
    expect(existsSync(folder)).toBe(false)
  })

  it('is not used if it cannot be created', () => {
    expect(isPrivate('/dev/null/cache')).toBe(false)
  })

  it('is replaced by a private folder for one process', () => {
    mkdirSync(join(root, 'cytomine-task'))
    chmodSync(join(root, 'cytomine-task'), 0o777)
    vi.stubEnv('XDG_CACHE_HOME', root)

    const folder = cacheFolder()

    expect(keptFolder()).toBeUndefined()
    expect(folder).not.toContain(root)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(cacheFolder()).toBe(folder)
  })
})
