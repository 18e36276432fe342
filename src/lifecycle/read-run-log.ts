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

/** The newest part says why a task failed. */
const MAX_LOG_BYTES = 4 * 1024 * 1024
/** Lambda's answer is JSON of at most 6 MB, in which an escape sequence of a colour takes six times its bytes. */
export const MAX_ANSWER_BYTES = 5.5 * 1024 * 1024

/** Before lines of the engine's own, and of nobody else. */
const ENGINE = '[app-engine]'
/**
 * What shows as {@link ENGINE}: between its letters may be colours and characters that do not show. None of these holds a bracket that
 * could be the first letter, so that no character is looked at twice.
 */
const SHOWN_AS_ENGINE = new RegExp(
  [...ENGINE].map((letter) => letter.replace(/[[\]]/u, '\\$&')).join('(?:[^\\P{C}\\n]|\u001b\\[[\\d;]*m)*'),
  'gu',
)
const VISIBLE = /[^\p{C}\p{Z}]/u
/** What may move a terminal's cursor back to the beginning of a line, or begins another one. */
const MOVING = /[^\P{Cc}\t]|[\p{Zl}\p{Zp}]/u
/** Before what a task printed as if it were the engine's. */
const TASK = '[task] '

/** What the task's container printed, and behind it why the run failed, in every state (run-lifecycle 11). */
export async function readRunLog(deps: Dependencies, runId: string): Promise<string> {
  const run = await findRun(deps, runId)
  const printed = await readPrinted(deps, run)
  if (run.failure === undefined) return printed
  const gap = printed === '' || printed.endsWith('\n') ? '' : '\n'
  // Behind the first line stands the end of this very log.
  const [reason = ''] = printableLines(run.failure.message).split('\n', 1)
  return `${printed}${gap}${ENGINE} run failed (${run.failure.kind}): ${reason}\n`
}

async function readPrinted({ logs, objects }: Dependencies, run: Run): Promise<string> {
  const stream = run.job?.logStreamName
  if (stream === undefined) return ''
  const printed = await newest(logs, stream, MAX_LOG_BYTES)
  if (printed !== '' || !isFinal(run.state)) return printed
  const kept = await objects.read(runLogKey(run.id))
  if (kept === undefined) return ''
  return `${ENGINE} the log has expired; these are its last lines\n${unforged(await text(kept))}`
}

/** As much of the end as fits into an answer. */
async function newest(logs: Pick<LogStore, 'read'>, stream: string, maxBytes: number): Promise<string> {
  const read = await logs.read(stream, maxBytes)
  const printed = unforged(read)
  if (Buffer.byteLength(JSON.stringify(printed)) > MAX_ANSWER_BYTES) {
    return newest(logs, stream, Math.floor(maxBytes / 2))
  }
  // A cut may lie up to three bytes below, between two characters.
  const isCut = Buffer.byteLength(read) >= maxBytes - 3
  return isCut ? `${ENGINE} the log is longer; this is its end\n${printed}` : printed
}

/**
 * What the task printed, with a mark before every name of the engine that stands where the engine's own lines have it: nothing visible is
 * before it in its line, or something that moves the cursor. Every character is looked at a fixed number of times, whatever is printed.
 */
function unforged(printed: string): string {
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
