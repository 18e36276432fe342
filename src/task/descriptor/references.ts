import { type Finding, mustMessage } from './descriptor-problem.ts'
import type { ReadParameter } from './parameter-reader.ts'

/** Reference of a parameter in `matching` and `derived_from`: `inputs/<name>` or `outputs/<name>`. */
function keyOf({ kind, name }: Pick<ReadParameter, 'kind' | 'name'>): string {
  return `${kind}/${name}`
}

/**
 * Problems of `dependencies`: a reference must exist, an output derives from an input, and only arrays match arrays.
 * Types with a finding of their own are skipped.
 */
export function findReferenceProblems(parameters: readonly ReadParameter[]): Finding[] {
  const byKey = new Map(parameters.map((parameter) => [keyOf(parameter), parameter]))
  return parameters.flatMap((parameter) => {
    const { derived_from: derivedFrom, matching = [] } = parameter.fields?.dependencies ?? {}
    const path = [parameter.kind, parameter.name, 'dependencies']
    const findings: Finding[] = []
    if (
      parameter.kind === 'outputs' &&
      derivedFrom !== undefined &&
      byKey.get(derivedFrom)?.kind !== 'inputs'
    ) {
      const message = mustMessage('inputs/<name> of an input of this task', derivedFrom)
      findings.push({ path: [...path, 'derived_from'], message })
    }
    if (matching.length > 0 && parameter.type !== undefined && parameter.type.id !== 'array') {
      const message = `must not be given: ${keyOf(parameter)} is of type ${parameter.type.id}, and only arrays match`
      findings.push({ path: [...path, 'matching'], message })
    }
    for (const [index, key] of matching.entries()) {
      const target = byKey.get(key)
      if (target !== undefined && (target.type === undefined || target.type.id === 'array')) continue
      const message = mustMessage('inputs/<name> or outputs/<name> of an array of this task', key)
      findings.push({ path: [...path, 'matching', index], message })
    }
    return findings
  })
}

/** Groups arrays that must match: the connected components of `matching`. References must be valid. */
export function groupMatching(parameters: readonly ReadParameter[]): string[][] {
  const groups = new Map<string, Set<string>>()
  for (const parameter of parameters) {
    for (const target of parameter.fields?.dependencies?.matching ?? []) {
      const source = keyOf(parameter)
      const joined = [groups.get(source) ?? new Set([source]), groups.get(target) ?? new Set([target])].sort(
        (a, b) => b.size - a.size,
      )
      const [larger = new Set<string>(), smaller = new Set<string>()] = joined
      if (larger === smaller) continue
      for (const key of smaller) larger.add(key)
      for (const key of [...smaller, source, target]) groups.set(key, larger)
    }
  }
  const ordered = new Map<Set<string>, string[]>()
  for (const key of parameters.map(keyOf)) {
    const group = groups.get(key)
    if (group === undefined || group.size < 2) continue
    const keys = ordered.get(group) ?? []
    ordered.set(group, keys)
    keys.push(key)
  }
  return [...ordered.values()]
}
