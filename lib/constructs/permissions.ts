import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IConstruct } from 'constructs'

/** One statement of a role's policy. */
export interface Permission {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Why a resource carries a wildcard; asked for when one does. */
  readonly because?: string
}

/** A wildcard that somebody answers for. */
export interface WildcardReason {
  readonly construct: IConstruct
  /** May hold tokens: how they are spelt is known only after references between stacks are resolved. */
  readonly resource: string
  readonly reason: string
}

const reasonsByApp = new WeakMap<IConstruct, WildcardReason[]>()

/**
 * Gives a role one permission.
 * @throws Error when an action has a wildcard, or a resource has one without a reason.
 */
export function allow(grantee: IConstruct & IGrantable, permission: Permission): void {
  const { actions, resources, conditions, because } = permission
  if (actions.some((action) => action.includes('*'))) {
    throw new Error(`${grantee.node.path}: actions are named one by one (${actions.join(', ')})`)
  }
  for (const resource of resources.filter((text) => text.includes('*'))) {
    if (because === undefined) {
      throw new Error(`${grantee.node.path}: say why ${actions.join(', ')} may reach ${resource}`)
    }
    explainWildcard(grantee, resource, because)
  }
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({
      actions: [...actions],
      resources: [...resources],
      ...(conditions === undefined ? {} : { conditions }),
    }),
  )
}

/** Answers for a wildcard in a policy below `construct` that the CDK's own constructs write. */
export function explainWildcard(construct: IConstruct, resource: string, reason: string): void {
  const app = construct.node.root
  const reasons = reasonsByApp.get(app) ?? []
  reasonsByApp.set(app, [...reasons, { construct, resource, reason }])
}

/** All wildcards of an app that were answered for. */
export function wildcardReasons(app: IConstruct): readonly WildcardReason[] {
  return reasonsByApp.get(app) ?? []
}
