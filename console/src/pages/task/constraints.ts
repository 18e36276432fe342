import type { ParameterType } from '../../api/types.ts'

/** Type and constraints of a parameter, such as "whole number, at least 0, at most 60". */
export function describeType(type: ParameterType): string {
  return [nameOf(type), ...constraintsOf(type)].join(', ')
}

function nameOf(type: ParameterType): string {
  switch (type.id) {
    case 'integer':
      return 'whole number'
    case 'boolean':
      return 'yes or no'
    case 'string':
      return 'text'
    case 'enumeration':
      return 'one of a list'
    case 'datetime':
      return 'time'
    case 'array':
      return `list of items (${describeType(type.subType)})`
    default:
      return type.id
  }
}

function constraintsOf(type: ParameterType): string[] {
  switch (type.id) {
    case 'integer':
      return boundsOf(type)
    case 'number':
      return [
        ...boundsOf(type),
        ...(type.nanAllowed ? ['nan allowed'] : []),
        ...(type.infinityAllowed ? ['inf allowed'] : []),
      ]
    case 'string':
      return sizes('characters', type.minLength === 0 ? undefined : type.minLength, type.maxLength)
    case 'enumeration':
      return [type.values.map((value) => `“${value}”`).join(' or ')]
    case 'datetime':
      return [
        ...(type.after === undefined ? [] : [`not before ${type.after}`]),
        ...(type.before === undefined ? [] : [`not after ${type.before}`]),
      ]
    case 'array':
      return sizes('items', type.minSize, type.maxSize)
    case 'geometry':
      return ['GeoJSON', 'in pixels from the lower left corner of the image']
    case 'image':
    case 'file':
      return fileLimits(type)
    default:
      return []
  }
}

function boundsOf({ gt, geq, lt, leq }: { gt?: number; geq?: number; lt?: number; leq?: number }): string[] {
  const words: (readonly [string, number | undefined])[] = [
    ['greater than', gt],
    ['at least', geq],
    ['less than', lt],
    ['at most', leq],
  ]
  return words.flatMap(([word, bound]) => (bound === undefined ? [] : [`${word} ${bound}`]))
}

function sizes(unit: string, least: number | undefined, most: number | undefined): string[] {
  if (least !== undefined && least === most) return [`${least} ${unit}`]
  return [
    ...(least === undefined ? [] : [`at least ${least} ${unit}`]),
    ...(most === undefined ? [] : [`at most ${most} ${unit}`]),
  ]
}

function fileLimits(type: ParameterType & { readonly id: 'image' | 'file' }): string[] {
  const { formats, maxFileSize, maxWidth, maxHeight } = type
  return [
    ...(formats === null ? [] : [formats.map((format) => format.toUpperCase()).join(', ')]),
    ...(maxFileSize === undefined ? [] : [`at most ${maxFileSize}`]),
    ...(maxWidth === undefined ? [] : [`at most ${maxWidth} pixels wide`]),
    ...(maxHeight === undefined ? [] : [`at most ${maxHeight} pixels high`]),
  ]
}
