import type { Terminal } from '../terminal/terminal.ts'

/** Runs the work of a command, which answers with the exit code. */
export type Perform = (work: (terminal: Terminal) => Promise<number>) => Promise<void>
