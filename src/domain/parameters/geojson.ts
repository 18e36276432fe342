import * as z from 'zod'

/** Plain 2-D cartesian; a third coordinate is allowed and ignored, as the reference's parser does. */
const position = z
  .array(z.number())
  .min(2)
  .transform(([x = 0, y = 0]): Position => [x, y])

export type Position = readonly [x: number, y: number]
export type Ring = readonly Position[]

/** A line needs two positions. */
const line = z.array(position).min(2)

/** A ring is closed and has four positions or more (RFC 7946, 3.1.6). */
const ring = z
  .array(position)
  .min(4)
  .refine((positions) => {
    const first = positions[0]
    const last = positions.at(-1)
    return first?.[0] === last?.[0] && first?.[1] === last?.[1]
  })
const polygon = z.array(ring).min(1)

/** `[]` is a valid empty geometry of every kind. */
const empty = z.tuple([])

/** The six kinds of geometry that a parameter may hold; other members (`crs`, `bbox`, `id`) are ignored. */
const geometrySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Point'), coordinates: z.union([empty, position]) }),
  z.object({ type: z.literal('MultiPoint'), coordinates: z.array(position) }),
  z.object({ type: z.literal('LineString'), coordinates: z.union([empty, line]) }),
  z.object({ type: z.literal('MultiLineString'), coordinates: z.array(line) }),
  z.object({ type: z.literal('Polygon'), coordinates: z.union([empty, polygon]) }),
  z.object({ type: z.literal('MultiPolygon'), coordinates: z.array(polygon) }),
])
export type Geometry = z.infer<typeof geometrySchema>

/** Kinds that GeoJSON knows but a parameter may not hold; refused either way, so what they collect is not looked at. */
const COLLECTIONS: ReadonlySet<unknown> = new Set(['GeometryCollection', 'FeatureCollection'])

/** Members that mark a circle or a rectangle, beside a geometry or a feature. */
const propertiesSchema = z.object({ properties: z.record(z.string(), z.unknown()) })

export type ParsedGeoJson =
  | { readonly kind: 'geometry'; readonly geometry: Geometry; readonly properties: Record<string, unknown> }
  | { readonly kind: 'collection' }

/** Reads a GeoJSON geometry or Feature; undefined when it is none. */
export function parseGeoJson(value: unknown): ParsedGeoJson | undefined {
  const object = mappingOf(value)
  const body = object?.type === 'Feature' ? mappingOf(object.geometry) : object
  if (body === undefined) return undefined
  if (COLLECTIONS.has(body.type)) return { kind: 'collection' }
  const geometry = geometrySchema.safeParse(body)
  if (!geometry.success) return undefined
  return {
    kind: 'geometry',
    geometry: geometry.data,
    properties: propertiesSchema.safeParse(value).data?.properties ?? {},
  }
}

function mappingOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}
