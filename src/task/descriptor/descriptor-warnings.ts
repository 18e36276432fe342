import type { DescriptorWarning, ParameterType, ParameterTypeId } from '../task.ts'
import { type DescriptorPath, formatPath } from './descriptor-problem.ts'
import { DESCRIPTOR_KEYS } from './descriptor-schema.ts'
import { meantKey } from './known-keys.ts'
import { DEFAULT_TYPES, DEPENDENCY_KEYS, PARAMETER_KEYS, type ReadParameter } from './parameter-reader.ts'
import { typeKeys } from './parameter-type-schema.ts'
import { formatPosition, type YamlDocument } from './yaml-document.ts'

/** Bounds the upload's DynamoDB item of 400 KB: 50 warnings have about 20 KB. */
const MAX_WARNINGS = 50

/** Keys that are not part of the descriptor by convention: `$comment` of JSON Schema, `x-…` of authors. */
const OWN_KEYS = /^(?:\$|x-)/u

interface Note {
  readonly path: DescriptorPath
  readonly words: string
}

/**
 * Keys of a descriptor that have no effect: unknown ones, constraints beside the type or of another type, defaults of types
 * without defaults. In the order of the text, at most {@link MAX_WARNINGS}, and one that counts the others.
 */
export function findWarnings(
  document: YamlDocument,
  parameters: readonly ReadParameter[],
): DescriptorWarning[] {
  const authors = authorsOf(document.value)
  const notes = [
    ...unknownKeys(document, [], DESCRIPTOR_KEYS.root),
    ...authors.flatMap((_, index) => unknownKeys(document, ['authors', index], DESCRIPTOR_KEYS.author)),
    ...unknownKeys(document, ['configuration'], DESCRIPTOR_KEYS.configuration),
    ...unknownKeys(document, ['configuration', 'image'], DESCRIPTOR_KEYS.image),
    ...unknownKeys(document, ['configuration', 'resources'], DESCRIPTOR_KEYS.resources),
    ...parameters.flatMap((parameter) => notesOnParameter(document, parameter)),
  ]
  const warnings = notes
    .map(({ path, words }) => warningOf(document, path, words))
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
  if (warnings.length <= MAX_WARNINGS) return warnings
  const rest = warnings.length - MAX_WARNINGS
  const message = `the descriptor has ${rest} more keys without effect`
  return [...warnings.slice(0, MAX_WARNINGS), { message, line: 1, column: 1 }]
}

/** Empty when the document is not a descriptor. */
function authorsOf(value: unknown): readonly unknown[] {
  const { authors } = Object(value) as { readonly authors?: unknown }
  return Array.isArray(authors) ? authors : []
}

function warningOf(document: YamlDocument, path: DescriptorPath, words: string): DescriptorWarning {
  const position = document.positionOf(path) ?? { line: 1, column: 1 }
  return { message: `${formatPath(path)} ${words}${formatPosition(position)}`, ...position }
}

function unknownKeys(document: YamlDocument, path: DescriptorPath, known: readonly string[]): Note[] {
  return document
    .keysOf(path)
    .filter((key) => !known.includes(key) && !OWN_KEYS.test(key))
    .map((key) => ({ path: [...path, key], words: adviceOn(key, known) }))
}

const HAS_NO_EFFECT = 'is not known here and has no effect'

function adviceOn(key: string, known: readonly string[]): string {
  const meant = meantKey(key, known)
  if (meant !== undefined) return `${HAS_NO_EFFECT}: did you mean ${meant}?`
  const place = PLACES.find(({ keys }) => meantKey(key, keys) !== undefined)
  if (place !== undefined) {
    return `${HAS_NO_EFFECT}: did you mean ${place.path}.${meantKey(key, place.keys)}?`
  }
  const rest = known.length === 0 ? '' : `; known are ${known.join(', ')}`
  return `${HAS_NO_EFFECT}: remove it${rest}`
}

/** Correct place of misplaced keys. */
const PLACES = [
  { path: 'configuration.resources', keys: DESCRIPTOR_KEYS.resources },
  { path: 'configuration', keys: DESCRIPTOR_KEYS.configuration },
] as const

function notesOnParameter(document: YamlDocument, { kind, name, type, fields }: ReadParameter): Note[] {
  if (type === undefined) return []
  const path = [kind, name]
  const notes: Note[] = document
    .keysOf(path)
    .filter((key) => !PARAMETER_KEYS.includes(key) && !OWN_KEYS.test(key))
    .map((key) => ({ path: [...path, key], words: adviceBesideType(key, type.id) }))
  if (document.keysOf(path).includes('default'))
    notes.push(...notesOnDefault([...path, 'default'], kind, type))
  if (kind === 'inputs' && fields?.dependencies?.derived_from !== undefined) {
    const words = 'has no effect on an input: only outputs are derived from an input; remove it'
    notes.push({ path: [...path, 'dependencies', 'derived_from'], words })
  }
  return [
    ...notes,
    ...unknownKeys(document, [...path, 'dependencies'], DEPENDENCY_KEYS),
    ...notesOnType(document, [...path, 'type'], type),
  ]
}

/** A key of a parameter; constraints are often written beside the type instead of in it. */
function adviceBesideType(key: string, id: ParameterTypeId): string {
  const constraints = typeKeys(id).filter((known) => known !== 'id')
  const constraint = constraints.includes(key) ? key : undefined
  const meant = constraint ?? meantKey(key, PARAMETER_KEYS)
  if (constraint === undefined && meant !== undefined) return adviceOn(key, PARAMETER_KEYS)
  const inType = meant ?? meantKey(key, constraints)
  if (inType !== undefined) {
    return `${HAS_NO_EFFECT}: did you mean ${inType} in the type, as type: {id: ${id}, ${inType}: …}?`
  }
  return adviceOn(key, PARAMETER_KEYS)
}

function notesOnDefault(path: DescriptorPath, kind: string, { id }: ParameterType): Note[] {
  if (kind === 'outputs') return [{ path, words: 'has no effect on an output: remove it' }]
  if (DEFAULT_TYPES.includes(id)) return []
  return [{ path, words: `has no effect on an input of type ${id}, which has no defaults: remove it` }]
}

function notesOnType(document: YamlDocument, path: DescriptorPath, type: ParameterType): Note[] {
  const notes = unknownKeys(document, path, typeKeys(type.id))
  return type.id === 'array'
    ? [...notes, ...notesOnType(document, [...path, 'subtype'], type.subType)]
    : notes
}
