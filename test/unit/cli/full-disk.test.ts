import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { excludeFromImage, openWorkFolder } from '../../../cli/task/work-folder.ts'
import { runCommand } from '../../fixtures/cli-program.ts'

/** Makes the disk full after a number of writes. The next write writes a part of its text, and fails. */
function fillDiskAfter(writes: number): void {
  let left = writes
  for (const name of ['writeFile', 'appendFile'] as const) {
    const write = promises[name]
    vi.spyOn(promises, name).mockImplementation(
      async (...[file, text, options]: Parameters<typeof promises.writeFile>) => {
        left -= 1
        if (left >= 0) return write(file as string, text as string, options)
        await write(file as string, (text as string).slice(0, 3), options)
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      },
    )
  }
  syncBuiltinESMExports()
}

function emptyDisk(): void {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
}

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'full-disk-'))
})
afterEach(() => {
  emptyDisk()
  rmSync(folder, { recursive: true })
})

describe('on a full disk', () => {
  it.each([0, 1, 4])('init leaves no folder after %d files', async (files) => {
    fillDiskAfter(files)

    const { code, stderr } = await runCommand(['init', join(folder, 'new', 'my-task')])

    expect(stderr).toMatch(/no space is left on the disk/u)
    expect(code).toBe(1)
    expect(readdirSync(folder)).toEqual([])
  })

  it('build leaves the list of ignored files as it was', async () => {
    const task = join(folder, 'task')
    mkdirSync(task)
    writeFileSync(join(task, '.containerignore'), 'data')
    fillDiskAfter(0)

    await expect(excludeFromImage(task, () => {})).rejects.toThrow('ENOSPC')
    expect(readFileSync(join(task, '.containerignore'), 'utf8')).toBe('data')
    rmSync(join(task, '.containerignore'))
    await expect(excludeFromImage(task, () => {})).rejects.toThrow('ENOSPC')
    expect(existsSync(join(task, '.dockerignore'))).toBe(false)
  })

  it('build leaves no incomplete .gitignore in its folder', async () => {
    fillDiskAfter(0)

    await expect(openWorkFolder(folder)).rejects.toThrow('ENOSPC')
    expect(readdirSync(join(folder, '.cytomine-task'))).toEqual([])
    emptyDisk()
    await openWorkFolder(folder)
    expect(readFileSync(join(folder, '.cytomine-task/.gitignore'), 'utf8')).toBe('*\n')
  })
})
