import { authorWords } from '../inputs/author-words.ts'
import type { GivenInput } from '../inputs/parse-inputs.ts'
import { sendInputFile, withPacked } from '../send-input-file.ts'
import { runSchema } from '../service/schemas.ts'
import { removeAt, type Service, ServiceRefusal, stoppable } from '../service/service.ts'
import { isDirectory } from '../task/open-task.ts'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { wordsOf } from '../terminal/words-of.ts'
import { hasStarted } from './leave-run.ts'

const START_ATTEMPTS = 3

interface StartOptions {
  readonly terminal: Terminal
  readonly service: Service
  /** Aborted when the command is interrupted. */
  readonly signal: AbortSignal
}

/**
 * Provisions a run's inputs and starts it. A run that cannot be started is deleted, since nobody would use it. An interrupted run is left
 * to the caller. A start that was requested before the interruption is awaited, so that the state of the run is final for the caller.
 * @throws the signal's reason
 */
export async function startWith(
  { terminal, service, signal }: StartOptions,
  id: string,
  inputs: readonly GivenInput[],
): Promise<void> {
  try {
    await provision(stoppable(service, signal), id, inputs)
    signal.throwIfAborted()
    await startRun(service, id, signal)
  } catch (error) {
    signal.throwIfAborted()
    // The run may have started if the start had no response: it is not deleted.
    if (!(error instanceof UnansweredStartError)) {
      await removeAt(service, `task-runs/${id}`).catch((cause: unknown) =>
        terminal.note(`run ${id} was created, but could be neither started nor deleted: ${wordsOf(cause)}`),
      )
    }
    throw error instanceof ServiceRefusal
      ? new ServiceRefusal(authorWords(error.message), error.status)
      : error
  }
}

class UnansweredStartError extends CommandError {}

/** The state is read before a start is repeated, because the service refuses a second start. */
async function startRun(service: Service, id: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await service.call(`task-runs/${id}/state-actions`, { method: 'POST', body: { desired: 'RUNNING' } })
      return
    } catch (error) {
      if (error instanceof ServiceRefusal || !(error instanceof CommandError) || signal.aborted) throw error
      const state = await stateOf(service, id, error)
      if (hasStarted(state)) return
      if (attempt === START_ATTEMPTS) throw error
    }
  }
}

/** @throws UnansweredStartError when the state cannot be read */
async function stateOf(service: Service, id: string, cause: unknown): Promise<string> {
  try {
    return (await service.json(`task-runs/${id}`, runSchema)).state
  } catch {
    const words = `${wordsOf(cause)}\nThe run ${id} may have started: "cytomine-task logs -f ${id} ${service.options}" follows it.`
    throw new UnansweredStartError(words, EXIT.unavailable, { cause })
  }
}

async function provision(service: Service, id: string, inputs: readonly GivenInput[]): Promise<void> {
  const base = `task-runs/${id}/input-provisions`
  const values = inputs.flatMap((input) =>
    input.kind === 'json' ? [{ parameterName: input.name, value: input.value }] : [],
  )
  if (values.length > 0) await service.call(base, { method: 'PUT', body: values })
  for (const input of inputs) {
    if (input.kind === 'file') await giveFile(service, `${base}/${input.name}`, input.path)
    if (input.kind !== 'items') continue
    for (const [index, path] of input.paths.entries()) {
      await giveFile(service, `${base}/${input.name}/indexes?value=${index}`, path)
    }
  }
}

/** Sends a file; a folder, which is a DICOM slide, is packed into a zip first. */
function giveFile(service: Service, route: string, path: string): Promise<void> {
  if (!isDirectory(path)) return sendInputFile(service, route, path)
  return withPacked(path, (file) => sendInputFile(service, route, file), service.signal)
}
