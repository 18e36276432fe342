import { createReferenceResolver, type SynthesizedTemplate } from './resolve-references.ts'

/** A policy document with names in the place of references. */
export interface NamedPolicy {
  /** Stage, template, logical id and property. */
  readonly name: string
  readonly document: unknown
}

/**
 * Properties that hold policies, of identities and of resources. Not AssumeRolePolicyDocument: a trust policy has no Resource,
 * without which parliament takes a policy for malformed; cfn-lint reads those.
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
    return Object.entries(template.Resources).flatMap(([id, { Properties = {} }]) => {
      const { Policies = [] } = Properties
      const inline = Array.isArray(Policies)
        ? Policies.map((policy: unknown) => ['Policies', policy] as const)
        : []
      const own = POLICY_PROPERTIES.map((property) => [property, Properties[property]] as const)
      return [...own.map(([property, document]) => [property, document] as const), ...inline]
        .filter(([, document]) => typeof document === 'object' && document !== null)
        .map(([property, document], position) => ({
          name: [stage, file.replace('.template.json', ''), id, property, position].join('.'),
          document: resolve(
            property === 'Policies' ? (document as { PolicyDocument: unknown }).PolicyDocument : document,
          ),
        }))
    })
  })
}
