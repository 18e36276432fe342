import { statSync } from 'node:fs'
import { join } from 'node:path'
import { readTemplates } from './read-stage.ts'
import { createReferenceResolver } from './resolve-references.ts'

/** Deployed code of a function. */
export interface Bundle {
  /** Path of its construct: `Api`. */
  readonly id: string
  readonly file: string
  readonly sizeBytes: number
  /** Environment variables, with invented names in place of generated ones. */
  readonly variables: Readonly<Record<string, string>>
}

/** A cold start reads the whole bundle. The limit detects a library update that doubles it. */
export const MAX_BUNDLE_BYTES = 2_200_000

const CODE = 'index.js'

/** The functions of a stage that was synthesized into `directory`, bundles included. */
export function bundlesOf(directory: string): readonly Bundle[] {
  const templates = [...readTemplates(directory).values()]
  return templates.flatMap((template) => {
    const { resolve } = createReferenceResolver(template, templates)
    return Object.entries(template.Resources)
      .filter(([, { Type }]) => Type === 'AWS::Lambda::Function')
      .map(([logicalId, { Properties = {} }]) => {
        const { Code, Environment } = resolve(Properties) as {
          readonly Code: { readonly S3Key: string }
          readonly Environment: { readonly Variables: Readonly<Record<string, string>> }
        }
        const file = join(directory, `asset.${Code.S3Key.replace('.zip', '')}`, CODE)
        const id = logicalId.replace(/Function[0-9A-F]{8}$/u, '')
        return { id, file, sizeBytes: statSync(file).size, variables: Environment.Variables }
      })
  })
}
