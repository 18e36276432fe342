import { statSync } from 'node:fs'
import { join } from 'node:path'
import { readTemplates } from './read-stage.ts'
import { createReferenceResolver } from './resolve-references.ts'

/** The code of a function as it is deployed. */
export interface Bundle {
  /** Path of its construct: `Api`. */
  readonly id: string
  readonly file: string
  readonly sizeBytes: number
  /** With made-up names where AWS would put real ones. */
  readonly variables: Readonly<Record<string, string>>
}

/** A cold start reads all of it, so this is what an update of a library may not double unseen. */
export const LARGEST_BUNDLE_BYTES = 2_200_000

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
