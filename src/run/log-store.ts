/** Events of a log stream, a line each. */
export interface LogPage {
  readonly text: string
  /** Position after the page. */
  readonly next: string
  /** Whether older events exist before this first page. */
  readonly isCut: boolean
}

/** The position is unknown to the store: it belongs to another stream, or is older than 24 hours. */
export class LogPositionError extends Error {
  override readonly name = 'LogPositionError'
}

/** Log streams of job containers. */
export interface LogStore {
  /** Last `maxBytes` of the stream as text; empty when the stream does not exist. */
  read(logStreamName: string, maxBytes: number): Promise<string>
  /**
   * Reads one page of at most `maxLines` lines and about 1 MB: the newest lines, or those after a position. Empty at the end of the stream.
   * @returns undefined when the stream does not exist
   * @throws LogPositionError
   */
  readAfter(
    logStreamName: string,
    position: string | undefined,
    maxLines: number,
  ): Promise<LogPage | undefined>
  /** Does nothing when the stream does not exist. */
  remove(logStreamName: string): Promise<void>
}
