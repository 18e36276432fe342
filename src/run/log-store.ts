/** Logs of task containers. */
export interface LogStore {
  /** The stream's text, the newest `maxBytes` of it; empty when there is nothing (yet). */
  read(logStreamName: string, maxBytes: number): Promise<string>
  /** Removes the stream; nothing happens when it is gone. */
  remove(logStreamName: string): Promise<void>
}
