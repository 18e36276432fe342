import type { Terminal } from '../terminal/terminal.ts'

/** Executes a command; `work` returns the exit code. */
export type Perform = (work: (terminal: Terminal) => Promise<number>) => Promise<void>
