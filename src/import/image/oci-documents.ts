import * as z from 'zod'
import { listOf } from '../../shared/list-of.ts'

/*
 * Schemas of the JSON documents in image archives, with the fields that are used. Sources: OCI image specification (manifest, index,
 * config, image layout) and Docker image specification 1.2 (manifest.json). Some writers set absent fields to null.
 */

export const MEDIA_TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: {
    none: 'application/vnd.oci.image.layer.v1.tar',
    gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
    zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  },
} as const

/** The only digest algorithm that registries must support, and the only one in use. */
export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/u)
const platformSchema = z.object({ os: z.string(), architecture: z.string() })

/** Fields that identify a foreign layer. */
const placeSchema = z.object({ mediaType: z.string().nullish(), urls: listOf(z.string()).nullish() })
export type LayerPlace = z.infer<typeof placeSchema>

export const ociDescriptorSchema = placeSchema.extend({
  digest: digestSchema,
  platform: platformSchema.nullish(),
  /** Annotations that are read. */
  annotations: z
    .object({
      'io.containerd.image.name': z.string(),
      'org.opencontainers.image.ref.name': z.string(),
      'vnd.docker.reference.type': z.string(),
    })
    .partial()
    .nullish(),
})
/** OCI descriptor: refers to a blob by digest. Not related to a task descriptor. */
export type OciDescriptor = z.infer<typeof ociDescriptorSchema>

export const ociIndexSchema = z.object({ manifests: listOf(ociDescriptorSchema).nullish() })

export const ociManifestSchema = z.object({
  config: ociDescriptorSchema,
  layers: listOf(ociDescriptorSchema).nullish(),
})

export const dockerManifestSchema = listOf(
  z.object({
    Config: z.string(),
    RepoTags: listOf(z.string()).nullish(),
    Layers: listOf(z.string()).nullish(),
    /** Descriptors of the layers by diff id, which some writers add; they identify foreign layers. */
    LayerSources: z
      .custom<object>((value) => typeof value === 'object' && value !== null)
      .transform((sources): unknown => Object.values(sources))
      .pipe(listOf(placeSchema))
      .nullish()
      .catch(null),
  }),
)

export const imageConfigSchema = z.object({
  os: z.string().nullish(),
  architecture: z.string().nullish(),
  config: z.object({ Entrypoint: listOf(z.string()).nullish(), Cmd: listOf(z.string()).nullish() }).nullish(),
  rootfs: z.object({ diff_ids: listOf(digestSchema).nullish() }),
})
export type ImageConfig = z.infer<typeof imageConfigSchema>
