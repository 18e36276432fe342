import type { DescriptorWarning, ParameterTypeId } from '../task.ts'
import { formatPosition, type YamlDocument } from '../yaml/yaml-document.ts'
import { type DescriptorPath, formatPath } from './descriptor-problem.ts'
import { DESCRIPTOR_KEYS } from './descriptor-schema.ts'
import { MERGE_KEY, meantKey, oppositeKey } from './known-keys.ts'
import { DEFAULT_TYPES, DEPENDENCY_KEYS, PARAMETER_KEYS, type ReadParameter } from './parameter-reader.ts'
import { meantType, typeKeys } from './parameter-type-schema.ts'

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
  const ignored = document.ignored.map(({ words, position }) => ({
    message: `${words}${formatPosition(position)}`,
    ...position,
  }))
  const warnings = [...notes.map(({ path, words }) => warningOf(document, path, words)), ...ignored].toSorted(
    (a, b) => a.line - b.line || a.column - b.column,
  )
  if (warnings.length <= MAX_WARNINGS) return warnings
  const rest = warnings.length - MAX_WARNINGS
  const message = `the descriptor has ${rest} more keys without effect`
  return [...warnings.slice(0, MAX_WARNINGS), { message, line: 1, column: 1 }]
}

/** Authors of the descriptor; empty when the document is not one. */
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
  if (key === MERGE_KEY) return `${HAS_NO_EFFECT}: YAML 1.2 has no merge keys; repeat the keys here`
  const opposite = oppositeKey(key, known)
  if (opposite !== undefined) {
    return `${HAS_NO_EFFECT}: write its opposite, ${opposite}: true or ${opposite}: false (default)`
  }
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

/** A parameter whose type has a problem is checked too: an unknown key is often the cause, or a second mistake. */
function notesOnParameter(document: YamlDocument, { kind, name, type, fields }: ReadParameter): Note[] {
  const path = [kind, name]
  const id = type?.id ?? typeIdOf(valueAt(document, [...path, 'type']))
  const notes: Note[] = document
    .keysOf(path)
    .filter((key) => !PARAMETER_KEYS.includes(key) && !OWN_KEYS.test(key))
    .map((key) => ({ path: [...path, key], words: adviceBesideType(key, id) }))
  if (document.keysOf(path).includes('default')) notes.push(...notesOnDefault([...path, 'default'], kind, id))
  if (kind === 'inputs' && fields?.dependencies?.derived_from !== undefined) {
    const words = 'has no effect on an input: only outputs are derived from an input; remove it'
    notes.push({ path: [...path, 'dependencies', 'derived_from'], words })
  }
  return [
    ...notes,
    ...unknownKeys(document, [...path, 'dependencies'], DEPENDENCY_KEYS),
    ...notesOnType(document, [...path, 'type']),
  ]
}

function valueAt(document: YamlDocument, path: DescriptorPath): unknown {
  return path.reduce<unknown>(
    (value, key) => Object.getOwnPropertyDescriptor(Object(value), key)?.value,
    document.value,
  )
}

/** Id of a type, also of a misspelt one, such as `int`. */
function typeIdOf(type: unknown): ParameterTypeId | undefined {
  return meantType(typeof type === 'string' ? type : (Object(type) as { readonly id?: unknown }).id)
}

/** Advice on an unknown key of a parameter. Constraints are often written beside the type instead of in it. */
function adviceBesideType(key: string, id: ParameterTypeId | undefined): string {
  if (id === undefined) return adviceOn(key, PARAMETER_KEYS)
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

function notesOnDefault(path: DescriptorPath, kind: string, id: ParameterTypeId | undefined): Note[] {
  if (kind === 'outputs') return [{ path, words: 'has no effect on an output: remove it' }]
  if (id === undefined || DEFAULT_TYPES.includes(id)) return []
  return [{ path, words: `has no effect on an input of type ${id}, which has no defaults: remove it` }]
}

/** Keys that every type may have; without them, the keys of a type are unknown. */
const MAIN_TYPE_KEYS = ['id', 'subtype']

function notesOnType(document: YamlDocument, path: DescriptorPath): Note[] {
  const id = typeIdOf(valueAt(document, path))
  if (id === undefined) {
    const isMisspelt = (key: string): boolean =>
      !MAIN_TYPE_KEYS.includes(key) && meantKey(key, MAIN_TYPE_KEYS) !== undefined
    return document
      .keysOf(path)
      .filter(isMisspelt)
      .map((key) => ({ path: [...path, key], words: adviceOn(key, MAIN_TYPE_KEYS) }))
  }
  const notes = unknownKeys(document, path, typeKeys(id))
  return id === 'array' ? [...notes, ...notesOnType(document, [...path, 'subtype'])] : notes
}
