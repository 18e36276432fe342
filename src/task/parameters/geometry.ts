import { type ErrorName, parameterError } from '../../contract/errors.ts'
import type { JsonValue } from '../../contract/json.ts'
import { isNestedDeeperThan } from '../yaml/nesting.ts'
import { readableByCore } from './core-geojson.ts'
import { parseGeoJson } from './geojson.ts'
import { outputText, type ParameterCodec, type TypeOf } from './parameter-codec.ts'
import { shown } from './shown.ts'
import { isTopologicallyValid } from './topology.ts'

/** Maximum length of a geometry: up to 2.6 million positions, whose validation takes at most 650 MB (ADR 10) of the function's 1024 MiB. */
const MAX_TEXT_LENGTH = 16 * 1024 * 1024
/** Maximum size of the file. A UTF-16 unit takes at most 3 bytes; the rest is for white space around the text. */
const MAX_FILE_BYTES = 4 * MAX_TEXT_LENGTH

/** Maximum nesting. A MultiPolygon in a Feature has 6 levels; the rest is for properties, which are not interpreted. */
const MAX_LEVELS = 64

const SUB_TYPES: ReadonlySet<unknown> = new Set(['Circle', 'Rectangle'])

/**
 * Checks in the order of the contract (parameter-io 6.1).
 * @returns the text as written, except for parts that core cannot read
 */
function check(text: string, parameterName: string): string {
  const refuse = (error: ErrorName, words: string) => parameterError(error, parameterName, words)
  const value = text.length > MAX_TEXT_LENGTH ? undefined : parseText(text)
  const parsed = parseGeoJson(value)
  if (parsed === undefined) {
    throw refuse('INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', faultOf(text, value))
  }
  if (parsed.kind === 'collection') {
    const words = `a collection is not a single geometry; expected ${KINDS}, or a Feature with one of them`
    throw refuse('INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_TYPE', words)
  }
  if (!isTopologicallyValid(parsed.geometry)) {
    const words = `the ${parsed.geometry.type} is not valid: ${VALIDITY}`
    throw refuse('INTERNAL_PARAMETER_INVALID_GEOJSON', words)
  }
  checkSubType(parsed.properties, parameterName)
  return readableByCore(text, value as object)
}

function checkSubType({ subType, radius }: Record<string, unknown>, parameterName: string): void {
  if (subType === undefined || subType === null) return
  if (!SUB_TYPES.has(subType)) {
    const words = `subType is ${shown(subType as JsonValue)}; expected "Circle", "Rectangle" or none`
    throw parameterError('INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_SUBTYPE', parameterName, words)
  }
  if (subType === 'Circle' && (radius === undefined || radius === null)) {
    const words = 'the Circle has no radius; expected "radius" in the properties, beside "subType"'
    throw parameterError('INTERNAL_PARAMETER_MISSING_RADIUS_ERROR', parameterName, words)
  }
}

const KINDS = 'a Point, MultiPoint, LineString, MultiLineString, Polygon or MultiPolygon'

/** Rules for a geometry whose structure is right. */
const VALIDITY =
  'lines need two different positions, rings must not cross or touch themselves, holes must be inside their polygon, polygons must not overlap'

/** Explains why a text is not a geometry. */
function faultOf(text: string, value: unknown): string {
  if (text.length > MAX_TEXT_LENGTH) {
    return `the text has ${text.length} characters; expected at most ${MAX_TEXT_LENGTH}`
  }
  if (value === undefined) {
    return `${shown(text)} is not JSON, or nests deeper than ${MAX_LEVELS} levels; expected GeoJSON such as {"type":"Point","coordinates":[1,2]}`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `${shown(value as JsonValue)} is not GeoJSON; expected an object such as {"type":"Point","coordinates":[1,2]}`
  }
  const { type = null } = value as { readonly type?: JsonValue }
  return type === 'Feature'
    ? `the geometry of the Feature cannot be read; expected ${KINDS}, with ${COORDINATES}`
    : `the type is ${shown(type)}; expected ${KINDS}, with ${COORDINATES}`
}

const COORDINATES =
  'the coordinates of that type: finite numbers, lines of two positions or more, closed rings of four or more'

/** @returns undefined when it is not JSON, or nests deeper than any geometry */
function parseText(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isNestedDeeperThan(value, MAX_LEVELS) ? undefined : value
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function textOf(value: JsonValue, parameterName: string): string {
  if (typeof value === 'string' && value.isWellFormed()) return value.trim()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const words = `${shown(value)} is not a geometry; expected GeoJSON as a text`
    throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words)
  }
  // Checked before serialization, which recurses.
  if (isNestedDeeperThan(value, MAX_LEVELS)) {
    const words = `the object nests deeper than ${MAX_LEVELS} levels`
    throw parameterError('INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', parameterName, words)
  }
  return JSON.stringify(value)
}

/** GeoJSON geometries and features, which calls represent as text. */
export const geometryCodec: ParameterCodec<TypeOf<'geometry'>> = {
  nullError: 'INTERNAL_PARAMETER_TYPE_ERROR',
  largestOutput: { bytes: MAX_FILE_BYTES, error: 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR' },
  provision(value, _type, parameterName) {
    const text = check(textOf(value, parameterName), parameterName)
    return { fileText: text, value: text }
  },
  listInput(fileText) {
    return fileText
  },
  readOutput(fileText, _type, parameterName) {
    return check(outputText(fileText, parameterName), parameterName)
  },
}
