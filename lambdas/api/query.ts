import type { Context } from 'hono'
import { queryError } from '../../src/contract/query-error.ts'

/** Value of a query parameter; undefined when it is missing or empty. */
export function optionalQuery(context: Context, name: string): string | undefined {
  const value = context.req.query(name)
  return value === '' ? undefined : value
}

/** Values of a parameter that may be repeated, or be a list separated by commas. */
export function listQuery(context: Context, name: string): readonly string[] {
  return (context.req.queries(name) ?? [])
    .flatMap((value) => value.split(','))
    .filter((value) => value !== '')
}

/**
 * Value of a flag; false when it is missing.
 * @throws DomainError QUERY_INVALID
 */
export function booleanQuery(context: Context, name: string): boolean {
  const value = optionalQuery(context, name) ?? 'false'
  if (value !== 'true' && value !== 'false') throw queryError(name, value, 'expected true or false')
  return value === 'true'
}

/** Bounds of a number, both inclusive. */
interface CountBounds {
  readonly least: number
  readonly most: number
}

/**
 * Value of a number without sign and fraction; undefined when it is missing.
 * @throws DomainError QUERY_INVALID
 */
export function countQuery(context: Context, name: string, { least, most }: CountBounds): number | undefined {
  const value = optionalQuery(context, name)
  if (value === undefined) return undefined
  const count = /^\d{1,16}$/u.test(value) ? Number(value) : Number.NaN
  if (!(count >= least && count <= most)) {
    throw queryError(name, value, `expected an integer from ${least} to ${most}`)
  }
  return count
}

/** {@link countQuery} of a required parameter. */
export function requiredCountQuery(context: Context, name: string, bounds: CountBounds): number {
  const count = countQuery(context, name, bounds)
  if (count === undefined) throw queryError(name, '', 'the value is missing; expected an integer')
  return count
}

const DEFAULT_LIMIT = 50
/** Maximum number of rows of a page. */
export const MAX_LIMIT = 200

/** @throws DomainError QUERY_INVALID */
export function limitQuery(context: Context): number {
  const value = optionalQuery(context, 'limit')
  if (value === undefined) return DEFAULT_LIMIT
  const limit = /^\d{1,3}$/u.test(value) ? Number(value) : 0
  if (limit < 1 || limit > MAX_LIMIT) {
    throw queryError('limit', value, `expected an integer from 1 to ${MAX_LIMIT}`)
  }
  return limit
}

/** Opaque text of a cursor, which clients return unchanged. */
export function cursorOf(position: string): string {
  return Buffer.from(position).toString('base64url')
}

/**
 * Position of a cursor.
 * @param pattern pattern of all positions
 * @throws DomainError QUERY_INVALID
 */
export function cursorQuery(context: Context, pattern: RegExp): string | undefined {
  const value = optionalQuery(context, 'cursor')
  if (value === undefined) return undefined
  const position = Buffer.from(value, 'base64url').toString()
  if (!pattern.test(position)) {
    throw queryError('cursor', value, 'expected the `next` of a page, or none for the first page')
  }
  return position
}
