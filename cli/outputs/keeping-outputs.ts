import type { RunFailure } from '../../src/run/run.ts'
import { CommandError } from '../terminal/command-error.ts'
import { wordsOf } from '../terminal/words-of.ts'

/** The outputs of a run cannot be saved. They are kept where the container wrote them. */
export class OutputsKeptError extends CommandError {}

interface Written {
  /** Output folder of the container. */
  readonly folder: string
  /** Folder of the user for the outputs. */
  readonly target: string
  readonly signal: AbortSignal
  /** Why the container failed, for the message. */
  readonly failure?: RunFailure | undefined
}

/**
 * Saves the outputs of a container, which may have worked for hours.
 * @throws OutputsKeptError that names the folder of the container when `save` fails
 */
export async function keepingOutputs<Result>(
  { folder, target, signal, failure }: Written,
  save: () => Promise<Result>,
): Promise<Result> {
  try {
    return await save()
  } catch (error) {
    signal.throwIfAborted()
    throw new OutputsKeptError(
      `${failure === undefined ? '' : `${failure.kind}: ${failure.message}\n`}the outputs cannot be saved in ${target}: ${wordsOf(error)}\nThey are kept in ${folder}: copy them, and remove that folder.`,
      undefined,
      { cause: error },
    )
  }
}
