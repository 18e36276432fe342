import { isOpen, type SetProgress } from '../../api/open-sets.ts'
import { formatCount, plural } from '../../ui/format.ts'

/** Texts of the retry button. */
interface RetryWords {
  readonly action: string
  readonly meaning: string
}

interface RetriedSet extends SetProgress {
  readonly rows: number
  readonly counts: SetProgress['counts'] & { readonly failed: number; readonly skipped: number }
  /** Present when the table was refused, or with `error` when files were removed after its check. */
  readonly problems?: object
  readonly error?: object
}

const FAILED_AGAIN = 'Creates a new run for each failed row, with the same inputs'
const SKIPPED_NOW = 'Creates a run for each row that got none'

/** Whether the table of the set was refused: it has no runs, and cannot be retried. */
export function isRefused({ problems, error }: Pick<RetriedSet, 'problems' | 'error'>): boolean {
  return problems !== undefined && error === undefined
}

/** Returns the texts of the retry button; undefined when the set has nothing to retry. */
export function retryWords(set: RetriedSet): RetryWords | undefined {
  const { failed, skipped } = set.counts
  if (isOpen(set) || isRefused(set)) return undefined
  if (failed > 0 && skipped > 0) {
    const action = `Retry the ${plural(failed, 'failed row')}, run the ${formatCount(skipped)} skipped`
    return { action, meaning: `${FAILED_AGAIN}. ${SKIPPED_NOW}` }
  }
  if (failed > 0) return { action: `Retry the ${plural(failed, 'failed row')}`, meaning: FAILED_AGAIN }
  if (skipped > 0) return { action: `Run the ${plural(skipped, 'skipped row')}`, meaning: SKIPPED_NOW }
  // The set ended before its table was read.
  return set.rows === 0
    ? { action: 'Start again', meaning: 'Checks the table, and runs its rows' }
    : undefined
}
