import { describe, expect, it } from 'vitest'
import { checkImage } from '../../../cli/validate/check-image.ts'
import { dockerArchive, type FileEntry, packTar } from '../../fixtures/bundle-builder.ts'
import { meteredSource } from '../../fixtures/images.ts'
import { rawEntry, rawLong, TAR_END } from '../../fixtures/raw-tar.ts'
import { anElf } from '../../fixtures/task-folder.ts'

/* Which images are refused was tried with podman 4.3. */

const file = (name: string, body = ''): FileEntry => ({ name, body })
const folder = (name: string): FileEntry => ({ name: `${name}/`, type: 'directory' })
const link = (name: string, linkname: string): FileEntry => ({ name, type: 'symlink', linkname })
const hardLink = (name: string, linkname: string): FileEntry => ({ name, type: 'link', linkname })

/** Messages about an image with a program, and these layers above it. */
async function messagesOf(layers: readonly (readonly FileEntry[] | Buffer)[], config: object = {}) {
  const base = await packTar([{ name: 'bin/main', body: anElf(), mode: 0o755 }])
  const others = layers.map(async (one) => (Buffer.isBuffer(one) ? one : packTar(one)))
  const command = { Entrypoint: ['/bin/main'], ...config }
  const image = await dockerArchive({ layers: [base, ...(await Promise.all(others))], command })
  const source = meteredSource(await packTar(image))
  const { findings } = await checkImage({ source, wantedTag: '', mountPoints: ['/inputs', '/outputs'] })
  return findings.map(({ message }) => message)
}

const REFUSED: readonly (readonly [string, readonly FileEntry[], RegExp])[] = [
  ['a path twice', [file('a'), file('b'), file('./a')], /has the path "\.\/a" twice, .*; leave one/u],
  ['a folder twice', [folder('d'), folder('d')], /has the path "d\/" twice/u],
  ['a whiteout twice', [file('.wh.a'), file('.wh.a')], /has the path "\.wh\.a" twice/u],
  [
    'a hard link before its target',
    [hardLink('h', 'z'), file('z')],
    /has the hard link "h" to "\/z", which comes after it in the layer, .*; put the file before the link/u,
  ],
  ['a hard link to itself', [hardLink('h', 'h')], /hard link "h" to "\/h", which comes after it/u],
  [
    'a hard link to a file of a lower layer',
    [hardLink('h', 'bin/main')],
    /hard link "h" to "\/bin\/main", which is only in a lower layer/u,
  ],
  ['a hard link to nothing', [hardLink('h', '../no')], /hard link "h" to "\/no", which does not exist/u],
  [
    'a hard link to a file that was replaced',
    [file('a/q'), file('a'), hardLink('h', 'a/q')],
    /hard link "h" to "\/a\/q"/u,
  ],
  [
    'a hard link to a folder',
    [file('d/x'), hardLink('h', 'd')],
    /hard link "h" to "\/d", a folder, .*make it a symbolic link/u,
  ],
  ['a hard link to the root', [hardLink('h', '')], /hard link "h" to "\/", a folder/u],
  [
    'a path below a file',
    [file('f'), file('f/g')],
    /has the path "f\/g" below "\/f", which is no folder, .*; put it into a folder/u,
  ],
  [
    'a path below a link to a folder of a lower layer',
    [link('l', 'bin'), file('l/g')],
    /"l\/g" below "\/l", a link to a folder that this layer does not have/u,
  ],
  ['a path below a circle of links', [link('a', 'b'), link('b', 'a'), file('a/x')], /"a\/x" below/u],
  [
    'a whiteout of its own path',
    [folder('q'), file('.wh.q')],
    /has "\.wh\.q", which removes "\/q" after the layer has added it/u,
  ],
  [
    'an entry of another type',
    [{ name: 'c', type: 'contiguous-file' }],
    /has the path "c" of the tar type "7", which container engines do not unpack/u,
  ],
]

const ACCEPTED: readonly (readonly [string, readonly FileEntry[]])[] = [
  ['an absolute and a relative path', [file('a'), file('/a')]],
  ['a hard link to an earlier file', [file('q'), hardLink('h', 'q')]],
  ['a hard link with .. to an earlier file', [file('q'), hardLink('h', '../../q')]],
  ['a hard link to a hard link', [file('q'), hardLink('h', 'q'), hardLink('i', '/h')]],
  ['a hard link to a link', [link('l', 'nowhere'), hardLink('h', 'l')]],
  ['a hard link through a link', [file('usr/x'), link('l', '/usr'), hardLink('h', 'l/x')]],
  ['a hard link whose name a lower layer has', [file('bin/x'), hardLink('bin/main2', 'bin/x')]],
  ['a path below a link', [file('d/x'), link('l', 'd'), file('l/g'), file('l/m/n')]],
  ['a file below a file of a lower layer', [file('lib/x/g')]],
  ['a file after its whiteout', [file('.wh.q'), file('q')]],
  ['a whiteout in a folder that does not exist', [file('no/.wh.x')]],
  ['a file in place of a folder', [file('f/g'), file('f')]],
]

describe('an image', () => {
  it.each(REFUSED)('is refused if a layer has %s', async (_, entries, message) => {
    const messages = await messagesOf([entries])

    expect(messages).toEqual([expect.stringMatching(message)])
    expect(messages[0]).toMatch(/^the layer "blobs\/sha256\/\w{64}" has .* or build the image again/u)
  })

  it.each(ACCEPTED)('is accepted if a layer has %s', async (_, entries) => {
    expect(await messagesOf([[file('lib/x')], entries])).toEqual([])
  })

  it('is accepted with long hard links of GNU tar', async () => {
    const long = `${'folder/'.repeat(30)}file`
    const entry = rawEntry({ name: 'short', typeFlag: '1', linkName: long.slice(0, 99) })
    const original = [rawLong('L', long), rawEntry({ name: long.slice(0, 99) })]
    const layer = Buffer.concat([...original, rawLong('K', long), rawLong('L', `${long}2`), entry, TAR_END])

    expect(await messagesOf([layer])).toEqual([])
  })

  it('has its program as a hard link, whose link the layer has too', async () => {
    const main = { name: 'app/main', body: anElf(), mode: 0o755 }
    const entries = [main, link('app/run', 'main'), hardLink('app/start', 'app/run')]

    expect(await messagesOf([entries], { Entrypoint: ['/app/start'] })).toEqual([])
  })

  it('has its program below a link of the same layer', async () => {
    const entries = [folder('usr'), link('opt', 'usr'), { name: 'opt/run', body: anElf(), mode: 0o755 }]

    expect(await messagesOf([entries], { Entrypoint: ['/usr/run'] })).toEqual([])
  })

  it('is refused with the first faults of a layer and the number of others', async () => {
    const entries = Array.from({ length: 1000 }, (_, index) => hardLink(`h${index}`, 'no'))

    const messages = await messagesOf([entries])

    expect(messages).toHaveLength(6)
    expect(messages[5]).toMatch(/^the layer "\S+" has 995 more faults of these kinds; build the image again/u)
  })

  it.each<readonly [string, (tar: Buffer) => Buffer, RegExp]>([
    ['cut', (tar) => tar.subarray(0, 1024 + 100), /is incomplete: .* is cut after the path "a", /u],
    [
      'damaged',
      (tar) => Buffer.concat([tar, Buffer.alloc(512, 'x')]),
      /is damaged: .* after the path "main"/u,
    ],
    ['cut at its start', (tar) => tar.subarray(0, 100), /is not a layer/u],
  ])('is refused if a layer is %s, without other messages', async (_, change, message) => {
    const tar = Buffer.concat([rawEntry({ name: 'a', body: 'x' }), rawEntry({ name: 'main', body: 'x' })])

    const messages = await messagesOf([change(tar)], { Entrypoint: ['/main'] })

    expect(messages).toEqual([expect.stringMatching(message)])
  })

  it('may have 10 000 hard links', async () => {
    const files = Array.from({ length: 10_000 }, (_, index) => rawEntry({ name: `d/${index}` }))
    const links = files.map((_, index) =>
      rawEntry({ name: `e/${index}`, typeFlag: '1', linkName: `d/${index}` }),
    )

    expect(await messagesOf([Buffer.concat([...files, ...links, TAR_END])])).toEqual([])
  })
})

/** Entries for working directories. */
const PLACES: readonly FileEntry[] = [
  file('f'),
  folder('d'),
  link('to-d', 'd'),
  link('to-f', 'f'),
  link('to-bin', '/bin'),
  link('to-nothing', 'nowhere'),
  link('circle', 'circle2'),
  link('circle2', 'circle'),
  link('to-inputs', '/inputs'),
]

describe('a working directory', () => {
  it.each([
    ['/f', /"\/f" is a file, so its container cannot start; name a folder in WORKDIR/u],
    ['/f/x', /"\/f\/x" is below "\/f", which is a file/u],
    ['/d/../f', /"\/d\/\.\.\/f" is a file/u],
    ['/to-f', /"\/to-f" is a link to "\/f", a file/u],
    ['/to-f/x', /"\/to-f\/x" is below "\/to-f", which is a link to "\/f", a file/u],
    ['/to-nothing', /"\/to-nothing" is a link to "\/nowhere", which does not exist/u],
    ['/to-nothing/x', /is below "\/to-nothing", which is a link to "\/nowhere", which does not exist/u],
    ['/circle', /"\/circle" is a link that leads in a circle/u],
    ['d', /"d" is not an absolute path, so its container cannot start; write WORKDIR \/d/u],
  ])('is refused at %s', async (WorkingDir, message) => {
    expect(await messagesOf([PLACES], { WorkingDir })).toEqual([expect.stringMatching(message)])
  })

  it.each(['', '/', '/d', '/d/', '/to-d', '/to-d/new', '/to-bin', '/new/folder', '/inputs/x', '/to-inputs'])(
    'is accepted at "%s"',
    async (WorkingDir) => {
      expect(await messagesOf([PLACES], { WorkingDir })).toEqual([])
    },
  )
})

describe('a user', () => {
  it.each(['1:2:3', '1:2:'])('is refused as %s', async (User) => {
    expect(await messagesOf([], { User })).toEqual([
      `its user "${User}" has more than one colon; write USER as user:group, such as 1000:1000`,
    ])
  })
})
