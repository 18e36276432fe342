import { parameterError } from '../errors.ts'
import type { JsonValue } from '../json.ts'
import { readableByCore } from './core-geojson.ts'
import { parseGeoJson } from './geojson.ts'
import { isNestedDeeperThan } from './nesting.ts'
import { outputText, type ParameterCodec, type TypeOf } from './parameter-codec.ts'
import { isTopologicallyValid } from './topology.ts'

/** Up to 2.6 million positions; checking them takes 650 MB at most (ADR 10), and a function that does it has 1024 MiB. */
const MAX_TEXT_LENGTH = 16 * 1024 * 1024
/** A UTF-16 unit takes 3 bytes at most; the rest is for white space around the text. */
const MAX_FILE_BYTES = 4 * MAX_TEXT_LENGTH

/** A MultiPolygon in a Feature has 6; the rest is for properties, which are kept and not interpreted. */
const MAX_LEVELS = 64

const SUB_TYPES: ReadonlySet<unknown> = new Set(['Circle', 'Rectangle'])

/**
 * Checks in the order of the contract (parameter-io 6.1).
 * @returns the text as it was written, but for what core cannot read
 */
function check(text: string, parameterName: string): string {
  const value = text.length > MAX_TEXT_LENGTH ? undefined : parseText(text)
  const parsed = parseGeoJson(value)
  if (parsed === undefined) throw parameterError('INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', parameterName)
  if (parsed.kind === 'collection') {
    throw parameterError('INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_TYPE', parameterName)
  }
  if (!isTopologicallyValid(parsed.geometry)) {
    throw parameterError('INTERNAL_PARAMETER_INVALID_GEOJSON', parameterName)
  }
  checkSubType(parsed.properties, parameterName)
  return readableByCore(text, value as object)
}

function checkSubType({ subType, radius }: Record<string, unknown>, parameterName: string): void {
  if (subType === undefined || subType === null) return
  if (!SUB_TYPES.has(subType)) {
    throw parameterError('INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_SUBTYPE', parameterName)
  }
  if (subType === 'Circle' && (radius === undefined || radius === null)) {
    throw parameterError('INTERNAL_PARAMETER_MISSING_RADIUS_ERROR', parameterName)
  }
}

/** @returns undefined when it is no JSON, or nests deeper than any geometry */
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
    throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName)
  }
  // Before it is serialised, which recurses.
  if (isNestedDeeperThan(value, MAX_LEVELS)) {
    throw parameterError('INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', parameterName)
  }
  return JSON.stringify(value)
}

/** GeoJSON geometries and features; clients send and get them as text. */
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
