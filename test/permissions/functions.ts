import { Template } from 'aws-cdk-lib/assertions'
import { INPUT_BUCKET } from '../fixtures/input-bucket.ts'
import { synthesize } from '../infra/synthesis.ts'
import type { NeededPermission } from '../recording/needed-permission.ts'
import { type Recording, readRecordings } from '../recording/recording.ts'
import {
  ACCOUNT,
  createReferenceResolver,
  type ReferenceResolver,
  type SynthesizedTemplate,
} from '../templates/resolve-references.ts'
import { type PolicyStatement, readStatement } from './evaluate-policy.ts'

/** Permissions that a function has used on the emulator, and those that it has on AWS. */
export interface ReplayedFunction {
  /** Path of its construct in the stack: `Api`. */
  readonly id: string
  readonly needed: readonly NeededPermission[]
  readonly statements: readonly PolicyStatement[]
}

/** The function that signs all presigned URLs, so that requests to them use its permissions. */
const SIGNER = 'Api'

/**
 * The functions of production. The recorded names are those of the emulator's stack. Production's references are replaced by these names,
 * which are found by the functions' variables: both stacks have the same ones.
 */
export function replayedFunctions(directory: string): readonly ReplayedFunction[] {
  const recordings = readRecordings(directory)
  requireOneStack(recordings)
  const { stacks, templates } = synthesize('production', { inputBuckets: [INPUT_BUCKET] })
  const service: SynthesizedTemplate = Template.fromStack(stacks.service).toJSON() as SynthesizedTemplate
  const others = templates.map((template) => template.toJSON() as SynthesizedTemplate)
  const functions = Object.entries(service.Resources).filter(
    ([, { Type }]) => Type === 'AWS::Lambda::Function',
  )
  const byFunction = new Map(
    functions.map(([id]) => [id, recordings.filter(({ functionName }) => functionName?.includes(`-${id}-`))]),
  )
  const names = realNames(functions, byFunction, createReferenceResolver(service, others))
  const resolver = createReferenceResolver(service, others, names)
  const buckets = [...byFunction.values()]
    .flat()
    .map(({ variables }) => `arn:aws:s3:::${variables.BUCKET_NAME}/`)
  const presigned = recordings
    .filter(({ functionName }) => functionName === undefined)
    .flatMap(({ needed }) => needed)
    // Without the buckets that tests of adapters create.
    .filter(({ resource }) => buckets.some((bucket) => resource.startsWith(bucket)))

  return functions.map(([logicalId, { Properties: { Role } = {} }]) => {
    const id = logicalId.replace(/Function[0-9A-F]{8}$/u, '')
    const own = (byFunction.get(logicalId) ?? []).flatMap(({ needed }) => needed)
    return {
      id,
      needed: distinct(id === SIGNER ? [...own, ...presigned] : own).map(inOwnAccount),
      statements: statementsOfRole(service, resolver, resolver.referenceOf(Role) ?? ''),
    }
  })
}

type Functions = readonly (readonly [
  id: string,
  { readonly Properties?: Readonly<Record<string, unknown>> },
])[]

/** Adds the account of the resource: the emulator has only one. */
function inOwnAccount({ context, ...needed }: NeededPermission): NeededPermission {
  return { ...needed, context: { ...context, 'aws:ResourceAccount': ACCOUNT } }
}

/** Throws unless one stack was recorded, because references are replaced by the names of a single one. */
function requireOneStack(recordings: readonly Recording[]): void {
  const tables = new Set(recordings.flatMap(({ variables }) => variables.TABLE_NAME ?? []))
  if (tables.size !== 1)
    throw new Error(`${tables.size} stacks were recorded: start over with an empty folder`)
}

function realNames(
  functions: Functions,
  byFunction: ReadonlyMap<string, readonly Recording[]>,
  { referenceOf }: ReferenceResolver,
): Map<string, string> {
  const names = new Map<string, string>()
  for (const [id, { Properties = {} }] of functions) {
    const { Variables = {} } = (Properties.Environment ?? {}) as {
      readonly Variables?: Record<string, unknown>
    }
    const [{ variables = {} } = {}] = byFunction.get(id) ?? []
    for (const [name, value] of Object.entries(Variables)) {
      for (const [reference, real] of namesIn(value, variables[name] ?? '', referenceOf)) {
        names.set(reference, real)
      }
    }
  }
  return names
}

/** Names of the references in the value of a variable: one that is the whole value, or several within a text. */
function namesIn(
  value: unknown,
  real: string,
  referenceOf: ReferenceResolver['referenceOf'],
): readonly (readonly [reference: string, real: string])[] {
  const { 'Fn::Join': [separator, parts] = ['', [value]] } = Object(value) as {
    readonly 'Fn::Join'?: readonly [string, readonly unknown[]]
  }
  const pattern = parts.map((part) => (typeof part === 'string' ? RegExp.escape(part) : '(.+)'))
  const found = new RegExp(`^${pattern.join(RegExp.escape(separator))}$`, 'su').exec(real)?.slice(1) ?? []
  const references = parts.filter((part) => typeof part !== 'string').map(referenceOf)
  return references
    .flatMap((reference, index) =>
      // Region and account are the same in both stacks.
      reference === undefined || reference.startsWith('AWS::')
        ? []
        : [[reference, nameIn(found[index] ?? '')] as const],
    )
    .filter(([, name]) => name !== '')
}

/** A reference to a queue is replaced by its URL, whose last part is the name in its ARN. */
function nameIn(value: string): string {
  return /^https?:\/\/[^/]+\/\d{12}\/([\w.-]+)$/u.exec(value)?.[1] ?? value
}

function statementsOfRole(
  template: SynthesizedTemplate,
  resolver: ReferenceResolver,
  roleReference: string,
): readonly PolicyStatement[] {
  const roleId = roleReference.replace(/\.Arn$/u, '')
  const { ManagedPolicyArns, Policies = [] } = template.Resources[roleId]?.Properties ?? {}
  if (ManagedPolicyArns !== undefined)
    throw new Error(`${roleId} has a managed policy, which this test does not read`)
  const attached = Object.values(template.Resources)
    .filter(({ Type, Properties = {} }) => {
      const roles = (Properties.Roles ?? []) as readonly unknown[]
      return Type === 'AWS::IAM::Policy' && roles.some((role) => resolver.referenceOf(role) === roleId)
    })
    .map(({ Properties }) => Properties)
  return [...attached, ...(Policies as readonly unknown[])].flatMap((policy) => {
    const { PolicyDocument } = resolver.resolve(policy) as {
      readonly PolicyDocument: { readonly Statement: readonly Record<string, unknown>[] }
    }
    return PolicyDocument.Statement.map(readStatement)
  })
}

function distinct(needed: readonly NeededPermission[]): NeededPermission[] {
  return [...new Map(needed.map((one) => [JSON.stringify(one), one])).values()]
}
