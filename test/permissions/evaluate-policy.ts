import type { NeededPermission } from '../recording/needed-permission.ts'

/*
 * Evaluates identity policies like IAM, as far as our templates need it. Throws for anything else.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html The only library for it
 * (@cloud-copilot/iam-simulate) has the AGPL licence, which this project cannot use.
 */

/** A statement of a policy, with names instead of references. */
export interface PolicyStatement {
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}

/** Condition keys whose values are recorded with a needed permission if its request has them. */
const KEYS = [
  'aws:RequestTag/application',
  'aws:ResourceAccount',
  'aws:ResourceTag/application',
  'dynamodb:LeadingKeys',
  'events:detail-type',
  'events:source',
  'iam:PassedToService',
  's3:prefix',
]

const OPERATORS: Readonly<Record<string, (pattern: string, value: string) => boolean>> = {
  StringEquals: (pattern, value) => pattern === value,
  StringLike: matches,
  // Recorded requests have at most one value of a key.
  'ForAllValues:StringLike': matches,
}

/**
 * Parses a statement of a policy document.
 * @throws Error for unsupported elements
 */
export function readStatement(written: Readonly<Record<string, unknown>>): PolicyStatement {
  const { Sid: _, Effect, Action, Resource, Condition = {}, ...others } = written
  if (Object.keys(others).length > 0) throw new Error(`unsupported in a statement: ${Object.keys(others)}`)
  if (Effect !== 'Allow' && Effect !== 'Deny') throw new Error(`invalid effect: ${Effect}`)
  const conditions = Object.entries(Condition as Record<string, Record<string, unknown>>).map(
    ([operator, keys]) => {
      const [name = ''] = operator.split('IfExists')
      if (OPERATORS[name] === undefined) throw new Error(`unsupported in a condition: ${operator}`)
      const unknown = Object.keys(keys).filter((key) => !KEYS.includes(key))
      if (unknown.length > 0) throw new Error(`unsupported in a condition: ${unknown}`)
      return [operator, Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, texts(values)]))]
    },
  )
  return {
    effect: Effect,
    actions: texts(Action),
    resources: texts(Resource),
    conditions: Object.fromEntries(conditions),
  }
}

/** Whether the statements together allow a request. */
export function isAllowed(statements: readonly PolicyStatement[], needed: NeededPermission): boolean {
  const matching = statements.filter((statement) => covers(statement, needed))
  return matching.length > 0 && matching.every(({ effect }) => effect === 'Allow')
}

/** Whether the statement applies to the request. */
export function covers(statement: PolicyStatement, needed: NeededPermission): boolean {
  return (
    statement.actions.some((action) => matches(action.toLowerCase(), needed.action.toLowerCase())) &&
    statement.resources.some((resource) => matches(resource, needed.resource)) &&
    Object.entries(statement.conditions).every(([operator, keys]) =>
      Object.entries(keys).every(([key, patterns]) => holds(operator, patterns, needed.context?.[key])),
    )
  )
}

function holds(operator: string, patterns: readonly string[], value: string | undefined): boolean {
  const [name = '', ifExists] = operator.split('IfExists')
  if (value === undefined) return ifExists !== undefined
  return patterns.some((pattern) => OPERATORS[name]?.(pattern, value) ?? false)
}

/** In a pattern, `*` stands for any characters and `?` for one, as in ARNs and in StringLike. */
function matches(pattern: string, text: string): boolean {
  const source = RegExp.escape(pattern).replaceAll('\\*', '.*').replaceAll('\\?', '.')
  return new RegExp(`^${source}$`, 'su').test(text)
}

function texts(value: unknown): string[] {
  return [value].flat().map(String)
}
