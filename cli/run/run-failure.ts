import { CommandError } from '../terminal/command-error.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** Why a run failed; `id` is undefined for a run on this machine. */
interface Failure {
  readonly id?: string
  readonly kind: string
  readonly message: string
  /** Undefined if the task's program did not exit by itself. */
  readonly exitCode?: number | undefined
}

const EXIT_CODE_ADVICE =
  '\nA run succeeds only with exit code 0: correct the program, or the inputs that it cannot process.'

/** Error of a command whose run has failed. With `--json` the reason is printed as the result too. */
export function runFailure(terminal: Terminal, failure: Failure, hint = ''): CommandError {
  const { id, kind, message, exitCode } = failure
  terminal.json({ ...(id !== undefined && { id }), state: 'FAILED', error: { kind, message } })
  const advice = kind === 'task-failed' && exitCode !== undefined ? EXIT_CODE_ADVICE : ''
  return new CommandError(`The run failed (${kind}): ${message}${advice}${hint}`)
}
