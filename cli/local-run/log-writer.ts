import { StringDecoder } from 'node:string_decoder'
import { writeLog } from '../../src/shared/shown-text.ts'
import type { Stream } from '../terminal/terminal.ts'

/** Prints one of the two output streams of a container. */
export interface LogWriter {
  write(chunk: Buffer): void
  end(): void
}

/** Decodes UTF-8 across chunks, because a chunk may end within a character. */
export function createLogWriter(stream: Stream): LogWriter {
  const decoder = new StringDecoder('utf8')
  const print = (text: string): void => {
    if (text !== '') writeLog(stream, text)
  }
  return { write: (chunk) => print(decoder.write(chunk)), end: () => print(decoder.end()) }
}
