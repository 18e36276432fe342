import { describe, expect, it } from 'vitest'
import { findFolderCollision, isMountable, normalizeFolder } from '../../../../src/task/descriptor/folders.ts'

describe('folders of a task', () => {
  it.each(['/inputs', '/data/in', '/usr/src/app/in', '/inputs/', '/procedure', '/a b'])(
    'may be %s',
    (folder) => {
      expect(isMountable(folder)).toBe(true)
    },
  )

  it.each([
    '',
    'inputs',
    '/',
    '//',
    '/./',
    '/proc',
    '/proc/self',
    '/sys/',
    '//dev/shm',
    '/etc',
    '/usr',
    '/a/../etc',
    '/..',
    '/in:out',
    '/in\u0000',
    '/in\nout',
    `/${'x'.repeat(1024)}`,
  ])('may not be %j', (folder) => {
    expect(isMountable(folder)).toBe(false)
  })

  it('lose repeated and trailing slashes', () => {
    expect(normalizeFolder('//data/./in//')).toBe('/data/in')
  })

  it.each([
    ['/data', '/data'],
    ['/data', '/data/'],
    ['/data', '/data/out'],
    ['/data/in', '/data'],
  ])('collide as %s and %s', (inputs, outputs) => {
    expect(findFolderCollision(inputs, outputs)?.path).toEqual(['configuration', 'output_folder'])
  })

  it('are separate when one name only starts with the other', () => {
    expect(findFolderCollision('/data', '/data-out')).toBeUndefined()
  })
})
