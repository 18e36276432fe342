import { describe, expect, it } from 'vitest'
import { createImageTree, type ImageTree } from '../../../cli/image/image-tree.ts'

const TYPES = { file: '0', hardLink: '1', link: '2', folder: '5' } as const

/** Adds entries to a layer: paths of files, or a type and a link target for each path. */
function addTo(tree: ImageTree, layer: number, entries: Readonly<Record<string, string>>): void {
  for (const [name, words] of Object.entries(entries)) {
    const [type = 'file', linkName = ''] = words.split(' ')
    tree.add({ name, typeFlag: TYPES[type as keyof typeof TYPES], mode: 0o755, uid: 0, linkName }, layer)
  }
}

/** A tree of these layers. */
function treeOf(...layers: readonly Readonly<Record<string, string>>[]): ImageTree {
  const tree = createImageTree()
  for (const [index, entries] of layers.entries()) addTo(tree, index, entries)
  return tree
}

describe('the file system of an image', () => {
  it('has the entry of the highest layer', () => {
    const tree = treeOf({ 'app/run': 'file' }, { './app/run': 'file' })

    expect(tree.find('/app/run')?.layer).toBe(1)
    expect(tree.find('/app')).toBeUndefined()
  })

  it('resolves links in every part of a path', () => {
    const tree = treeOf({ 'usr/bin/sh': 'file', bin: 'link usr/bin', 'app/run': 'link ../bin/sh' })

    expect(tree.realPath('/app/run')).toBe('/usr/bin/sh')
    expect(tree.find('/bin/sh')?.kind).toBe('file')
    expect(tree.realPath('/bin/none')).toBe('/usr/bin/none')
  })

  it('finds nothing behind a circle of links', () => {
    const tree = treeOf({ a: 'link b', b: 'link a' })

    expect(tree.realPath('/a')).toBeUndefined()
    expect(tree.find('/a')).toBeUndefined()
  })

  it('has the content of a hard link in the layer of its original', () => {
    const tree = treeOf({ 'bin/busybox': 'file' }, { 'bin/sh': 'hardLink bin/busybox' })

    expect(tree.find('/bin/sh')).toMatchObject({ layer: 0, contentPath: '/bin/busybox' })
  })

  it.each([
    ['a file', { 'app/.wh.run': 'file' }, ['/lib/so']],
    ['a folder with its content', { '.wh.app': 'file' }, ['/lib/so']],
    ['the content of a folder', { 'app/.wh..wh..opq': 'file' }, ['/lib/so']],
    ['everything', { '.wh..wh..opq': 'file' }, []],
    ['a folder that becomes a link', { app: 'link lib' }, ['/lib/so']],
    ['nothing, if the name is unknown', { '.wh.other': 'file' }, ['/app/run', '/lib/so']],
  ])('hides %s of lower layers', (_, layer, left) => {
    const tree = treeOf({ 'app/run': 'file', 'lib/so': 'file' }, layer)

    expect(['/app/run', '/lib/so'].filter((path) => tree.find(path) !== undefined)).toEqual(left)
  })

  it.each([
    ['before', { 'app/.wh..wh..opq': 'file', 'app/new': 'file' }],
    ['after', { 'app/new': 'file', 'app/.wh..wh..opq': 'file' }],
    ['after, as a hard link of a lower file', { 'app/new': 'hardLink lib/so', 'app/.wh..wh..opq': 'file' }],
  ])('keeps a file of the layer that hides its folder, %s the whiteout', (_, layer) => {
    const tree = treeOf({ 'app/run': 'file', 'lib/so': 'file' }, layer)

    expect(tree.find('/app/new')).toBeDefined()
    expect(tree.find('/app/run')).toBeUndefined()
  })

  it('takes as many whiteouts as files in linear time', { timeout: 20_000 }, () => {
    const FILES = 100_000
    const tree = createImageTree()
    for (let file = 0; file < FILES; file += 1) addTo(tree, 0, { [`app/${file}`]: 'file' })
    for (let file = 0; file < FILES; file += 1) addTo(tree, 1, { [`lib/${file}`]: 'file' })

    // Each scan of all files would take milliseconds: minutes in total.
    for (let file = 0; file < FILES; file += 1)
      addTo(tree, 1, { [`app/.wh.${file}`]: 'file', 'lib/.wh..wh..opq': 'file' })

    expect([tree.find('/app/7'), tree.find('/lib/7')?.layer]).toEqual([undefined, 1])
  })
})
