import { createReferenceResolver, type SynthesizedTemplate } from './resolve-references.ts'

/** A policy document whose references are replaced by names. */
export interface NamedPolicy {
  /** Stage, template, logical id and property. */
  readonly name: string
  readonly document: unknown
}

/**
 * Properties that contain policies, of identities and of resources. Not AssumeRolePolicyDocument: a trust policy has no Resource, so
 * parliament would report it as malformed. cfn-lint checks those.
 */
const POLICY_PROPERTIES = ['KeyPolicy', 'Policy', 'PolicyDocument', 'RepositoryPolicyText']

/** All policies in the templates of one stage. */
export function policiesOf(
  stage: string,
  templates: ReadonlyMap<string, SynthesizedTemplate>,
): readonly NamedPolicy[] {
  const others = [...templates.values()]
  return [...templates].flatMap(([file, template]) => {
    const { resolve } = createReferenceResolver(template, others)
    return Object.entries(template.Resources).flatMap(([id, { Properties = {} }]) =>
      documentsIn(Properties).map(([property, document], position) => ({
        name: [stage, file.replace('.template.json', ''), id, property, position].join('.'),
        document: resolve(document),
      })),
    )
  })
}

function documentsIn(
  properties: Readonly<Record<string, unknown>>,
): readonly (readonly [property: string, document: unknown])[] {
  const own = POLICY_PROPERTIES.flatMap((property) => {
    const document = properties[property]
    return typeof document === 'object' ? [[property, document] as const] : []
  })
  // Roles have a list of policies.
  const inline = (properties.Policies ?? []) as readonly { readonly PolicyDocument: unknown }[]
  return [...own, ...inline.map(({ PolicyDocument }) => ['Policies', PolicyDocument] as const)]
}
