import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IConstruct } from 'constructs'

/** One statement of a role's policy. */
export interface Permission {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Reason for a wildcard in a resource; required when there is one. */
  readonly because?: string
}

/** A wildcard in a policy, with its reason. */
export interface WildcardReason {
  readonly construct: IConstruct
  /** May contain tokens, which are resolved after the references between stacks. */
  readonly resource: string
  readonly reason: string
}

const reasonsByApp = new WeakMap<IConstruct, WildcardReason[]>()

/**
 * Adds one permission to a role.
 * @throws Error when an action has a wildcard, or a resource has one without a reason
 */
export function allow(grantee: IConstruct & IGrantable, permission: Permission): void {
  const { actions, resources, conditions, because } = permission
  if (actions.some((action) => action.includes('*'))) {
    throw new Error(`${grantee.node.path}: name actions without a wildcard, not ${actions.join(', ')}`)
  }
  for (const resource of resources.filter((text) => text.includes('*'))) {
    if (because === undefined) {
      throw new Error(
        `${grantee.node.path}: ${actions.join(', ')} on ${resource} has a wildcard: give the reason (because)`,
      )
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

/** Records the reason for a wildcard that the CDK's own constructs write into a policy below `construct`. */
export function explainWildcard(construct: IConstruct, resource: string, reason: string): void {
  const app = construct.node.root
  const reasons = reasonsByApp.get(app) ?? []
  reasonsByApp.set(app, [...reasons, { construct, resource, reason }])
}

/** Returns all wildcards of an app that have a reason. */
export function wildcardReasons(app: IConstruct): readonly WildcardReason[] {
  return reasonsByApp.get(app) ?? []
}
