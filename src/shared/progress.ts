import { shownText } from './shown-text.ts'

/** Progress of a command. */
export interface Progress {
  /**
   * Prints the title of a step, its duration and whether it failed. On a terminal the latest detail follows the title; elsewhere one
   * is printed each {@link LINE_EVERY_MS}.
   */
  step<Result>(title: string, work: (tell: (detail: string) => void) => Promise<Result>): Promise<Result>
  /** Prints a line. */
  say(text: string): void
}

/** Stream to which progress is written; `isTTY`: lines can be rewritten. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Interval between lines about a step when the output is not a terminal, such as the log of a CI job. */
const LINE_EVERY_MS = 10_000

const CLEAR_LINE = '\r\u001b[2K'

/**
 * Writes one line for each step when it has ended. On a terminal the line is shown from the start of the step.
 */
export function createProgress(output: ProgressOutput, now: () => number = Date.now): Progress {
  const isLive = output.isTTY === true
  return {
    async step(title, work) {
      const startedAt = now()
      let writtenAt = startedAt
      if (isLive) output.write(`… ${title}`)
      const end = (mark: string): void => {
        output.write(`${isLive ? CLEAR_LINE : ''}${mark} ${title} (${formatSeconds(now() - startedAt)})\n`)
      }
      try {
        const result = await work((detail) => {
          if (isLive) output.write(`${CLEAR_LINE}… ${title}: ${detail}`)
          else if (now() - writtenAt >= LINE_EVERY_MS) {
            writtenAt = now()
            output.write(`… ${title}: ${detail}\n`)
          }
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
