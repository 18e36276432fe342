import * as z from 'zod'

/** Key that merges another mapping into its own in YAML 1.1. */
export const MERGE_KEY = '<<'

/** Keys that a schema reads. */
export function keysOf(schema: z.core.$ZodType): readonly string[] {
  if (schema instanceof z.ZodPipe) return keysOf(schema.in)
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

/** Names that JSON Schema, pydantic, Compose and Kubernetes use for these keys, in lower case without separators. */
const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  geq: ['gte', 'ge', 'min', 'minimum', 'atleast'],
  leq: ['lte', 'le', 'max', 'maximum', 'atmost'],
  gt: ['exclusiveminimum', 'greaterthan'],
  lt: ['exclusivemaximum', 'lessthan'],
  min_length: ['min', 'minimum'],
  max_length: ['max', 'maximum', 'length', 'maxchars'],
  min_size: ['min', 'minimum', 'minitems', 'minlength'],
  max_size: ['max', 'maximum', 'maxitems', 'size', 'maxlength'],
  after: ['min', 'minimum', 'from', 'since', 'geq', 'gt'],
  before: ['max', 'maximum', 'until', 'to', 'leq', 'lt'],
  values: ['enum', 'options', 'choices', 'items', 'allowed', 'allowedvalues'],
  subtype: ['items', 'itemtype', 'elementtype', 'of'],
  formats: ['format', 'extensions', 'mimetypes', 'types'],
  max_file_size: ['maxsize', 'size', 'filesize', 'max', 'maximum'],
  max_width: ['width'],
  max_height: ['height'],
  ram: ['memory', 'mem'],
  cpus: ['cpu', 'cores', 'vcpus'],
  gpus: ['gpu'],
  internet: ['network', 'networking'],
  optional: ['nullable'],
  display_name: ['title', 'label', 'name'],
  description: ['desc', 'help', 'doc', 'summary'],
  default: ['defaultvalue', 'value'],
  dependencies: ['dependson'],
  file: ['path', 'name', 'archive'],
  is_contact: ['contact'],
  organization: ['affiliation', 'institution', 'company'],
  email: ['mail'],
  id: ['type', 'kind'],
  boolean: ['bool', 'flag'],
  integer: ['int', 'int32', 'int64', 'long'],
  number: ['float', 'float32', 'float64', 'double', 'decimal', 'real'],
  string: ['str', 'text'],
  enumeration: ['enum', 'choice', 'select'],
  array: ['list', 'sequence', 'collection'],
  datetime: ['date', 'time', 'timestamp'],
  geometry: ['annotation', 'polygon', 'point', 'shape', 'roi'],
  image: ['slide', 'picture', 'wsi'],
}

/** Names that other formats use for the opposite of a key, in the same spelling. */
const OPPOSITE_WORDS: Readonly<Record<string, readonly string[]>> = {
  optional: ['required', 'mandatory'],
}

/** Words of this length or more may have two typing errors, shorter ones one. */
const SHORT_WORD_LENGTH = 5

/** Known key that an unknown key probably means, by synonym or by spelling; undefined when none is similar. */
export function meantKey(unknown: string, known: readonly string[]): string | undefined {
  const word = plain(unknown)
  const spelt = known.find((key) => plain(key) === word)
  if (spelt !== undefined) return spelt
  const meant = known.find((key) => OTHER_WORDS[key]?.includes(word))
  if (meant !== undefined) return meant
  const [nearest] = known
    .map((key) => ({ key, distance: editDistance(word, plain(key)) }))
    .toSorted((a, b) => a.distance - b.distance)
  const allowed = word.length < SHORT_WORD_LENGTH ? 1 : 2
  return nearest !== undefined && nearest.distance <= allowed ? nearest.key : undefined
}

/** Known key that means the opposite of an unknown key. */
export function oppositeKey(unknown: string, known: readonly string[]): string | undefined {
  return known.find((key) => OPPOSITE_WORDS[key]?.includes(plain(unknown)))
}

function plain(key: string): string {
  return key.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
}

/** Longer keys are not compared, since they cannot be misspelled known ones. */
const MAX_COMPARED_LENGTH = 24

/** Number of letters to insert, delete, replace or swap with a neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  if (a.length > MAX_COMPARED_LENGTH) return Number.POSITIVE_INFINITY
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1]
      const changed = (last[j - 1] ?? 0) + (isSame ? 0 : 1)
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwapped ? (beforeLast[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      row.push(Math.min(changed, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, swapped))
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
