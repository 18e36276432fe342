import { type DescriptorPath, formatPath } from '../../src/task/descriptor/descriptor-problem.ts'
import { formatPosition, type YamlDocument } from '../../src/task/descriptor/yaml-document.ts'
import { compareInstants, parseInstant } from '../../src/task/parameters/instant.ts'
import type { Bounds, ParameterType, TaskDescriptor, TaskInput, TaskOutput } from '../../src/task/task.ts'
import { type Finding, warning } from './finding.ts'

/*
 * What the service accepts and an author probably did not mean: constraints that no value meets, and parameters that Cytomine's own
 * web page cannot enter or show. Other clients of the API can do all of it.
 */

interface Note {
  readonly path: DescriptorPath
  readonly words: string
}

/** Warnings of a valid descriptor, in the order of its text. */
export function adviseOn(descriptor: TaskDescriptor, document: YamlDocument): Finding[] {
  const notes = [
    ...descriptor.inputs.flatMap((input) => [
      ...neverHolding(['inputs', input.name, 'type'], input.type),
      ...notEnterable(input),
    ]),
    ...descriptor.outputs.flatMap((output) => [
      ...neverHolding(['outputs', output.name, 'type'], output.type),
      ...notShown(output),
    ]),
    ...(descriptor.outputs.length === 0
      ? [{ path: ['outputs'], words: 'is empty: a run leaves nothing behind but its log' }]
      : []),
  ]
  return notes.map(({ path, words }) => {
    const position = document.positionOf(path) ?? { line: 1, column: 1 }
    return warning('descriptor', `${formatPath(path)} ${words}${formatPosition(position)}`, position)
  })
}

/** Constraints that no value meets. */
function neverHolding(path: DescriptorPath, type: ParameterType): Note[] {
  switch (type.id) {
    case 'integer':
    case 'number':
      return boundsFault(path, type)
    case 'string':
      return range(path, ['min_length', type.minLength], ['max_length', type.maxLength], 'text')
    case 'array':
      return [
        ...range(path, ['min_size', type.minSize ?? 0], ['max_size', type.maxSize], 'array'),
        ...neverHolding([...path, 'subtype'], type.subType),
      ]
    case 'datetime':
      return momentsFault(path, type.after, type.before)
    case 'image':
      return [
        ...range(path, ['the width of an image', 1], ['max_width', type.maxWidth], 'image'),
        ...range(path, ['the height of an image', 1], ['max_height', type.maxHeight], 'image'),
        ...range(path, ['the size of a file', 1], ['max_file_size', type.maxFileSizeBytes], 'image'),
      ]
    case 'enumeration':
      return new Set(type.values).size < type.values.length
        ? [{ path: [...path, 'values'], words: 'has a value twice: remove one' }]
        : []
    default:
      return []
  }
}

function boundsFault(path: DescriptorPath, { id, ...bounds }: Bounds & { readonly id: string }): Note[] {
  const lower = [named('gt', bounds.gt), named('geq', bounds.geq)].filter((bound) => bound !== undefined)
  const upper = [named('lt', bounds.lt), named('leq', bounds.leq)].filter((bound) => bound !== undefined)
  for (const low of lower) {
    for (const high of upper) {
      if (isPossible(id, low, high)) continue
      const words = `never holds: no ${id} has ${low.name} ${low.value} and ${high.name} ${high.value}; change one of them`
      return [{ path: [...path, high.name], words }]
    }
  }
  return []
}

interface NamedBound {
  readonly name: keyof Bounds
  readonly value: number
}

function named(name: keyof Bounds, value: number | undefined): NamedBound | undefined {
  return value === undefined ? undefined : { name, value }
}

function isPossible(id: string, low: NamedBound, high: NamedBound): boolean {
  if (id === 'integer') {
    return low.value + (low.name === 'gt' ? 1 : 0) <= high.value - (high.name === 'lt' ? 1 : 0)
  }
  const isOpen = low.name === 'gt' || high.name === 'lt'
  return isOpen ? low.value < high.value : low.value <= high.value
}

function range(
  path: DescriptorPath,
  [lowName, low]: readonly [string, number],
  [highName, high]: readonly [string, number | undefined],
  what: string,
): Note[] {
  if (high === undefined || low <= high) return []
  const words = `never holds: no ${what} has ${highName} ${high} while ${lowName} is ${low}; change one of them`
  return [{ path: [...path, highName], words }]
}

function momentsFault(path: DescriptorPath, after?: string, before?: string): Note[] {
  const [from, to] = [after, before].map((text) => (text === undefined ? undefined : parseInstant(text)))
  if (from === undefined || to === undefined || compareInstants(from, to) <= 0) return []
  const words = `never holds: no time is after ${after} and before ${before}; change one of them`
  return [{ path: [...path, 'before'], words }]
}

const IN_UI = "Cytomine's web page"

function notEnterable({ name, type, optional, default: value }: TaskInput): Note[] {
  const leaf = leafOf(type)
  const path = ['inputs', name, 'type']
  if (leaf !== 'datetime' && leaf !== 'file') {
    return leaf === 'number' || leaf === 'integer' ? narrowBounds(path, type) : []
  }
  const rest =
    optional || value !== undefined
      ? 'runs started there go without a value of their own'
      : 'no run can be started there; make it optional, or give it a default'
  return [{ path, words: `is ${leaf}, for which ${IN_UI} has no field: ${rest}` }]
}

/** The page takes `gt` and `lt` of numbers for whole steps. */
function narrowBounds(path: DescriptorPath, type: ParameterType): Note[] {
  if (type.id !== 'number' || type.gt === undefined || type.lt === undefined) return []
  if (type.lt - type.gt > 2) return []
  const words = `allows gt ${type.gt} and lt ${type.lt}, of which ${IN_UI} makes at least ${type.gt + 1} and at most ${type.lt - 1}: use geq and leq`
  return [{ path: [...path, 'gt'], words }]
}

function notShown({ name, type }: TaskOutput): Note[] {
  const path = ['outputs', name, 'type']
  if (type.id === 'array' && (leafOf(type) === 'enumeration' || isFile(leafOf(type)))) {
    return [
      {
        path,
        words: `is an array of ${leafOf(type)}, which ${IN_UI} does not keep: it is only in downloads`,
      },
    ]
  }
  return isFile(type.id)
    ? [{ path, words: `is ${type.id}, which ${IN_UI} does not show: it is only in downloads` }]
    : []
}

function isFile(id: ParameterType['id']): boolean {
  return id === 'image' || id === 'file'
}

function leafOf(type: ParameterType): ParameterType['id'] {
  return type.id === 'array' ? leafOf(type.subType) : type.id
}
