import type { JsonValue } from '../../contract/json.ts'

/*
 * Listings of inputs and outputs contain values, and clients hold them in memory. Strings are the only type of unbounded size, so listings
 * truncate long ones.
 */

/** Longer strings, in bytes of their file, are truncated. */
export const WHOLE_STRING_BYTES = 1024 * 1024

/** Sum of all complete strings of one listing in bytes of JSON, where a character may take six times its size. */
export const LISTED_STRINGS_BYTES = 8 * 1024 * 1024

/** Length of a truncated string in characters. */
const BEGINNING_CHARACTERS = 100

/** Sum of all truncated strings of one listing in bytes of JSON: an array may have 100 000 items. */
const LISTED_BEGINNINGS_BYTES = 1024 * 1024

/** A truncated string in a listing, and where the whole one is. */
export interface CutString {
  /** The beginning, and an ellipsis. */
  readonly value: string
  readonly truncated: true
  /** Size of the file in UTF-8. */
  readonly sizeBytes: number
  /** Path of the file, relative to the base address of the API. */
  readonly href: string
}

export type ListedValue = { readonly value: JsonValue } | CutString

interface StringFile {
  readonly parameterName: string
  /** Index path of an array's item. */
  readonly path?: string
  readonly sizeBytes: number
}

/** The strings of one listing, in its order. */
export interface ListedStrings {
  /** Adds a string that is in memory. */
  show(text: string, file: StringFile): ListedValue
  /** Adds a string of which only the start is in memory, at least 200 bytes. */
  showBeginning(text: string, file: StringFile): CutString
}

/** Bounds the strings of one listing to 9 MiB of JSON, and 300 bytes for each truncated one. */
export function createListedStrings(runId: string, kind: 'input' | 'output'): ListedStrings {
  let bytesLeft = LISTED_STRINGS_BYTES
  let beginningsLeft = LISTED_BEGINNINGS_BYTES

  const showBeginning: ListedStrings['showBeginning'] = (text, { parameterName, path, sizeBytes }) => {
    const item = path === undefined ? '' : `/indexes?value=${path}`
    const beginning = `${beginningOf(text)}…`
    beginningsLeft -= jsonBytes(beginning)
    return {
      value: beginningsLeft < 0 ? '…' : beginning,
      truncated: true,
      sizeBytes,
      href: `task-runs/${runId}/${kind}/${parameterName}${item}`,
    }
  }

  return {
    show(text, file) {
      // Checked before the JSON is made, which takes time and is never shorter than the text.
      const isShort = file.sizeBytes <= WHOLE_STRING_BYTES && text.length <= bytesLeft
      const bytes = isShort ? jsonBytes(text) : Number.POSITIVE_INFINITY
      if (bytes > bytesLeft) return showBeginning(text, file)
      bytesLeft -= bytes
      return { value: text }
    },
    showBeginning,
  }
}

/** Beginning of a text, without half a surrogate pair at its end. */
function beginningOf(text: string): string {
  const beginning = text.slice(0, BEGINNING_CHARACTERS)
  return beginning.isWellFormed() ? beginning : beginning.slice(0, -1)
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}
