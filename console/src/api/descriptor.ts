import { parse } from 'yaml'
import type { ParameterType } from './types.ts'

/** Contents of `descriptor.yml` that no other route returns. */
export interface Descriptor {
  readonly source: string
  readonly resources: {
    readonly ram?: string
    readonly cpus?: number
    readonly gpus?: number
    readonly internet?: boolean
  }
  readonly sourceCode: string | undefined
  /** Types as written in the descriptor, by parameter. */
  readonly inputs: Readonly<Record<string, WrittenType | undefined>>
  readonly outputs: Readonly<Record<string, WrittenType | undefined>>
}

type WrittenType = string | { readonly [key: string]: unknown }

type Tree = { readonly [key: string]: unknown } | undefined

/** Parses a descriptor that the service has validated. Unexpected parts are ignored. */
export function parseDescriptor(source: string): Descriptor {
  const tree = branch(safely(source))
  const resources = branch(branch(tree?.configuration)?.resources) ?? {}
  const sourceCode = branch(tree?.external)?.source_code
  return {
    source,
    resources: resources as Descriptor['resources'],
    sourceCode: typeof sourceCode === 'string' && /^https?:\/\//iu.test(sourceCode) ? sourceCode : undefined,
    inputs: typesOf(tree?.inputs),
    outputs: typesOf(tree?.outputs),
  }
}

function safely(source: string): unknown {
  try {
    return parse(source, { maxAliasCount: 100 })
  } catch {
    return undefined
  }
}

function typesOf(parameters: unknown): Descriptor['inputs'] {
  const types = new Map<string, WrittenType>()
  for (const [name, parameter] of Object.entries(branch(parameters) ?? {})) {
    const type = branch(parameter)?.type
    if (typeof type === 'string' || branch(type) !== undefined) types.set(name, type as WrittenType)
  }
  return Object.fromEntries(types)
}

function branch(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : undefined
}

/** Adds the limits of a parameter's files, which listings omit. */
export function withLimits<Parameter extends { readonly type: ParameterType }>(
  parameter: Parameter,
  written: WrittenType | undefined,
): Parameter {
  return { ...parameter, type: limited(parameter.type, written) }
}

function limited(type: ParameterType, written: WrittenType | undefined): ParameterType {
  const tree = branch(written)
  if (tree === undefined) return type
  if (type.id === 'array') {
    return { ...type, subType: limited(type.subType, tree.subtype as WrittenType | undefined) }
  }
  if (type.id !== 'image' && type.id !== 'file') return type
  return {
    ...type,
    ...(tree.max_file_size === undefined ? {} : { maxFileSize: String(tree.max_file_size) }),
    ...(typeof tree.max_width === 'number' ? { maxWidth: tree.max_width } : {}),
    ...(typeof tree.max_height === 'number' ? { maxHeight: tree.max_height } : {}),
  }
}
