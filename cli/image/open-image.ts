import { createHash } from 'node:crypto'
import { walkTar } from '../../src/archive/tar/read-tar.ts'
import { rangedInput } from '../../src/archive/tar/tar-input.ts'
import { createCrcCoverage } from '../../src/archive/zip/crc-coverage.ts'
import { checkLayer, wrongDigest } from '../../src/import/image/check-layer.ts'
import { findImage } from '../../src/import/image/find-image.ts'
import { scanImageArchive } from '../../src/import/image/image-archive.ts'
import { MAGIC_BYTES, notALayer } from '../../src/import/image/layer-start.ts'
import { requireSameBytes } from '../../src/import/image/repeated-files.ts'
import { type ByteSource, sectionOf } from '../../src/shared/byte-source.ts'

/** A layer in an archive. */
export interface OpenLayer {
  readonly name: string
  /** `sha256:…` of the uncompressed tar. */
  readonly diffId: string
  /** Layer file as stored in the archive. */
  readonly source: ByteSource
  readonly digest?: string
  readonly start: Buffer
}

/** Image in an archive, as opened before its layers are read. */
export interface OpenImage {
  /** The config, byte for byte. */
  readonly config: Buffer
  /** Layers in the order of the config; a file that is used for two layers occurs twice. */
  readonly layers: readonly OpenLayer[]
}

/**
 * Finds the image of an archive as an import does.
 * @throws TarFormatError, OciFormatError
 */
export async function openImage(source: ByteSource, wantedTag: string): Promise<OpenImage> {
  const places = new Map<string, { readonly offset: number; readonly start: Buffer }>()
  const open = () => walkTar(rangedInput(source, createCrcCoverage()))
  const scanned = await scanImageArchive(open(), async ({ name }, start, _body, offset) => {
    places.set(name, { offset, start: Buffer.from(start.subarray(0, MAGIC_BYTES)) })
  })
  if (scanned.repeated.size > 0) await requireSameBytes(scanned.repeated, open())
  const { config, layers } = findImage(scanned, wantedTag)
  return {
    config,
    layers: layers.map(({ file, diffId }) => {
      const place = places.get(file.name)
      if (place === undefined) throw notALayer(file.name)
      return { ...file, diffId, start: place.start, source: sectionOf(source, place.offset, file.sizeBytes) }
    }),
  }
}

/**
 * Reads a layer to its end and checks digests, compression and size as an import does.
 * @param onContent receives the uncompressed tar
 * @returns bytes of the uncompressed tar
 * @throws OciFormatError
 */
export async function readLayer(layer: OpenLayer, onContent: (chunk: Uint8Array) => void): Promise<number> {
  const { source, start } = layer
  const hash = createHash('sha256')
  const bytes = source.sizeBytes === 0 ? [] : await source.read(0, source.sizeBytes)
  const checked = checkLayer(layer, { start, bytes: iterate(bytes) }, onContent)
  for await (const chunk of checked.bytes) hash.update(chunk)
  if (layer.digest !== undefined && layer.digest !== `sha256:${hash.digest('hex')}`) throw wrongDigest(layer)
  return checked.contentBytes()
}

async function* iterate(bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
  yield* bytes
}
