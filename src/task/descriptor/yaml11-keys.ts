import type { YamlDocument } from '../yaml/yaml-document.ts'
import type { DescriptorPath } from './descriptor-problem.ts'
import { booleanOf, numberOf } from './yaml11-scalar.ts'

/** Keys of a descriptor with a boolean value, at any level. */
const BOOLEANS: ReadonlySet<string> = new Set([
  'allow_missing',
  'infinity_allowed',
  'internet',
  'is_contact',
  'nan_allowed',
  'optional',
])
/** Keys with a numeric value, at any level. */
const NUMBERS: ReadonlySet<string> = new Set([
  ...['cpus', 'gpus', 'gt', 'geq', 'lt', 'leq', 'min_length', 'max_length'],
  ...['max_width', 'max_height', 'min_size', 'max_size'],
])

/** Expected type of a scalar. */
export type Wanted = 'boolean' | 'number' | 'text'

/**
 * Reads scalars by the rules of YAML 1.1, as the Java service does, where a descriptor expects booleans or numbers: `yes`, `10_000`,
 * `0144`. Where it expects text they stay text, and quoted scalars are always text.
 */
export function readWantedScalars(document: YamlDocument): unknown {
  const read = (value: unknown, path: DescriptorPath): unknown => {
    if (Array.isArray(value)) return value.map((item, index) => read(item, [...path, index]))
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, read(item, [...path, key])]))
    }
    return readScalar(document, path, value, wantedBy(path.at(-1)))
  }
  return read(document.value, [])
}

function wantedBy(key: string | number | undefined): Wanted {
  if (typeof key !== 'string') return 'text'
  if (BOOLEANS.has(key)) return 'boolean'
  return NUMBERS.has(key) ? 'number' : 'text'
}

/** A scalar as the expected type, or unchanged when it has another one. */
export function readScalar(
  document: YamlDocument,
  path: DescriptorPath,
  value: unknown,
  wanted: Wanted,
): unknown {
  const source = document.plainTextAt(path)
  if (source === undefined) return value
  // YAML versions differ on digits with a leading zero, which are often codes.
  if (wanted === 'text') return /^[-+]?0[0-9_]+$/u.test(source) ? source : value
  if (wanted === 'boolean') return booleanOf(source) ?? value
  // YAML 1.1 reads digits such as 0899 as text, YAML 1.2 as a number.
  return numberOf(source) ?? (typeof value === 'number' ? source : value)
}
