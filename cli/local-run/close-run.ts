import type { Terminal } from '../terminal/terminal.ts'
import { wordsOf } from '../terminal/words-of.ts'
import type { LocalRun } from './local-run.ts'

/**
 * Removes the folder of a run. Files of a container may belong to other users, so that they cannot be removed. The exit code must not
 * depend on that: the folder is reported.
 */
export async function closeRun(terminal: Terminal, local: Pick<LocalRun, 'folder' | 'close'>): Promise<void> {
  await local.close().catch((error: unknown) => {
    terminal.note(
      `the folder of this run cannot be removed: ${wordsOf(error)}; files of a container may belong to another user: ${local.folder}`,
    )
  })
}
