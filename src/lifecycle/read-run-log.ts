import { text } from 'node:stream/consumers'
import type { ObjectStore } from '../aws/object-store.ts'
import { printableLines } from '../contract/quoted.ts'
import { runLogKey } from '../contract/storage-keys.ts'
import { findRun } from '../run/find-run.ts'
import type { LogStore } from '../run/log-store.ts'
import type { Run } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import { isFinal } from '../run/transitions.ts'

interface Dependencies {
  readonly runs: RunRepository
  readonly logs: Pick<LogStore, 'read'>
  readonly objects: Pick<ObjectStore, 'read'>
}

/** Bytes read from the end of the log, which shows why a task failed. */
const MAX_LOG_BYTES = 4 * 1024 * 1024
/** Lambda limits a response to 6 MB of JSON, in which an escape character (of a colour) takes six bytes. */
export const MAX_ANSWER_BYTES = 5.5 * 1024 * 1024

/** Prefix of the engine's own lines; a task cannot print it. */
export const ENGINE = '[app-engine]'
/**
 * Text that looks like {@link ENGINE}: invisible characters and colours may be between its letters. No part of the
 * expression can match the first letter within another match, so matching is linear.
 */
const SHOWN_AS_ENGINE = new RegExp(
  [...ENGINE].map((letter) => letter.replace(/[[\]]/u, '\\$&')).join('(?:[^\\P{C}\\n]|\u001b\\[[\\d;]*m)*'),
  'gu',
)
const VISIBLE = /[^\p{C}\p{Z}]/u
/** Characters that may move a terminal's cursor to the start of a line, or start another line. */
const MOVING = /[^\P{Cc}\t]|[\p{Zl}\p{Zp}]/u
/** Prefix of task output that imitates the engine. */
const TASK = '[task] '

/** The task's output, followed by the reason of a failure, in every state (run-lifecycle 11). */
export async function readRunLog(deps: Dependencies, runId: string): Promise<string> {
  const run = await findRun(deps, runId)
  return withFailure(await readPrinted(deps, run), run)
}

/** Ends the log of a failed run with the reason. */
export function withFailure(printed: string, { failure }: Pick<Run, 'failure'>): string {
  if (failure === undefined) return printed
  const gap = printed === '' || printed.endsWith('\n') ? '' : '\n'
  // The lines after the first are the end of this log.
  const [reason = ''] = printableLines(failure.message).split('\n', 1)
  return `${printed}${gap}${ENGINE} run failed (${failure.kind}): ${reason}\n`
}

/** The stored end of a log whose stream has expired; empty when none was stored. */
export async function storedEnd({ objects }: Pick<Dependencies, 'objects'>, { id }: Run): Promise<string> {
  const kept = await objects.read(runLogKey(id))
  if (kept === undefined) return ''
  return `${ENGINE} the log has expired; these are its last lines\n${unforged(await text(kept))}`
}

async function readPrinted(deps: Dependencies, run: Run): Promise<string> {
  const stream = run.job?.logStreamName
  if (stream === undefined) return ''
  const printed = await newest(deps.logs, stream, MAX_LOG_BYTES)
  return printed !== '' || !isFinal(run.state) ? printed : storedEnd(deps, run)
}

/** The end of the log, as much as fits into a response. */
async function newest(logs: Pick<LogStore, 'read'>, stream: string, maxBytes: number): Promise<string> {
  const read = await logs.read(stream, maxBytes)
  const printed = unforged(read)
  if (Buffer.byteLength(JSON.stringify(printed)) > MAX_ANSWER_BYTES) {
    return newest(logs, stream, Math.floor(maxBytes / 2))
  }
  // Up to three bytes less than `maxBytes` are read when the cut would split a character.
  const isCut = Buffer.byteLength(read) >= maxBytes - 3
  return isCut ? `${ENGINE} the log is longer; this is its end\n${printed}` : printed
}

/**
 * Marks each imitation of {@link ENGINE} that appears at the start of a line: after no visible character of its line, or
 * after one that moves the cursor. Linear in the length of the text.
 */
export function unforged(printed: string): string {
  let from = 0
  let isVisible = false
  let isMoved = false
  return printed.replaceAll(SHOWN_AS_ENGINE, (name, at: number) => {
    const before = printed.slice(from, at)
    from = at
    const lineEnd = before.lastIndexOf('\n')
    const ofLine = before.slice(lineEnd + 1)
    isVisible = (isVisible && lineEnd < 0) || VISIBLE.test(ofLine)
    isMoved = (isMoved && lineEnd < 0) || MOVING.test(ofLine)
    return isVisible && !isMoved ? name : `${TASK}${name}`
  })
}
