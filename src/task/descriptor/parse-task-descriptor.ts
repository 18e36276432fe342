import type { z } from 'zod'
import { DomainError } from '../../contract/errors.ts'
import type { DescriptorWarning, TaskDescriptor, TaskInput, TaskOutput } from '../task.ts'
import { formatPosition, readYaml, type TextPosition, type YamlDocument } from '../yaml/yaml-document.ts'
import { type DescriptorPath, type Finding, findingsOf, formatPath } from './descriptor-problem.ts'
import { descriptorSchema } from './descriptor-schema.ts'
import { findWarnings } from './descriptor-warnings.ts'
import { findFolderCollision } from './folders.ts'
import { type ParameterKind, type ReadParameter, readParameter } from './parameter-reader.ts'
import { findReferenceProblems, groupMatching } from './references.ts'
import { readScalar, readWantedScalars, type Wanted } from './yaml11-keys.ts'

/** A problem that the author of a descriptor has to fix. */
export interface DescriptorProblem extends Partial<TextPosition> {
  /** Such as `inputs.a.type`; for a missing property, its expected path. */
  readonly path: string
  /** A sentence with the path, the expectation and the position in the text. */
  readonly message: string
}

/** Bounds the upload's DynamoDB item, which may have 400 KB. */
const MAX_PROBLEMS = 100

/** A task is one DynamoDB item of at most 400 KB, which has further fields. */
const MAX_DESCRIPTOR_BYTES = 350_000

export interface ParseOptions {
  /** Generates ids of parameters. */
  readonly newId: () => string
  /** Default for the task's memory (descriptor 3.1). */
  readonly defaultRamBytes: number
}

/** A descriptor that the service accepts. */
export interface ParsedDescriptor {
  readonly descriptor: TaskDescriptor
  readonly warnings: readonly DescriptorWarning[]
}

/** A descriptor with problems. Its warnings often name the cause. */
export interface RefusedDescriptor {
  /** Parameters that could be read; they may still have another problem. */
  readonly valid: Pick<TaskDescriptor, 'inputs' | 'outputs'>
  readonly problems: readonly DescriptorProblem[]
  readonly warnings: readonly DescriptorWarning[]
}

/**
 * Parses and validates the text of a descriptor.yml.
 * @returns the descriptor with its warnings, or all of its problems
 * @throws DomainError INTERNAL_DESCRIPTOR_EXTRACTION_FAILED when the text is not YAML
 */
export function parseTaskDescriptor(
  text: string,
  options: ParseOptions,
): ParsedDescriptor | RefusedDescriptor {
  const document = readYaml(text)
  const value = readWantedScalars(document)
  const shape = descriptorSchema.safeParse(value)
  const parameters = (['inputs', 'outputs'] as const).flatMap((kind) => readParameters(document, value, kind))
  const findings = [
    ...(shape.success ? [] : findingsOf(shape.error)),
    ...parameters.flatMap((parameter) => parameter.findings),
    ...findReferenceProblems(parameters),
  ]
  // The folders are checked even if another part of the descriptor has a problem.
  const configuration = descriptorSchema.shape.configuration.safeParse(entriesOf(value).get('configuration'))
  if (configuration.success) {
    const { input_folder: inputFolder, output_folder: outputFolder } = configuration.data
    findings.push(
      ...[findFolderCollision(inputFolder, outputFolder)].filter((finding) => finding !== undefined),
    )
  }
  const warnings = findWarnings(document, parameters)
  const valid = parametersOf(parameters, options)
  if (!shape.success || findings.length + document.duplicateKeys.length > 0) {
    return { valid, problems: listProblems(document, findings), warnings }
  }
  const descriptor = {
    ...buildDescriptor(shape.data, options),
    ...valid,
    matchingGroups: groupMatching(parameters),
  }
  if (Buffer.byteLength(JSON.stringify(descriptor)) > MAX_DESCRIPTOR_BYTES) {
    const message = `must be smaller: the part that the service stores has more than ${MAX_DESCRIPTOR_BYTES} bytes`
    return { valid, problems: listProblems(document, [{ path: [], message }]), warnings: [] }
  }
  return { descriptor, warnings }
}

/** Error for a descriptor with problems (http-api 5.2). The contract fixes its message; the entries have the texts. */
export function descriptorError(problems: readonly DescriptorProblem[]): DomainError {
  const errors = problems.map(
    ({ path, message }) =>
      new DomainError(
        'INTERNAL_PARAMETER_SCHEMA_VALIDATION_ERROR',
        { type: 'parameter', parameterName: path },
        { text: message },
      ).body,
  )
  return new DomainError('INTERNAL_SCHEMA_VALIDATION_ERROR', { type: 'batch', errors })
}

function readParameters(document: YamlDocument, value: unknown, kind: ParameterKind): ReadParameter[] {
  const values = entriesOf(entriesOf(value).get(kind))
  const readAs = (path: DescriptorPath, scalar: unknown, wanted: Wanted): unknown =>
    readScalar(document, path, scalar, wanted)
  return document.keysOf([kind]).map((name) => readParameter([kind, name], values.get(name), readAs))
}

/** Entries of a mapping; none for other values, which the schema reports. */
function entriesOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : [])
}

/** First problem of each path, in the order of the text. */
function listProblems(document: YamlDocument, findings: readonly Finding[]): DescriptorProblem[] {
  const repeated = document.duplicateKeys.map(({ path, position }) => ({
    path: formatPath(path),
    message: 'must be given only once',
    position,
  }))
  const unique = new Map<string, { path: string; message: string; position: TextPosition | undefined }>()
  for (const { path, message } of findings) {
    const key = formatPath(path)
    if (!unique.has(key)) unique.set(key, { path: key, message, position: document.positionOf(path) })
  }
  const problems = [...repeated, ...unique.values()]
    .sort((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0))
    .map(({ path, message, position }) => ({
      path,
      message: `${path} ${message}${position === undefined ? '' : formatPosition(position)}`,
      ...position,
    }))
  if (problems.length <= MAX_PROBLEMS) return problems
  const rest = problems.length - MAX_PROBLEMS
  return [
    ...problems.slice(0, MAX_PROBLEMS),
    { path: formatPath([]), message: `the descriptor has ${rest} more problems` },
  ]
}

function buildDescriptor(
  shape: z.infer<typeof descriptorSchema>,
  { defaultRamBytes }: ParseOptions,
): Omit<TaskDescriptor, 'inputs' | 'outputs' | 'matchingGroups'> {
  const { configuration } = shape
  const imageFile = configuration.image?.file
  return {
    namespace: shape.namespace,
    version: shape.version,
    name: shape.name,
    description: shape.description ?? null,
    authors: shape.authors,
    inputFolder: configuration.input_folder,
    outputFolder: configuration.output_folder,
    ...(imageFile === undefined || imageFile === null ? {} : { imageFile }),
    resources: { ramBytes: String(defaultRamBytes), ...configuration.resources },
  }
}

function parametersOf(
  parameters: readonly ReadParameter[],
  { newId }: ParseOptions,
): Pick<TaskDescriptor, 'inputs' | 'outputs'> {
  const of = (kind: ParameterKind) => parameters.filter((parameter) => parameter.kind === kind)
  return {
    inputs: of('inputs').flatMap((parameter) => buildInput(parameter, newId)),
    outputs: of('outputs').flatMap((parameter) => buildOutput(parameter, newId)),
  }
}

function buildParameter(
  { name, type, fields }: ReadParameter,
  newId: () => string,
): Omit<TaskInput, 'default'>[] {
  if (type === undefined || fields === undefined) return []
  const { display_name: displayName = name, description, optional } = fields
  return [{ id: newId(), name, displayName, description, optional, type }]
}

function buildInput(parameter: ReadParameter, newId: () => string): TaskInput[] {
  return buildParameter(parameter, newId).map((input) =>
    parameter.default === undefined ? input : { ...input, default: parameter.default },
  )
}

function buildOutput(parameter: ReadParameter, newId: () => string): TaskOutput[] {
  const derivedFrom = parameter.fields?.dependencies?.derived_from
  return buildParameter(parameter, newId).map((output) => ({
    ...output,
    derivedFrom: derivedFrom === undefined ? null : derivedFrom.slice('inputs/'.length),
  }))
}
