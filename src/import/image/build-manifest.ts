import { MEDIA_TYPES } from './oci-documents.ts'

/** A pushed blob. */
export interface Blob {
  readonly digest: string
  readonly sizeBytes: number
}

/** A pushed layer and its compression in the registry. */
export interface LayerBlob extends Blob {
  readonly compression: keyof typeof MEDIA_TYPES.layer
}

/** Builds the OCI manifest of an image. The original cannot be kept: compressing plain layers changes their digests. */
export function buildManifest(
  config: Blob,
  layers: readonly LayerBlob[],
): { readonly bytes: Buffer; readonly mediaType: string } {
  const describe = (mediaType: string, { digest, sizeBytes }: Blob) => ({
    mediaType,
    digest,
    size: sizeBytes,
  })
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: describe(MEDIA_TYPES.config, config),
    layers: layers.map((layer) => describe(MEDIA_TYPES.layer[layer.compression], layer)),
  }
  return { bytes: Buffer.from(JSON.stringify(manifest)), mediaType: MEDIA_TYPES.manifest }
}
