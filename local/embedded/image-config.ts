import * as z from 'zod'
import { listOf } from '../../src/shared/list-of.ts'

/** Fields of an image's config for running it (OCI image specification, config). Some tools write null for an absent field. */
export const runConfigSchema = z.object({
  config: z
    .object({
      Entrypoint: listOf(z.string()).nullish(),
      Cmd: listOf(z.string()).nullish(),
      Env: listOf(z.string()).nullish(),
      User: z.string().nullish(),
      WorkingDir: z.string().nullish(),
    })
    .nullish(),
})
export type RunConfig = z.infer<typeof runConfigSchema>

/** Program and arguments. A container's own command replaces that of the image, after the entrypoint. */
export function commandLineOf({ config }: RunConfig, command: readonly string[]): string[] {
  return [...(config?.Entrypoint ?? []), ...(command.length > 0 ? command : (config?.Cmd ?? []))]
}

/** Variables that the image sets. */
export function variablesOf({ config }: RunConfig): Record<string, string> {
  const pairs = (config?.Env ?? []).map((line): [string, string] => {
    const equals = line.indexOf('=')
    return equals < 0 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)]
  })
  return Object.fromEntries(pairs)
}
