import { describe, expect, it } from 'vitest'
import { createHeaderWalk } from '../../../../src/archive/tar/header-walk.ts'
import { packTar } from '../../../fixtures/bundle-builder.ts'
import { rawEntry, rawLong, TAR_END } from '../../../fixtures/raw-tar.ts'

/** Names and link targets of a tar that arrives in pieces of this size, and its end. */
function walk(tar: Buffer, pieceBytes = 10_000) {
  const entries: string[] = []
  const headers = createHeaderWalk(({ name, linkName }) => entries.push(`${name} ${linkName}`.trim()))
  for (let at = 0; at < tar.length; at += pieceBytes) headers.take(tar.subarray(at, at + pieceBytes))
  return { entries, ...headers.end() }
}

const LONG = `${'folder/'.repeat(30)}file`
const FILES = Buffer.concat([
  rawEntry({ name: 'a', body: 'y'.repeat(1000) }),
  rawEntry({ name: 'b', body: 'z'.repeat(700) }),
])
/** Offsets in {@link FILES}: of the second header, and of the end of its content. */
const [SECOND, CONTENT_END] = [3 * 512, 4 * 512 + 700]

describe('the headers of a tar', () => {
  it.each([1, 511, 512, 513, 100_000])(
    'have the long names and link targets of GNU tar in pieces of %d bytes',
    (pieceBytes) => {
      const link = rawEntry({ name: 'short', typeFlag: '1', linkName: 'cut' })
      const after = rawEntry({ name: 'after', typeFlag: '2', linkName: 'b' })
      const tar = Buffer.concat([rawLong('K', LONG), rawLong('L', `${LONG}2`), link, after, TAR_END])

      expect(walk(tar, pieceBytes)).toEqual({
        entries: [`${LONG}2 ${LONG}`, 'after b'],
        state: 'whole',
        lastName: 'after',
      })
    },
  )

  it('have the link targets of extended headers', async () => {
    const tar = await packTar([{ name: `${LONG}2`, type: 'link', linkname: LONG }])

    expect(walk(tar).entries).toEqual([`${LONG}2 ${LONG}`])
  })
})

/** Results of loading such layers with podman. */
describe('the end of a tar', () => {
  it.each<readonly [string, Buffer]>([
    ['after two blocks of zeros', Buffer.concat([FILES, TAR_END])],
    ['without blocks of zeros', FILES],
    ['after one block of zeros', Buffer.concat([FILES, TAR_END.subarray(512)])],
    ['within the padding of its last content', FILES.subarray(0, CONTENT_END + 10)],
    ['without the padding of its last content', FILES.subarray(0, CONTENT_END)],
    ['after an extended header', rawLong('L', LONG)],
    ['before other bytes', Buffer.concat([FILES, TAR_END, Buffer.from('other')])],
    ['at once', Buffer.alloc(0)],
  ])('is whole %s', (_, tar) => {
    expect(walk(tar, 100).state).toBe('whole')
  })

  it.each<readonly [string, Buffer, string | undefined]>([
    ['within a header', FILES.subarray(0, SECOND + 100), 'a'],
    ['before a content', FILES.subarray(0, SECOND + 512), 'b'],
    ['within a content', FILES.subarray(0, CONTENT_END - 1), 'b'],
    ['within a block of zeros', Buffer.concat([FILES, Buffer.alloc(100)]), 'b'],
    ['within the second block of zeros', Buffer.concat([FILES, Buffer.alloc(600)]), 'b'],
    ['before a long name', rawLong('L', LONG).subarray(0, 512), undefined],
    ['within a long name', rawLong('L', LONG).subarray(0, 600), undefined],
  ])('is cut %s', (_, tar, lastName) => {
    expect(walk(tar, 100)).toMatchObject({ state: 'cut', lastName })
  })

  it.each<readonly [string, Buffer]>([
    ['a block that is no header', Buffer.concat([FILES, Buffer.alloc(512, 'x')])],
    ['an entry after a block of zeros', Buffer.concat([FILES, Buffer.alloc(512), FILES])],
  ])('is damaged by %s', (_, tar) => {
    expect(walk(tar, 100)).toMatchObject({ state: 'damaged', lastName: 'b' })
  })
})
