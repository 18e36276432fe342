import { ServiceLostError } from '../service/answer.ts'
import { isFinal, runSchema } from '../service/schemas.ts'
import { removeAt, type Service } from '../service/service.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { wordsOf } from '../terminal/words-of.ts'

/**
 * Ends a command that was interrupted while it waited for a run. A run that has not started is deleted, because nothing would ever start
 * it. A started one continues, because it may have run for hours. Prints what happens to the run, and commands for it. The command must
 * have stopped starting the run: the service deletes started runs too.
 */
export async function leaveRun(terminal: Terminal, service: Service, id: string): Promise<void> {
  const rest = `${id} ${service.options}`
  try {
    const { state } = await service.json(`task-runs/${id}`, runSchema)
    if (hasStarted(state)) {
      terminal.note(leftWords(state, id, rest))
      return
    }
    await removeAt(service, `task-runs/${id}`)
    terminal.note(`interrupted: the run ${id} had not started, and is deleted`)
  } catch (error) {
    terminal.note(
      `interrupted: the run ${id} may be left in the service (${wordsOf(error)}); "cytomine-task delete ${rest}" deletes it`,
    )
  }
}

export function hasStarted(state: string): boolean {
  return state !== 'CREATED' && state !== 'PROVISIONED'
}

function leftWords(state: string, id: string, rest: string): string {
  if (isFinal(state)) {
    return `interrupted: the run ${id} has ended, ${state}; "cytomine-task outputs ${rest}" prints its outputs`
  }
  return `interrupted: the run ${id} goes on in the service; "cytomine-task logs -f ${rest}" follows it, "cytomine-task cancel ${rest}" ends it`
}

/** Adds the run to the error of a lost service: it may go on. */
export function namingRun(error: unknown, { options }: Service, id: string): unknown {
  if (!(error instanceof ServiceLostError)) return error
  const advice = `"cytomine-task logs -f ${id} ${options}" follows the run, if the service has started it`
  return new ServiceLostError(`${error.message}\n${advice}`, error.exitCode, { cause: error })
}
