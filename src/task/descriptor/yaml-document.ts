import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { DomainError } from '../../contract/errors.ts'
import { isNestedDeeperThan } from '../parameters/nesting.ts'
import type { DescriptorPath } from './descriptor-problem.ts'

/** Both from 1. */
export interface TextPosition {
  readonly line: number
  readonly column: number
}

/** A descriptor's YAML as plain values, with their positions in the text. */
export interface YamlDocument {
  readonly value: unknown
  /** Every repeated key; {@link value} has only its last value. */
  readonly duplicateKeys: readonly { readonly path: DescriptorPath; readonly position: TextPosition }[]
  /** Keys of the mapping at a path, in the order of the text, which objects lose for keys that look like numbers. */
  keysOf(path: DescriptorPath): readonly string[]
  /** Text of the scalar at a path, without quotes and tag; undefined for other nodes. */
  plainTextAt(path: DescriptorPath): string | undefined
  /** Position of the property; of a missing one, that of its nearest parent. */
  positionOf(path: DescriptorPath): TextPosition | undefined
}

/** Real descriptors have a few KB. The parser needs over a kilobyte for one byte of text (`[[[…`): about 90 MB at this limit. */
const MAX_LENGTH = 64 * 1024

/** Enough to share blocks between parameters; nested aliases expand exponentially. */
const MAX_ALIAS_COUNT = 100

/** Real descriptors have 5 levels, and one more for each nested array. Aliases that contain themselves have no end. */
const MAX_LEVELS = 64

/**
 * YAML 1.2 core schema, whatever the text's directive says. YAML 1.1 would create dates, sets and bytes, and booleans
 * where text is expected; yaml11-keys.ts applies its rules where they belong. All keys are text as written (`007`
 * stays). Repeated keys are detected here, because the library's check is quadratic.
 */
const OPTIONS = {
  schema: 'core',
  version: '1.2',
  merge: false,
  resolveKnownTags: false,
  stringKeys: true,
  uniqueKeys: false,
  prettyErrors: false,
  // Also silences the warning about several documents: the first is read, as in the reference.
  logLevel: 'silent',
} as const

/**
 * Parses the text of a descriptor.
 * @throws DomainError INTERNAL_DESCRIPTOR_EXTRACTION_FAILED when it is not YAML, too large, too deep, or has too many
 * aliases
 */
export function readYaml(text: string): YamlDocument {
  if (text.length > MAX_LENGTH)
    throw notReadable(`it has more than ${MAX_LENGTH} characters: make it shorter`)
  const lines = new LineCounter()
  const document = parseDocument(text, { ...OPTIONS, lineCounter: lines })
  const positionAt = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const [error] = document.errors
  if (error !== undefined) {
    throw notReadable(`${error.message}${formatPosition(positionAt(error.pos[0]))}`, error)
  }
  const value = plainValueOf(document)
  const { root, duplicates } = indexPlaces(document)
  return {
    value,
    duplicateKeys: duplicates.map(({ path, offset }) => ({ path, position: positionAt(offset) })),
    keysOf: (path) => [...(placeAt(root, path).exact?.keys.keys() ?? [])],
    plainTextAt: (path) => placeAt(root, path).exact?.plainText,
    positionOf: (path) => {
      const { offset } = placeAt(root, path).nearest
      return offset === undefined ? undefined : positionAt(offset)
    },
  }
}

/** Formats a position for the end of a sentence. */
export function formatPosition({ line, column }: TextPosition): string {
  return ` (line ${line}, column ${column})`
}

/** The contract fixes the message, so the explanation is in the details. */
function notReadable(description: string, cause?: unknown): DomainError {
  const details = { type: 'related', parameterName: 'descriptor', description } as const
  return new DomainError('INTERNAL_DESCRIPTOR_EXTRACTION_FAILED', details, { cause })
}

function plainValueOf(document: Document): unknown {
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT })
  } catch (error) {
    // The library throws this for unknown anchors and for too many aliases.
    if (error instanceof ReferenceError) throw notReadable(error.message, error)
    throw error
  }
  if (isNestedDeeperThan(value, MAX_LEVELS)) throw notReadable(`it nests more than ${MAX_LEVELS} levels deep`)
  return value
}

/** Position of a node, aliases resolved. `offset`: start of its key, or of the node itself in a list. */
interface Place {
  readonly offset: number | undefined
  /** Text of a scalar without quotes and tag. */
  readonly plainText?: string | undefined
  readonly keys: Map<string, Place>
  readonly items: Place[]
}

interface DuplicateKey {
  readonly path: DescriptorPath
  readonly offset: number
}

/** Visits each node once; the document has no cycles and a bounded depth here. */
function indexPlaces(document: Document): {
  readonly root: Place
  readonly duplicates: readonly DuplicateKey[]
} {
  const duplicates: DuplicateKey[] = []
  const anchors = new Map<string, Place>()
  const indexNode = (node: unknown, offset: number | undefined, path: DescriptorPath): Place => {
    if (isAlias(node)) {
      const { keys = new Map(), items = [], plainText } = anchors.get(node.source) ?? {}
      return { offset, keys, items, plainText }
    }
    const place: Place = { offset, plainText: plainTextOf(node), keys: new Map(), items: [] }
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : ''
        const start = offsetOf(key)
        if (place.keys.has(name)) duplicates.push({ path: [...path, name], offset: start ?? 0 })
        place.keys.set(name, indexNode(value, start, [...path, name]))
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) {
        place.items.push(indexNode(item, offsetOf(item), [...path, index]))
      }
    }
    if (isNode(node) && 'anchor' in node && node.anchor !== undefined) anchors.set(node.anchor, place)
    return place
  }
  return { root: indexNode(document.contents, undefined, []), duplicates }
}

function plainTextOf(node: unknown): string | undefined {
  return isScalar(node) && node.type === 'PLAIN' && node.tag === undefined ? node.source : undefined
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

/** Follows a path. `nearest`: the deepest existing node; `exact`: the node at the full path, if it exists. */
function placeAt(
  root: Place,
  path: DescriptorPath,
): { readonly nearest: Place; readonly exact: Place | undefined } {
  let nearest = root
  for (const segment of path) {
    const next = typeof segment === 'number' ? nearest.items[segment] : nearest.keys.get(segment)
    if (next === undefined) return { nearest, exact: undefined }
    nearest = next
  }
  return { nearest, exact: nearest }
}
