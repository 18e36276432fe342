import type { RunFilter, RunRow } from '../../api/types.ts'

/** Minimum time between the starts of two loads. */
const PAUSE_MS = 2000

/**
 * Decides when a list of runs is loaded again because of runs outside it: one load at a time, and at most one in two seconds. It belongs
 * to one filter.
 */
export class ListReloads {
  readonly #filter: RunFilter
  /** Runs for which a list with a text filter was loaded. Names and ids, which the text is compared with, never change. */
  readonly #judged = new Set<string>()
  #reload: () => void = () => {}
  #loading: Promise<unknown> | undefined
  #startedAt = Number.NEGATIVE_INFINITY
  #isRequested = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(filter: RunFilter) {
    this.#filter = filter
  }

  /** Sets what starts a load. @returns a function that cancels requested loads */
  connect(reload: () => void): () => void {
    this.#reload = reload
    return () => {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#isRequested = false
    }
  }

  /** Registers a load of the list, also the first one. */
  async observe<Value>(loading: Promise<Value>): Promise<Value> {
    this.#loading = loading
    this.#startedAt = performance.now()
    try {
      return await loading
    } catch (error) {
      this.#judged.clear()
      throw error
    } finally {
      if (this.#loading === loading) {
        this.#loading = undefined
        this.#schedule()
      }
    }
  }

  /** Requests a load if a changed run outside the list may belong into it. */
  onOther(row: RunRow): void {
    if (!mayMatch(row, this.#filter)) return
    if (this.#filter.q) {
      if (this.#judged.has(row.id)) return
      this.#judged.add(row.id)
    }
    this.request()
  }

  /** Requests a load, which starts once the last one has ended and the pause is over. */
  request(): void {
    this.#isRequested = true
    this.#schedule()
  }

  #schedule(): void {
    if (!this.#isRequested || this.#loading !== undefined || this.#timer !== undefined) return
    const start = (): void => {
      this.#timer = undefined
      this.#isRequested = false
      this.#startedAt = performance.now()
      this.#reload()
    }
    const pauseMs = this.#startedAt + PAUSE_MS - performance.now()
    this.#timer = setTimeout(start, Math.max(0, pauseMs))
  }
}

/** Whether a run may match a filter. The text of the filter is ignored, because only the service compares it. */
export function mayMatch({ state, task }: RunRow, filter: RunFilter): boolean {
  if (filter.taskId && filter.taskId !== task.id) return false
  return !filter.state || filter.state.split(',').includes(state)
}

/** The newer of two rows of a run. A late cost does not change `updatedAt`. */
export function newerRow(one: RunRow, other: RunRow): RunRow {
  const [first, second] = [one.updatedAt ?? '', other.updatedAt ?? '']
  if (first === second) return other.cost === undefined ? one : other
  return first > second ? one : other
}
