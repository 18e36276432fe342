import { parseMemoryAmount } from '../../src/task/descriptor/memory-amount.ts'
import type { YamlDocument } from '../../src/task/yaml/yaml-document.ts'
import type { Note } from './finding.ts'

/** Least memory of a container in docker; with less, it does not start. */
const MIN_RAM_BYTES = 6n * 1024n ** 2n

/** Notes on amounts of memory with a wrong or a missing unit, in the whole descriptor. */
export function memoryAdvice(document: YamlDocument): Note[] {
  return notesAt([], document.value)
}

function notesAt(path: readonly (string | number)[], value: unknown): Note[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => notesAt([...path, index], item))
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, item]) => notesAt([...path, key], item))
  }
  if (typeof value !== 'string') return []
  const isRam = path.join('.') === 'configuration.resources.ram'
  return isRam || path.at(-1) === 'max_file_size' ? notesOn(path, value, isRam) : []
}

function notesOn(path: Note['path'], text: string, isRam: boolean): Note[] {
  const bytes = parseMemoryAmount(text)?.bytes
  if (bytes === undefined) return []
  const [bits, prefix = ''] = /([kKMGTPEZYRQ]i?)?(?:bit|b)$/u.exec(text) ?? []
  if (bits !== undefined) {
    const meant = `${text.slice(0, -bits.length).trim()}${prefix}B`
    return [
      { path, words: `is in bits: ${JSON.stringify(text)} is ${bytes} bytes; bytes would be "${meant}"` },
    ]
  }
  if (!isRam || bytes >= MIN_RAM_BYTES) return []
  const isWithoutUnit = bytes > 0n && /^[\d.]+$/u.test(text)
  const cure = isWithoutUnit
    ? `digits without a unit are bytes: "${text}Mi" would be MiB`
    : 'write an amount with a unit, such as "512Mi"'
  return [{ path, words: `is ${bytes} bytes, but no container starts with less than 6 MiB; ${cure}` }]
}
