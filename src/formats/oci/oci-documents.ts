import * as z from 'zod'

/*
 * The JSON documents of image archives, as far as they are read here. Sources: the OCI image specification (manifest, index,
 * config, image layout) and the Docker image specification 1.2 (manifest.json). Writers put null where they have nothing.
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

/** The only digest algorithm that registries must know, and the only one found in the wild. */
const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/u)
const platformSchema = z.object({ os: z.string(), architecture: z.string() })

/** What tells that a layer's bytes are not to be found where the others are. */
const placeSchema = z.object({ mediaType: z.string().nullish(), urls: z.array(z.string()).nullish() })
export type LayerPlace = z.infer<typeof placeSchema>

export const ociDescriptorSchema = placeSchema.extend({
  digest: digestSchema,
  platform: platformSchema.nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
})
/** A pointer to a blob by digest; no relation to a task descriptor. */
export type OciDescriptor = z.infer<typeof ociDescriptorSchema>

export const ociIndexSchema = z.object({ manifests: z.array(ociDescriptorSchema).nullish() })

export const ociManifestSchema = z.object({
  config: ociDescriptorSchema,
  layers: z.array(ociDescriptorSchema).nullish(),
})

export const dockerManifestSchema = z.array(
  z.object({
    Config: z.string(),
    RepoTags: z.array(z.string()).nullish(),
    Layers: z.array(z.string()).nullish(),
    /** By diff id; a hint that some writers add, never needed. */
    LayerSources: z.record(z.string(), placeSchema).nullish().catch(null),
  }),
)

export const imageConfigSchema = z.object({
  os: z.string().nullish(),
  architecture: z.string().nullish(),
  config: z
    .object({ Entrypoint: z.array(z.string()).nullish(), Cmd: z.array(z.string()).nullish() })
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(digestSchema).nullish() }),
})
export type ImageConfig = z.infer<typeof imageConfigSchema>
