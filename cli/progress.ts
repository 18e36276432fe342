import { shownText } from './terminal/shown-text.ts'

/** What a command says while it works. */
export interface Progress {
  /**
   * Runs one step and tells its title, how long it took, and whether it failed. What the step itself tells is shown behind its
   * title on a terminal, until the next word of it.
   */
  step<Result>(title: string, work: (tell: (detail: string) => void) => Promise<Result>): Promise<Result>
  /** A line of its own. */
  say(text: string): void
}

/** Where progress is written; `isTTY` says that a line may be rewritten. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const CLEAR_LINE = '\r\u001b[2K'

/**
 * A writer of one line per step: on a terminal the line shows first that the step has begun, elsewhere it is written when
 * the step has ended.
 */
export function createProgress(output: ProgressOutput, now: () => number = Date.now): Progress {
  const isLive = output.isTTY === true
  return {
    async step(title, work) {
      const startedAt = now()
      if (isLive) output.write(`… ${title}`)
      const end = (mark: string): void => {
        output.write(`${isLive ? CLEAR_LINE : ''}${mark} ${title} (${formatSeconds(now() - startedAt)})\n`)
      }
      try {
        const result = await work((detail) => {
          if (isLive) output.write(`${CLEAR_LINE}… ${title}: ${detail}`)
        })
        end('✓')
        return result
      } catch (error) {
        end('✗')
        throw error
      }
    },
    say(text) {
      output.write(`${shownText(text)}\n`)
    },
  }
}

/** Milliseconds as seconds with one decimal. */
export function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
