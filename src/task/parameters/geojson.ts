/*
 * Parses the structure of GeoJSON (RFC 7946) without a schema library: an array may contain 100 000 geometries, for which a schema creates
 * hundreds of MiB of garbage.
 */

export type Position = readonly [x: number, y: number]
export type Ring = readonly Position[]

/** Coordinates of the six kinds of geometry that a parameter accepts. `[]` is a valid empty geometry of every kind. */
interface Coordinates {
  readonly Point: Position | readonly []
  readonly MultiPoint: readonly Position[]
  readonly LineString: readonly Position[]
  readonly MultiLineString: readonly (readonly Position[])[]
  readonly Polygon: readonly Ring[]
  readonly MultiPolygon: readonly (readonly Ring[])[]
}

type GeometryType = keyof Coordinates
export type Geometry = {
  [Type in GeometryType]: { readonly type: Type; readonly coordinates: Coordinates[Type] }
}[GeometryType]

/** Returns the value itself, because a copy of 16 MB of coordinates takes 200 MB; undefined when it is invalid. */
type Reader<Value> = (value: unknown) => Value | undefined

/** 2-D cartesian; a third coordinate is allowed and ignored, as in the reference's parser. */
const readPosition: Reader<Position> = (value) =>
  Array.isArray(value) && value.length >= 2 && value.every(Number.isFinite)
    ? (value as readonly number[] as Position)
    : undefined

function listOf<Item>(read: Reader<Item>, least: number): Reader<readonly Item[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length < least) return undefined
    return value.every((element) => read(element) !== undefined) ? (value as readonly Item[]) : undefined
  }
}

function emptyOr<Value>(read: Reader<Value>): Reader<Value | readonly []> {
  return (value) => (Array.isArray(value) && value.length === 0 ? [] : read(value))
}

/** A line needs two positions. */
const readLine = listOf(readPosition, 2)

/** A ring is closed and has four positions or more (RFC 7946, 3.1.6). */
const readRing: Reader<Ring> = (value) => {
  const ring = readFourOrMore(value)
  const [first, last] = [ring?.[0], ring?.at(-1)]
  return first?.[0] === last?.[0] && first?.[1] === last?.[1] ? ring : undefined
}
const readFourOrMore = listOf(readPosition, 4)
const readPolygon = listOf(readRing, 1)

const READERS: { readonly [Type in GeometryType]: Reader<Coordinates[Type]> } = {
  Point: emptyOr(readPosition),
  MultiPoint: listOf(readPosition, 0),
  LineString: emptyOr(readLine),
  MultiLineString: listOf(readLine, 0),
  Polygon: emptyOr(readPolygon),
  MultiPolygon: listOf(readPolygon, 0),
}

/** GeoJSON kinds that a parameter refuses; their content is not checked. */
const COLLECTIONS: ReadonlySet<unknown> = new Set(['GeometryCollection', 'FeatureCollection'])

export type ParsedGeoJson =
  | { readonly kind: 'geometry'; readonly geometry: Geometry; readonly properties: Record<string, unknown> }
  | { readonly kind: 'collection' }

/**
 * Parses a GeoJSON geometry or Feature; undefined when it is neither. Other members (`crs`, `bbox`, `id`) are ignored.
 */
export function parseGeoJson(value: unknown): ParsedGeoJson | undefined {
  const object = mappingOf(value)
  const body = object?.type === 'Feature' ? mappingOf(object.geometry) : object
  if (body === undefined) return undefined
  if (COLLECTIONS.has(body.type)) return { kind: 'collection' }
  const geometry = readGeometry(body)
  // The properties, of a geometry or a feature, may mark a circle or a rectangle.
  return geometry && { kind: 'geometry', geometry, properties: mappingOf(object?.properties) ?? {} }
}

function readGeometry({ type, coordinates }: Record<string, unknown>): Geometry | undefined {
  if (typeof type !== 'string' || !Object.hasOwn(READERS, type)) return undefined
  const read = READERS[type as GeometryType](coordinates)
  return read && ({ type, coordinates: read } as Geometry)
}

function mappingOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}
