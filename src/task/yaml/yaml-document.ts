import {
  type Alias,
  type Document,
  type ErrorCode,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from 'yaml'
import { DomainError } from '../../contract/errors.ts'
import { cutText } from '../../contract/quoted.ts'
import { isNestedDeeperThan } from './nesting.ts'

/** Path of a node: keys of mappings and indexes of list items. */
export type YamlPath = readonly (string | number)[]

/** Position in a text; line and column count from 1. */
export interface TextPosition {
  readonly line: number
  readonly column: number
}

/** A descriptor's YAML as plain values, with their positions in the text. */
export interface YamlDocument {
  readonly value: unknown
  /** Every repeated key; {@link value} has only its last value. */
  readonly duplicateKeys: readonly { readonly path: YamlPath; readonly position: TextPosition }[]
  /** Parts of the text that are ignored: tags, and documents after the first. */
  readonly ignored: readonly { readonly words: string; readonly position: TextPosition }[]
  /** Keys of the mapping at a path, in the order of the text, which objects lose for keys that look like numbers. */
  keysOf(path: YamlPath): readonly string[]
  /** Text of the scalar at a path, without quotes and tag; undefined for other nodes. */
  plainTextAt(path: YamlPath): string | undefined
  /** Position of the property; of a missing one, that of its nearest parent. */
  positionOf(path: YamlPath): TextPosition | undefined
}

/** Real descriptors have a few KB. The parser needs over a kilobyte for one byte of text (`[[[…`): about 90 MB at this limit. */
const MAX_LENGTH = 64 * 1024

/** Enough to share blocks between parameters; nested aliases expand exponentially. */
const MAX_ALIAS_COUNT = 100

/** Real descriptors have 5 levels, and one more for each nested array. Aliases that contain themselves have no end. */
const MAX_LEVELS = 64

/**
 * YAML 1.2 core schema, whatever the text's directive says. YAML 1.1 would create dates, sets and bytes, and booleans
 * where text is expected; descriptor/yaml11-keys.ts applies its rules where they belong. All keys are text as written (`007`
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
  // Suppresses also the warning about several documents: the first one is read, as by the Java service.
  logLevel: 'silent',
} as const

/** Advice for the common errors whose message does not say what to write. */
const CURES: Partial<Record<ErrorCode, string>> = {
  BAD_SCALAR_START: 'put the text in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'put a text with ": " in quotes, and indent keys of one level equally',
  NON_STRING_KEY: 'put a text with "{" or "[" in quotes',
  MULTILINE_IMPLICIT_KEY: 'write each key as "key: value" in one line',
  TAB_AS_INDENT: 'use spaces',
}

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
    const cure = CURES[error.code]
    const fault = error.code === 'RESOURCE_EXHAUSTION' ? 'it nests too deep' : error.message
    const words = cure === undefined ? fault : `${fault}: ${cure}`
    throw notReadable(`${words}${formatPosition(positionAt(error.pos[0]))}`, error)
  }
  const value = plainValueOf(document, positionAt)
  const { root, duplicates } = indexPlaces(document)
  return {
    value,
    ignored: ignoredParts(document, text).map(({ words, offset }) => ({
      words,
      position: positionAt(offset),
    })),
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

interface IgnoredPart {
  readonly words: string
  readonly offset: number
}

function ignoredParts(document: Document.Parsed, text: string): readonly IgnoredPart[] {
  const tags = document.warnings
    .filter(({ code }) => code === 'TAG_RESOLVE_FAILED')
    .map(({ pos: [start, end] }) => {
      const tag = cutText(text.slice(start, end), MAX_TAG_LENGTH)
      return { words: `the tag ${tag} is not known here and has no effect: remove it`, offset: start }
    })
  const [, , end] = document.range
  const [more] = /^(?!---|\.\.\.|%|\s*#).*\S/mu.exec(text.slice(end)) ?? []
  if (more === undefined) return tags
  const words = 'the text after the first YAML document is ignored: remove it, or the line "---" before it'
  return [...tags, { words, offset: text.indexOf(more, end) }]
}

/** Maximum length of a tag in a message, in UTF-16 units. */
const MAX_TAG_LENGTH = 60

function plainValueOf(document: Document, positionAt: (offset: number) => TextPosition): unknown {
  const at = (offset: number | undefined): string =>
    offset === undefined ? '' : formatPosition(positionAt(offset))
  const { unresolved, first, deepest } = findAliases(document)
  if (unresolved !== undefined) {
    const name = cutText(unresolved.source, MAX_TAG_LENGTH)
    const words = `the alias *${name} has no anchor &${name} before it: put a text with "*" in quotes, or name an anchor`
    throw notReadable(`${words}${at(offsetOf(unresolved))}`)
  }
  const tooDeep = `it nests more than ${MAX_LEVELS} levels deep${at(deepest ?? first)}`
  if (deepest !== undefined) throw notReadable(tooDeep)
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT })
  } catch (error) {
    // The library throws this for too many aliases.
    if (!(error instanceof ReferenceError)) throw error
    throw notReadable(
      `its aliases repeat too many values: write the values, without aliases of aliases${at(first)}`,
      error,
    )
  }
  if (isNestedDeeperThan(value, MAX_LEVELS)) throw notReadable(tooDeep)
  return value
}

/** The first alias without an anchor before it, and the offsets of the first alias and of the first node that is nested too deeply. */
function findAliases(document: Document): {
  readonly unresolved: Alias | undefined
  readonly first: number | undefined
  readonly deepest: number | undefined
} {
  const anchors = new Set<string>()
  let unresolved: Alias | undefined
  let first: number | undefined
  let deepest: number | undefined
  visit(document, {
    Node(_, node, path) {
      if (isAlias(node)) {
        first ??= offsetOf(node)
        if (!anchors.has(node.source)) unresolved ??= node
      } else if (node.anchor !== undefined) anchors.add(node.anchor)
      // Collections and pairs alternate in a path of mappings.
      if (path.filter(isCollection).length <= MAX_LEVELS) return undefined
      deepest = offsetOf(node)
      return visit.BREAK
    },
  })
  return { unresolved, first, deepest }
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
  readonly path: YamlPath
  readonly offset: number
}

/** Visits each node once; the document has no cycles and a bounded depth here. */
function indexPlaces(document: Document): {
  readonly root: Place
  readonly duplicates: readonly DuplicateKey[]
} {
  const duplicates: DuplicateKey[] = []
  const anchors = new Map<string, Place>()
  const indexNode = (node: unknown, offset: number | undefined, path: YamlPath): Place => {
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
  return { root: indexNode(document.contents, offsetOf(document.contents), []), duplicates }
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
  path: YamlPath,
): { readonly nearest: Place; readonly exact: Place | undefined } {
  let nearest = root
  for (const segment of path) {
    const next = typeof segment === 'number' ? nearest.items[segment] : nearest.keys.get(segment)
    if (next === undefined) return { nearest, exact: undefined }
    nearest = next
  }
  return { nearest, exact: nearest }
}
