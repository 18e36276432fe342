import { authorWords } from '../inputs/author-words.ts'
import type { GivenInput } from '../inputs/parse-inputs.ts'
import { sendInputFile, withPacked } from '../send-input-file.ts'
import { runSchema } from '../service/schemas.ts'
import { removeAt, type Service, ServiceRefusal } from '../service/service.ts'
import { isDirectory } from '../task/open-task.ts'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { wordsOf } from '../terminal/words-of.ts'

const START_ATTEMPTS = 3

/** Gives a run its inputs and starts it. A run that cannot be started is deleted: nothing would ever come of it. */
export async function startWith(
  terminal: Terminal,
  service: Service,
  id: string,
  inputs: readonly GivenInput[],
): Promise<void> {
  try {
    await provision(service, id, inputs)
    await startRun(service, id)
  } catch (error) {
    // A run whose start was not answered may have started.
    if (!(error instanceof UnansweredStartError)) {
      await removeAt(service, `task-runs/${id}`).catch((cause: unknown) =>
        terminal.note(`the run ${id} is still there, without a start: ${wordsOf(cause)}`),
      )
    }
    throw error instanceof ServiceRefusal
      ? new ServiceRefusal(authorWords(error.message), error.status)
      : error
  }
}

class UnansweredStartError extends CommandError {}

/** A start is not repeated blindly, because the service refuses the second one. */
async function startRun(service: Service, id: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await service.call(`task-runs/${id}/state-actions`, { method: 'POST', body: { desired: 'RUNNING' } })
      return
    } catch (error) {
      if (error instanceof ServiceRefusal || !(error instanceof CommandError)) throw error
      const state = await stateOf(service, id, error)
      if (state !== 'CREATED' && state !== 'PROVISIONED') return
      if (attempt === START_ATTEMPTS) throw error
    }
  }
}

/** @throws UnansweredStartError when the service does not say */
async function stateOf(service: Service, id: string, cause: unknown): Promise<string> {
  try {
    return runSchema.parse(await service.json(`task-runs/${id}`)).state
  } catch {
    const words = `${wordsOf(cause)}\nThe run ${id} may have started: "cytomine-task logs -f ${id}" follows it.`
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

/** A folder is sent as the zip that clients make of a slide. */
function giveFile(service: Service, route: string, path: string): Promise<void> {
  if (!isDirectory(path)) return sendInputFile(service, route, path)
  return withPacked(path, (file) => sendInputFile(service, route, file))
}
