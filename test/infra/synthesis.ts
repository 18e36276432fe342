import { readFileSync } from 'node:fs'
import { App, type Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { buildEngine } from '../../lib/engine.ts'
import type { Stage } from '../../lib/settings.ts'
import { stageNamed } from '../../lib/stages.ts'

/** A resource of a template. */
export interface Resource {
  readonly Type: string
  readonly Properties: Record<string, unknown>
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
}

/** A statement of a policy, with its resources as texts. */
export interface Statement {
  readonly effect: string
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly condition: unknown
}

/**
 * An app with the context of cdk.json, whose output is written to `outdir` or a temporary folder. Functions are not bundled, but their
 * entry points must exist.
 */
export function anApp(outdir?: string): App {
  const file: { readonly context: Record<string, unknown> } = JSON.parse(
    readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'),
  )
  return new App({
    ...(outdir !== undefined && { outdir }),
    analyticsReporting: false,
    context: { ...file.context, 'aws:cdk:bundling-stacks': [] },
  })
}

/** All stacks of a stage. `change` replaces some of its settings. */
export function synthesize(name: string, change: Partial<Stage> = {}) {
  const app = anApp()
  const stacks = buildEngine(app, { ...stageNamed(name, {}), ...change })
  return { app, stacks, templates: Object.values(stacks).map((stack: Stack) => Template.fromStack(stack)) }
}

/** Resources of a template with their logical ids, of one type or of all types. */
export function resourcesOf(template: Template, type?: string): readonly (readonly [string, Resource])[] {
  const resources: Record<string, Resource> = template.toJSON().Resources
  return Object.entries(resources).filter(([, resource]) => type === undefined || resource.Type === type)
}

/**
 * Variables of a function, by the id of its construct.
 * @throws Error when the template has no such function
 */
export function environmentOf(template: Template, id: string): Record<string, string> {
  const found = resourcesOf(template, 'AWS::Lambda::Function').find(([name]) =>
    name.startsWith(`${id}Function`),
  )
  if (found === undefined) throw new Error(`the template has no function ${id}`)
  const { Variables } = found[1].Properties.Environment as { readonly Variables: Record<string, unknown> }
  return Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, spell(value)]))
}

/** Statements of a policy document. */
export function statementsOf(document: unknown): Statement[] {
  const { Statement } = document as { readonly Statement: readonly Record<string, unknown>[] }
  return Statement.map(({ Effect, Action, Resource, Condition }) => ({
    effect: String(Effect),
    actions: [Action].flat().map(String),
    resources: Resource === undefined ? [] : [Resource].flat().map(spell),
    condition: Condition,
  }))
}

/** Formats a value with references as text: `arn:<AWS::Partition>:s3:::…`. */
export function spell(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const [[key, argument] = ['', '']] = Object.entries(value)
  if (key === 'Fn::Join') return (argument as readonly [string, unknown[]])[1].map(spell).join('')
  if (key === 'Fn::Sub') return String(argument).replaceAll('${', '<').replaceAll('}', '>')
  if (key === 'Fn::GetAtt') return `<${(argument as readonly string[]).join('.')}>`
  if (key === 'Fn::ImportValue') return `<${nameOfExport(String(argument))}>`
  return key === 'Ref' ? `<${argument}>` : JSON.stringify(value)
}

/** Formats `app-engine-storage:ExportsOutputFnGetAttBucket83908E77Arn063C8555` without its hashes: `Bucket.Arn`. */
function nameOfExport(name: string): string {
  const [, kind, id, attribute] =
    /ExportsOutput(Ref|FnGetAtt)(.+?)[0-9A-F]{8}(\w*?)[0-9A-F]{8}$/u.exec(name) ?? []
  return kind === 'Ref' || attribute === '' ? String(id) : `${id}.${attribute}`
}
