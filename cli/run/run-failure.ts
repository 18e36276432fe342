import { CommandError } from '../terminal/command-error.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** Why a run failed; `id` is that of a run in a service. */
interface Failure {
  readonly id?: string
  readonly kind: string
  readonly message: string
}

/** Ends a command whose run has failed; `--json` prints the reason too. */
export function runFailure(terminal: Terminal, { id, kind, message }: Failure, hint = ''): CommandError {
  terminal.json({ ...(id !== undefined && { id }), state: 'FAILED', error: { kind, message } })
  return new CommandError(`The run failed (${kind}): ${message}${hint}`)
}
