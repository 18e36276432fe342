/*
 * Templates with references replaced by names, for tools that evaluate policies. Invented names are used when no real ones are
 * given.
 */

export interface TemplateResource {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
}

/** The part of a template that references need. */
export interface SynthesizedTemplate {
  readonly Resources: Readonly<Record<string, TemplateResource>>
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>
  readonly Outputs?: Readonly<
    Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: unknown } }>
  >
}

/** Real names by reference: `Table` of a `Ref`, `Table.Arn` of a `Fn::GetAtt`. */
export type RealNames = ReadonlyMap<string, string>

/** Resolves values of one template, which may refer to others of the same stage. */
export interface ReferenceResolver {
  resolve(value: unknown): unknown
  /**
   * `Table` or `Table.Arn` for a value that is a single reference, also through an export of another stack; undefined for others.
   */
  referenceOf(value: unknown): string | undefined
}

const REGION = 'us-east-1'
/** Account in the resolved names. */
export const ACCOUNT = '000000000000'
const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::AccountId': ACCOUNT,
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'stack',
  'AWS::StackId': `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/stack/id`,
  'AWS::NoValue': '',
}

const inRegion = (service: string, resource: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`

/** ARNs by type, in the shape that AWS gives them. */
const ARNS: Readonly<Record<string, (name: string) => string>> = {
  'AWS::Batch::ComputeEnvironment': (name) => inRegion('batch', `compute-environment/${name}`),
  'AWS::Batch::JobQueue': (name) => inRegion('batch', `job-queue/${name}`),
  'AWS::DynamoDB::Table': (name) => inRegion('dynamodb', `table/${name}`),
  'AWS::EC2::VPC': (name) => inRegion('ec2', `vpc/${name}`),
  'AWS::ECR::Repository': (name) => inRegion('ecr', `repository/${name}`),
  'AWS::ECS::Cluster': (name) => inRegion('ecs', `cluster/${name}`),
  'AWS::Events::Rule': (name) => inRegion('events', `rule/${name}`),
  'AWS::IAM::InstanceProfile': (name) => `arn:aws:iam::${ACCOUNT}:instance-profile/${name}`,
  'AWS::IAM::Role': (name) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
  // Key names are UUIDs, which linters check.
  'AWS::KMS::Key': () => inRegion('kms', 'key/00000000-0000-4000-8000-000000000000'),
  'AWS::Lambda::Function': (name) => inRegion('lambda', `function:${name}`),
  'AWS::Logs::LogGroup': (name) => inRegion('logs', `log-group:${name}:*`),
  'AWS::S3::Bucket': (name) => `arn:aws:s3:::${name.toLowerCase()}`,
  'AWS::SNS::Topic': (name) => inRegion('sns', name),
  'AWS::SQS::Queue': (name) => inRegion('sqs', name),
  'AWS::StepFunctions::StateMachine': (name) => inRegion('states', `stateMachine:${name}`),
}
/** Types whose `Ref` is their ARN. */
const REFERRED_BY_ARN = [
  'AWS::Batch::ComputeEnvironment',
  'AWS::Batch::JobQueue',
  'AWS::SNS::Topic',
  'AWS::StepFunctions::StateMachine',
]

/** Creates a resolver for values of `template`; `others` contain the exports that it imports. */
export function createReferenceResolver(
  template: SynthesizedTemplate,
  others: readonly SynthesizedTemplate[],
  names: RealNames = new Map(),
): ReferenceResolver {
  const exported = (name: unknown): { readonly value: unknown; readonly in: ReferenceResolver } => {
    for (const other of others) {
      const output = Object.values(other.Outputs ?? {}).find(({ Export }) => Export?.Name === name)
      if (output !== undefined) {
        return { value: output.Value, in: createReferenceResolver(other, others, names) }
      }
    }
    throw new Error(`no template exports ${JSON.stringify(name)}`)
  }

  function nameOf(id: string): string {
    const type = template.Resources[id]?.Type ?? ''
    const name = PSEUDO_PARAMETERS[id] ?? names.get(id)
    if (name !== undefined) return name
    if (type === 'AWS::SQS::Queue') return `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${id}`
    return REFERRED_BY_ARN.includes(type) ? (ARNS[type]?.(id) ?? id) : id
  }

  function attributeOf(id: string, attribute: string): string {
    const real = names.get(`${id}.${attribute}`)
    if (real !== undefined) return real
    const arn = ARNS[template.Resources[id]?.Type ?? '']
    if (!attribute.endsWith('Arn') || arn === undefined) return `${id}.${attribute}`
    const resource = arn(names.get(id) ?? id)
    // A stream's real name is a time with colons, at which parliament splits the ARN.
    return attribute === 'StreamArn' ? `${resource}/stream/name` : resource
  }

  function substitute(text: string, values: Readonly<Record<string, unknown>>): string {
    return text.replaceAll(/\$\{([^!}][^}]*)\}/gu, (_all, name: string) => {
      if (Object.hasOwn(values, name)) return String(resolve(values[name]))
      const [id = '', ...attribute] = name.split('.')
      return attribute.length === 0 ? nameOf(id) : attributeOf(id, attribute.join('.'))
    })
  }

  const FUNCTIONS: Readonly<Record<string, (argument: never) => unknown>> = {
    Ref: nameOf,
    'Fn::GetAtt': ([id, attribute]: readonly [string, string]) => attributeOf(id, attribute),
    'Fn::Join': ([separator, parts]: readonly [string, readonly unknown[]]) =>
      parts.map((part) => String(resolve(part))).join(separator),
    'Fn::Sub': (argument: string | readonly [string, Record<string, unknown>]) =>
      typeof argument === 'string' ? substitute(argument, {}) : substitute(...argument),
    'Fn::ImportValue': (name: unknown) => {
      const { value, in: resolver } = exported(name)
      return resolver.resolve(value)
    },
    'Fn::Split': ([separator, text]: readonly [string, unknown]) => String(resolve(text)).split(separator),
    'Fn::Select': ([index, list]: readonly [number | string, unknown]) =>
      (resolve(list) as readonly unknown[])[Number(index)],
    'Fn::FindInMap': ([map, top, second]: readonly [string, unknown, unknown]) =>
      template.Mappings?.[map]?.[String(resolve(top))]?.[String(resolve(second))],
    'Fn::GetAZs': () => [`${REGION}a`, `${REGION}b`, `${REGION}c`],
  }

  function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
    const [[key, argument] = ['', undefined]] = entries
    if (entries.length === 1 && (key === 'Ref' || key.startsWith('Fn::'))) {
      const call = FUNCTIONS[key]
      if (call === undefined) throw new Error(`${key} is not supported here`)
      return call(argument as never)
    }
    return Object.fromEntries(entries.map(([name, inner]) => [name, resolve(inner)]))
  }

  return {
    resolve,
    referenceOf(value) {
      if (typeof value !== 'object' || value === null) return undefined
      const [[key, argument] = ['', undefined]] = Object.entries(value)
      if (key === 'Ref') return String(argument)
      if (key === 'Fn::GetAtt') return (argument as readonly string[]).join('.')
      if (key !== 'Fn::ImportValue') return undefined
      const { value: imported, in: resolver } = exported(argument)
      return resolver.referenceOf(imported)
    },
  }
}
