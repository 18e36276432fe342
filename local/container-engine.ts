import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import * as z from 'zod'

/** Docker or podman as a program, and the options that it needs on this machine. */
export const engineProgramSchema = z.object({
  kind: z.enum(['docker', 'podman']),
  program: z.string().min(1),
  /** Before the subcommand. */
  globalArguments: z.array(z.string()),
  /** After `run`. */
  runArguments: z.array(z.string()),
  /** Whether CPU and memory can be limited; rootless engines on old control groups cannot. */
  enforcesLimits: z.boolean(),
})
export type EngineProgram = z.infer<typeof engineProgramSchema>

/** Labels of every container that local mode starts. */
export const LABELS = { instance: 'app-engine.instance', job: 'app-engine.job' } as const

const execute = promisify(execFile)

/**
 * Runs one subcommand of the engine.
 * @returns what it printed.
 * @throws Error with the last lines of its error output.
 */
export async function callEngine(engine: EngineProgram, ...words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await execute(engine.program, [...engine.globalArguments, ...words], {
      maxBuffer: 4 * 1024 * 1024,
    })
    return stdout.trim()
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string }
    throw new Error(lastLines(stderr ?? '') || String(error), { cause: error })
  }
}

/** Removes all containers with a label, running ones included. */
export async function removeLabelled(engine: EngineProgram, label: string): Promise<void> {
  const ids = await callEngine(engine, 'ps', '--all', '--quiet', '--filter', `label=${label}`)
  if (ids !== '') await removeContainers(engine, ids.split('\n'))
}

/** Kills and removes containers. Podman's forced removal alone would give each ten seconds to end by itself. */
export async function removeContainers(engine: EngineProgram, names: readonly string[]): Promise<void> {
  // `kill` fails for a container that has ended, after it has killed the others.
  await callEngine(engine, 'kill', ...names).catch(() => undefined)
  await callEngine(engine, 'rm', '--force', '--volumes', ...names)
}

/** The end of a program's error output, short enough for a message. */
export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' ').slice(-600)
}
