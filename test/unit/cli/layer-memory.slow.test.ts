import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createLayerMemory,
  type LayerClaim,
  type LayerFacts,
  type LayerMemory,
} from '../../../cli/image/layer-memory.ts'
import { createLayerReader } from '../../../cli/image/layer-reader.ts'
import { openImage } from '../../../cli/image/open-image.ts'
import { checkImage } from '../../../cli/validate/check-image.ts'
import { digestOf, dockerArchive, packTar } from '../../fixtures/bundle-builder.ts'
import { meteredSource } from '../../fixtures/images.ts'
import { anElf } from '../../fixtures/task-folder.ts'

const LARGE_BYTES = 6 * 1024 ** 2
const SCRIPT = '#!/bin/sh\necho 1\n'

let folder: string
let layers: LayerMemory

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'layer-memory-'))
  layers = createLayerMemory({ folder })
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A large layer with the interpreter, as the base image has it. */
async function aBase(interpreter = anElf()): Promise<Buffer> {
  return packTar([
    { name: 'data', body: Buffer.alloc(LARGE_BYTES, 7) },
    { name: 'bin/sh', body: interpreter, mode: 0o755 },
  ])
}

/** Checks an image whose second layer has the script /main. */
async function check(base: Buffer, script = SCRIPT, name = 'main') {
  const top = await packTar([{ name, body: script, mode: 0o755 }])
  const archive = await packTar(
    await dockerArchive({ layers: [base, top], command: { Entrypoint: ['/main'] } }),
  )
  const source = meteredSource(archive)
  const image = { source, wantedTag: '', mountPoints: ['/inputs', '/outputs'], layers }
  const { findings, ...rest } = await checkImage(image)
  return { ...rest, messages: findings.map(({ message }) => message), readBytes: source.askedBytes }
}

describe('a check of an image', () => {
  it('reads only the layers that changed since the last one', async () => {
    const base = await aBase()
    const first = await check(base)

    const second = await check(base, `${SCRIPT}# changed\n`)

    expect(first.messages).toEqual([])
    expect(first.readBytes).toBeGreaterThan(LARGE_BYTES)
    expect(second.messages).toEqual([])
    expect(second.readBytes).toBeLessThan(LARGE_BYTES / 2)
    expect(second.size).toEqual({
      packedBytes: first.size?.packedBytes,
      unpackedBytes: first.size?.unpackedBytes,
    })
  })

  it('finds a command that is missing, although it reads no layer', async () => {
    const base = await aBase()
    await check(base)

    const { messages } = await check(base, SCRIPT, 'other')

    expect(messages).toEqual([expect.stringContaining('"/main" is not in the image')])
  })

  it('finds an interpreter for another processor in a remembered layer', async () => {
    const base = await aBase(anElf(183))
    const first = await check(base)

    const second = await check(base)

    expect(first.messages).toEqual([expect.stringContaining('a program for arm64')])
    expect(second.messages).toEqual(first.messages)
    expect(second.readBytes).toBeLessThan(LARGE_BYTES / 2)
  })

  it('finds a link at a mount point of a remembered layer', async () => {
    const base = await packTar([
      { name: 'bin/sh', body: anElf(), mode: 0o755 },
      { name: 'inputs', type: 'symlink', linkname: '/etc' },
    ])
    const first = await check(base)

    const second = await check(base)

    expect(first.messages).toEqual([expect.stringContaining('a link at "/inputs"')])
    expect(second.messages).toEqual(first.messages)
  })

  it('finds that a remembered layer is truncated', async () => {
    const base = await aBase()
    await check(base)
    const files = await dockerArchive({ layers: [base], command: { Entrypoint: ['/bin/sh'] } })
    const truncated = files.map((file) => {
      const isBase = Buffer.isBuffer(file.body) && file.body.length >= LARGE_BYTES
      return isBase ? { ...file, body: file.body.subarray(0, LARGE_BYTES - 512) } : file
    })
    const source = meteredSource(await packTar(truncated))

    const { findings } = await checkImage({ source, wantedTag: '', mountPoints: [], layers })

    expect(findings).toEqual([expect.objectContaining({ severity: 'problem', part: 'image' })])
  })

  it('does not store facts about a damaged layer', async () => {
    const wrong = digestOf('something else')
    const archive = await packTar(
      await dockerArchive({
        layers: [await aBase()],
        diffIds: [wrong],
        command: { Entrypoint: ['/bin/sh'] },
      }),
    )
    const image = { source: meteredSource(archive), wantedTag: '', mountPoints: [], layers }

    const ends = [await checkImage(image), await checkImage(image)]

    expect(ends.map(({ findings }) => findings.length)).toEqual([1, 1])
    expect(readdirSync(folder)).toEqual([])
  })

  it('reads a layer again when its facts are damaged', async () => {
    const base = await aBase()
    await check(base)
    for (const name of readdirSync(folder)) writeFileSync(join(folder, name), 'no gzip')

    const { messages, readBytes } = await check(base)

    expect(messages).toEqual([])
    expect(readBytes).toBeGreaterThan(LARGE_BYTES)
  })

  it('succeeds when the folder for facts about layers cannot be created', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    layers = createLayerMemory({ folder: join(file, 'layers') })

    const { messages } = await check(await aBase())

    expect(messages).toEqual([])
  })
})

const FACTS: LayerFacts = { unpackedBytes: 1, entries: [], programs: new Map() }
const aClaim = (content: string): LayerClaim => ({ diffId: digestOf(content), sizeBytes: 1 })

describe('the stored facts about layers', () => {
  it('are found only for a file of the same size and digest', async () => {
    const layer = { ...aClaim('a layer'), digest: digestOf('a file') }
    await layers.keep(layer, FACTS)

    expect(await layers.find(layer)).toEqual(FACTS)
    expect(await layers.find({ ...layer, sizeBytes: 2 })).toBeUndefined()
    expect(await layers.find({ ...layer, digest: digestOf('another file') })).toBeUndefined()
    expect(await layers.find(aClaim('a layer'))).toBeUndefined()
  })

  it('can be read only by the user who stored them', async () => {
    const inner = join(folder, 'layers')
    await createLayerMemory({ folder: inner }).keep(aClaim('a layer'), FACTS)

    const modes = [inner, ...readdirSync(inner).map((name) => join(inner, name))].map(
      (path) => statSync(path).mode & 0o777,
    )

    expect(modes).toEqual([0o700, 0o600])
  })

  it('are kept while they are used', async () => {
    await layers.keep(aClaim('used'), FACTS)
    const [name = ''] = readdirSync(folder)
    const { size } = statSync(join(folder, name))
    const small = createLayerMemory({ folder, maxBytes: 2.5 * size })
    await small.keep(aClaim('unused'), FACTS)
    for (const file of readdirSync(folder)) {
      const seconds = file === name ? 1 : 2
      utimesSync(join(folder, file), seconds, seconds)
    }

    expect(await small.find(aClaim('used'))).toEqual(FACTS)
    await small.keep(aClaim('new'), FACTS)

    expect(await small.find(aClaim('used'))).toEqual(FACTS)
    expect(await small.find(aClaim('unused'))).toBeUndefined()
  })

  it('have a maximum number of entries for all layers of an image together', async () => {
    const entries = Array.from({ length: 3 }, (_, index) => ({ name: `file-${index}`, body: 'x' }))
    const tars = await Promise.all([packTar(entries), packTar([...entries, { name: 'more', body: 'x' }])])
    const archive = await packTar(await dockerArchive({ layers: tars, command: { Entrypoint: ['/main'] } }))
    const image = await openImage(meteredSource(archive), '')
    const reader = createLayerReader(image.layers, layers, 6)

    for (const index of image.layers.keys()) await reader.read(index, () => {})
    await reader.remember()

    const found = await Promise.all(
      image.layers.map(({ source: { sizeBytes }, ...layer }) => layers.find({ ...layer, sizeBytes })),
    )
    expect(found.map((facts) => facts?.entries.length)).toEqual([3, undefined])
  })

  it('are removed, the oldest first, when they exceed the maximum size', async () => {
    const small = createLayerMemory({ folder, maxBytes: 1000 })
    mkdirSync(folder, { recursive: true })
    const old = join(folder, 'old.json.gz')
    writeFileSync(old, Buffer.alloc(990))
    utimesSync(old, 1, 1)

    await small.keep(aClaim('a layer'), FACTS)

    expect(readdirSync(folder)).toEqual([`${digestOf('a layer').slice('sha256:'.length)}.json.gz`])
  })

  it('are not stored for a malformed digest, which could name a file outside of the folder', async () => {
    await layers.keep({ diffId: 'sha256:../../escape', sizeBytes: 1 }, FACTS)

    expect(readdirSync(folder)).toEqual([])
  })
})
