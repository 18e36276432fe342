/** Log streams of job containers. */
export interface LogStore {
  /** Last `maxBytes` of the stream as text; empty when the stream does not exist. */
  read(logStreamName: string, maxBytes: number): Promise<string>
  /** Does nothing when the stream does not exist. */
  remove(logStreamName: string): Promise<void>
}
