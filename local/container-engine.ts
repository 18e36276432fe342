import * as z from 'zod'
import { runProgram } from './run-program.ts'

/** Docker or podman as a program, with the options that it needs on this machine. */
export const engineProgramSchema = z.object({
  kind: z.enum(['docker', 'podman']),
  program: z.string().min(1),
  /** Options before the subcommand. */
  globalArguments: z.array(z.string()),
  /** Options of the subcommand `run`. */
  runArguments: z.array(z.string()),
  /** Whether CPU and memory can be limited. Rootless engines on control groups of version 1 cannot. */
  enforcesLimits: z.boolean(),
})
export type EngineProgram = z.infer<typeof engineProgramSchema>

/** Labels of every container that local mode starts. */
export const LABELS = { instance: 'app-engine.instance', job: 'app-engine.job' } as const

/**
 * Runs one subcommand of the engine.
 * @returns its output
 * @throws Error with the last lines of its error output
 */
export function callEngine(engine: EngineProgram, ...words: readonly string[]): Promise<string> {
  return callEngineUntil(undefined, engine, words)
}

/** Runs one subcommand like {@link callEngine}, and kills it when the signal is aborted. */
export async function callEngineUntil(
  signal: AbortSignal | undefined,
  engine: EngineProgram,
  words: readonly string[],
): Promise<string> {
  try {
    const { stdout } = await runProgram([engine.program, ...engine.globalArguments, ...words], { signal })
    return stdout.trim()
  } catch (error) {
    signal?.throwIfAborted()
    const { stderr } = error as { readonly stderr?: string }
    throw new Error(lastLines(stderr ?? '') || String(error), { cause: error })
  }
}

/** Removes all containers with a label, running ones included. */
export async function removeLabelled(engine: EngineProgram, label: string): Promise<void> {
  const ids = await callEngine(engine, 'ps', '--all', '--quiet', '--filter', `label=${label}`)
  if (ids !== '') await removeContainers(engine, ids.split('\n'))
}

/** Kills and removes containers. Podman's forced removal would wait ten seconds for each. */
export async function removeContainers(engine: EngineProgram, names: readonly string[]): Promise<void> {
  // `kill` fails for a container that has ended, but kills the others.
  await callEngine(engine, 'kill', ...names).catch(() => undefined)
  await callEngine(engine, 'rm', '--force', '--volumes', ...names)
}

/** Last three lines of an error output, at most 600 characters. */
export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' ').slice(-600)
}
