import type { Context } from 'hono'
import { queryError } from '../../src/contract/query-error.ts'
import { quoted } from '../../src/contract/quoted.ts'
import { isUuid } from '../../src/contract/uuid.ts'
import { RUN_STATES, type RunState } from '../../src/run/transitions.ts'

/**
 * Value of a query parameter that must not be repeated.
 * @throws DomainError QUERY_INVALID
 */
export function singleQuery(context: Context, name: string): string | undefined {
  const values = context.req.queries(name) ?? []
  if (values.length > 1) throw queryError(name, values.join(), 'it is repeated; expected one value')
  return values[0]
}

/** Value of a parameter; repeated ones are joined by commas, so that their consumer refuses them with an error of the contract. */
export function joinedQuery(context: Context, name: string): string | undefined {
  return context.req.queries(name)?.join()
}

/** {@link singleQuery}; undefined when it is missing or empty. */
export function optionalQuery(context: Context, name: string): string | undefined {
  const value = singleQuery(context, name)
  return value === '' ? undefined : value
}

/**
 * Value of a parameter that is an id; undefined when it is missing.
 * @param what kind of the named thing, with its article
 * @throws DomainError QUERY_INVALID
 */
export function idQuery(context: Context, name: string, what: string): string | undefined {
  const value = optionalQuery(context, name)
  if (value === undefined || isUuid(value)) return value
  throw queryError(name, value, `expected the id of ${what}, a UUID in lower case`)
}

/**
 * States of runs in any letter case, repeated or separated by commas; empty: all.
 * @throws DomainError QUERY_INVALID
 */
export function statesQuery(context: Context): readonly RunState[] {
  return listQuery(context, 'state').map((value) => {
    const state = RUN_STATES.find((one) => one === value.toUpperCase())
    if (state === undefined) throw queryError('state', value, `expected one of ${RUN_STATES.join(', ')}`)
    return state
  })
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

/** A listing that is read page by page. */
export interface Listing {
  /** Path below the prefix of the API. */
  readonly path: string
  /** Pattern of all positions. */
  readonly positions: RegExp
}

/** Opaque text of a position, which clients return unchanged. It names the listing, so that another one refuses it. */
export function cursorOf({ path }: Listing, position: string): string {
  return Buffer.from(`${path}?${position}`).toString('base64url')
}

/**
 * Position of a cursor.
 * @throws DomainError QUERY_INVALID, also for a cursor of another listing
 */
export function cursorQuery(context: Context, { path, positions }: Listing): string | undefined {
  const value = optionalQuery(context, 'cursor')
  if (value === undefined) return undefined
  const [, of, position] = /^([\w/-]+)\?(.*)$/su.exec(Buffer.from(value, 'base64url').toString()) ?? []
  if (of !== undefined && of !== path) {
    const words = `it is of the list ${quoted(of, 60)}; expected the \`next\` of a page of ${quoted(path, 60)}`
    throw queryError('cursor', value, words)
  }
  if (position === undefined || !positions.test(position)) {
    throw queryError('cursor', value, 'expected the `next` of a page, or none for the first page')
  }
  return position
}
