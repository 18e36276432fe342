import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SynthesizedTemplate } from './resolve-references.ts'

/** Output folder of `npm run synth` for a stage. */
export function synthesizedStage(stage: string): string {
  return join(import.meta.dirname, '..', '..', 'cdk.out', stage)
}

/** The templates of a synthesized stage by the names of their files. */
export function readTemplates(directory: string): ReadonlyMap<string, SynthesizedTemplate> {
  const files = readdirSync(directory).filter((name) => name.endsWith('.template.json'))
  return new Map(files.map((name) => [name, JSON.parse(readFileSync(join(directory, name), 'utf8'))]))
}
