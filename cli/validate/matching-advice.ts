import type { ParameterType, TaskDescriptor } from '../../src/task/task.ts'
import type { Note } from './finding.ts'

type Parameters = Pick<TaskDescriptor, 'inputs' | 'outputs'> & Partial<Pick<TaskDescriptor, 'matchingGroups'>>

/** Notes on arrays that must have equal sizes, but whose bounds have no size in common. */
export function sizesThatNeverMatch({ inputs, outputs, matchingGroups = [] }: Parameters): Note[] {
  const types = new Map<string, ParameterType>([
    ...inputs.map(({ name, type }) => [`inputs/${name}`, type] as const),
    ...outputs.map(({ name, type }) => [`outputs/${name}`, type] as const),
  ])
  return matchingGroups.flatMap((keys) => {
    const arrays = keys.flatMap((key) => {
      const type = types.get(key)
      return type?.id === 'array' ? [{ key, min: type.minSize ?? 0, max: type.maxSize ?? Infinity }] : []
    })
    const [longest] = arrays.toSorted((a, b) => b.min - a.min)
    const [shortest] = arrays.toSorted((a, b) => a.max - b.max)
    // An array that cannot have any size itself has a note of its own.
    if (longest === undefined || shortest === undefined || longest.key === shortest.key) return []
    if (longest.min <= shortest.max) return []
    const words = `cannot be satisfied: ${shortest.key} matches this array and has max_size ${shortest.max}, so neither has min_size ${longest.min}; change one of them`
    return [{ path: [...longest.key.split('/'), 'type', 'min_size'], words }]
  })
}
