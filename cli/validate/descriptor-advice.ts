import { type DescriptorPath, formatPath } from '../../src/task/descriptor/descriptor-problem.ts'
import { DEFAULT_TYPES } from '../../src/task/descriptor/parameter-reader.ts'
import { compareInstants, parseInstant } from '../../src/task/parameters/instant.ts'
import {
  type Bounds,
  isFileType,
  leafOf,
  type ParameterType,
  type TaskDescriptor,
  type TaskInput,
  type TaskOutput,
} from '../../src/task/task.ts'
import { formatPosition, type YamlDocument } from '../../src/task/yaml/yaml-document.ts'
import { type Finding, type Note, warning } from './finding.ts'
import { sizesThatNeverMatch } from './matching-advice.ts'
import { memoryAdvice } from './memory-advice.ts'

/*
 * Warnings about descriptors that the service accepts, but that are probably mistakes: constraints that no value satisfies, and
 * parameters that Cytomine's own page cannot enter or show. Other clients of the API can use such parameters.
 */

/** Parameters of a descriptor, also of one with problems. */
type Parameters = Pick<TaskDescriptor, 'inputs' | 'outputs'> & Partial<Pick<TaskDescriptor, 'matchingGroups'>>

/** Warnings about the parameters of a descriptor that could be read. */
export function adviseOn(descriptor: Parameters, document: YamlDocument): Finding[] {
  const notes = [
    ...descriptor.inputs.flatMap((input) => [
      ...neverHolding(['inputs', input.name, 'type'], input.type),
      ...notEnterable(input),
    ]),
    ...descriptor.outputs.flatMap((output) => [
      ...neverHolding(['outputs', output.name, 'type'], output.type),
      ...notShown(output),
    ]),
    ...sizesThatNeverMatch(descriptor),
    ...memoryAdvice(document),
    ...(document.keysOf(['outputs']).length === 0
      ? [
          {
            path: ['outputs'],
            words: 'is empty: a run produces nothing but its log; declare the files that the task writes',
          },
        ]
      : []),
  ]
  return notes.map(({ path, words }) => {
    const position = document.positionOf(path) ?? { line: 1, column: 1 }
    return warning('descriptor', `${formatPath(path)} ${words}${formatPosition(position)}`, position)
  })
}

/** Notes on constraints that no value satisfies. */
function neverHolding(path: DescriptorPath, type: ParameterType): Note[] {
  switch (type.id) {
    case 'integer':
      return [
        ...(['gt', 'geq', 'lt', 'leq'] as const).flatMap((name) => inexact(path, name, type[name])),
        ...boundsFault(path, type),
      ]
    case 'number':
      return boundsFault(path, type)
    case 'string':
      return [
        ...negative(path, 'min_length', type.minLength),
        ...range(path, ['min_length', type.minLength], ['max_length', type.maxLength], 'text'),
      ]
    case 'array':
      return [
        ...negative(path, 'min_size', type.minSize),
        ...range(path, ['min_size', type.minSize ?? 0], ['max_size', type.maxSize], 'array'),
        ...neverHolding([...path, 'subtype'], type.subType),
      ]
    case 'datetime':
      return momentsFault(path, type.after, type.before)
    case 'image':
      return [
        ...range(path, ['the least width of an image', 1], ['max_width', type.maxWidth], 'image'),
        ...range(path, ['the least height of an image', 1], ['max_height', type.maxHeight], 'image'),
        ...fileSize(path, type),
      ]
    case 'file':
      return fileSize(path, type)
    case 'enumeration':
      return new Set(type.values).size < type.values.length
        ? [{ path: [...path, 'values'], words: 'has the same value twice: remove one' }]
        : []
    default:
      return []
  }
}

function fileSize(
  path: DescriptorPath,
  { id, maxFileSizeBytes }: { readonly id: string; readonly maxFileSizeBytes?: number | undefined },
): Note[] {
  return range(path, ['the least size of a file', 1], ['max_file_size', maxFileSizeBytes], id)
}

function negative(path: DescriptorPath, name: string, value: number | undefined): Note[] {
  if (value === undefined || value >= 0) return []
  return [
    { path: [...path, name], words: `is ${value} and has no effect: no size is less than 0; remove it` },
  ]
}

function inexact(path: DescriptorPath, name: string, value: number | undefined): Note[] {
  if (value === undefined || Number.isSafeInteger(value)) return []
  const words = `is beyond 2^53, where not every integer can be represented, and is read as ${value}; write a smaller one, or remove it`
  return [{ path: [...path, name], words }]
}

function boundsFault(path: DescriptorPath, { id, ...bounds }: Bounds & { readonly id: string }): Note[] {
  const lower = [named('gt', bounds.gt), named('geq', bounds.geq)].filter((bound) => bound !== undefined)
  const upper = [named('lt', bounds.lt), named('leq', bounds.leq)].filter((bound) => bound !== undefined)
  for (const low of lower) {
    for (const high of upper) {
      if (isPossible(id, low, high)) continue
      const words = `cannot be satisfied: no ${id} has ${low.name} ${low.value} and ${high.name} ${high.value}; change one of them`
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
  const words = `cannot be satisfied: ${lowName} is ${low}, so no ${what} has ${highName} ${high}; change one of them`
  return [{ path: [...path, highName], words }]
}

function momentsFault(path: DescriptorPath, after?: string, before?: string): Note[] {
  const [from, to] = [after, before].map((text) => (text === undefined ? undefined : parseInstant(text)))
  if (from === undefined || to === undefined || compareInstants(from, to) <= 0) return []
  const words = `cannot be satisfied: "after" ${after} is later than "before" ${before}; change one of them`
  return [{ path: [...path, 'before'], words }]
}

const IN_UI = "Cytomine's own page"

function notEnterable({ name, type, optional, default: value }: TaskInput): Note[] {
  const leaf = leafOf(type).id
  const path = ['inputs', name, 'type']
  if (leaf !== 'datetime' && leaf !== 'file') {
    return leaf === 'number' || leaf === 'integer' ? narrowBounds(path, type) : []
  }
  const cure = DEFAULT_TYPES.includes(type.id) ? 'make it optional, or give it a default' : 'make it optional'
  const rest =
    optional || value !== undefined
      ? 'runs started there cannot give it a value'
      : `no run can be started there; ${cure}`
  const what = type.id === 'array' ? `an array of ${leaf}` : leaf
  return [{ path, words: `is ${what}, for which ${IN_UI} has no field: ${rest}` }]
}

/** Notes on bounds that Cytomine's page narrows: it treats `gt` and `lt` of numbers as if values were integers. */
function narrowBounds(path: DescriptorPath, type: ParameterType): Note[] {
  if (type.id === 'array') return narrowBounds([...path, 'subtype'], type.subType)
  if (type.id !== 'number') return []
  const { gt, lt } = type
  const [low, high] = [gt === undefined ? '' : ` from ${gt + 1}`, lt === undefined ? '' : ` to ${lt - 1}`]
  const given = Object.entries({ gt, lt }).filter(([, value]) => value !== undefined)
  const [first] = given
  if (first === undefined) return []
  const bounds = given.map(([name, value]) => `${name} ${value}`).join(' and ')
  const better = given.map(([name]) => (name === 'gt' ? 'geq' : 'leq')).join(' and ')
  const words = `has ${bounds}, for which ${IN_UI} accepts only values${low}${high}: use ${better}`
  return [{ path: [...path, first[0]], words }]
}

function notShown({ name, type }: TaskOutput): Note[] {
  const path = ['outputs', name, 'type']
  const leaf = leafOf(type)
  if (type.id === 'array' && (leaf.id === 'enumeration' || isFileType(leaf))) {
    return [
      {
        path,
        words: `is an array of ${leaf.id}, which ${IN_UI} does not keep: its items are in downloads only; add an output of another type for what the page is to show`,
      },
    ]
  }
  return isFileType(type)
    ? [
        {
          path,
          words: `is ${type.id}, which ${IN_UI} does not show: it is in downloads only; add an output of another type for what the page is to show`,
        },
      ]
    : []
}
