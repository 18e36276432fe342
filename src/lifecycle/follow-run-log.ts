import * as z from 'zod'
import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError } from '../contract/errors.ts'
import { quoted } from '../contract/quoted.ts'
import { endedAt } from '../run/entered-states.ts'
import { findRun } from '../run/find-run.ts'
import { type LogPage, LogPositionError, type LogStore } from '../run/log-store.ts'
import type { Run } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import { isFinal } from '../run/transitions.ts'
import type { Identity } from '../shared/identity.ts'
import { ENGINE, MAX_ANSWER_BYTES, storedEnd, unforged, withFailure } from './read-run-log.ts'

interface Dependencies {
  readonly identity: Identity
  readonly runs: RunRepository
  readonly logs: Pick<LogStore, 'readAfter'>
  readonly objects: Pick<ObjectStore, 'read'>
}

/** New part of a run's log. */
export interface LogPart {
  readonly text: string
  /** Offset of the next part, URL-safe. */
  readonly next: string
  /** The run has ended, and the log is complete. */
  readonly isComplete: boolean
}

/** Offset that requests the newest lines. */
const FIRST = '0'

/** Position of a client: log stream, position in the stream, and whether the client has the engine's last line. */
const offsetSchema = z.tuple([z.string(), z.string(), z.boolean()])

/** Maximum number of lines of a page of CloudWatch Logs. */
const MAX_LINES = 10_000

/** Time for which the last lines may arrive after the end of the run was recorded. */
const LATE_LINES_MS = 3000

/**
 * Returns the new part of a run's log. The first call (`0`) returns its newest lines, up to about 1 MB. When AWS Batch starts the
 * task again, the text continues with the log of the new container. The reason of a failure comes last, as in {@link readRunLog}.
 * @throws DomainError RUN_NOT_FOUND, QUERY_INVALID
 */
export async function followRunLog(deps: Dependencies, runId: string, after: string): Promise<LogPart> {
  const offset = parseOffset(after)
  const run = await findRun(deps, runId)
  const stream = run.job?.logStreamName ?? ''
  const [knownStream, knownPosition, hasEnd] = offset ?? ['', '', false]
  const isSame = stream === knownStream && knownPosition !== ''
  const page =
    stream === '' ? undefined : await readPage(deps, after, stream, isSame ? knownPosition : undefined)
  const isAgain = knownPosition !== '' && !isSame
  const newText = `${isAgain ? `${ENGINE} the task was started again\n` : ''}${printedOf(page)}`
  const position = page?.next ?? (isSame ? knownPosition : '')
  if (newText !== '' || !isSettled(run, deps.identity.now())) {
    return { text: newText, next: offsetOf([stream, position, hasEnd]), isComplete: false }
  }
  // Only an empty first page shows that the stream has expired.
  const end = hasEnd || isSame ? '' : await storedEnd(deps, run)
  const rest = hasEnd ? '' : withFailure(end, run)
  return { text: rest, next: offsetOf([stream, position, true]), isComplete: true }
}

type Offset = z.infer<typeof offsetSchema>

function offsetOf(offset: Offset): string {
  return Buffer.from(JSON.stringify(offset)).toString('base64url')
}

/** @returns undefined for the first part */
function parseOffset(after: string): Offset | undefined {
  if (after === FIRST) return undefined
  try {
    return offsetSchema.parse(JSON.parse(Buffer.from(after, 'base64url').toString()))
  } catch {
    throw wrongOffset(after)
  }
}

function wrongOffset(after: string): DomainError {
  return new DomainError('QUERY_INVALID', undefined, {
    words: `after ${quoted(after, 60)}: expected 0, or the X-Log-Next of a response for this run within the last 24 hours`,
  })
}

function printedOf(page: LogPage | undefined): string {
  if (page === undefined || page.text === '') return ''
  const printed = unforged(page.text)
  return page.isCut ? `${ENGINE} the log is longer; this is its end\n${printed}` : printed
}

/** A page that fits into a response, whose text may be JSON within JSON. A single line that is too long is cut. */
async function readPage(
  { logs }: Dependencies,
  after: string,
  stream: string,
  position: string | undefined,
): Promise<LogPage | undefined> {
  try {
    for (let lines = MAX_LINES; ; lines = Math.ceil(lines / 4)) {
      const page = await logs.readAfter(stream, position, lines)
      if (page === undefined || answerBytes(page.text) <= MAX_ANSWER_BYTES) return page
      if (lines === 1) return { ...page, text: `${page.text.slice(0, MAX_CUT_LINE).toWellFormed()}…\n` }
    }
  } catch (error) {
    if (error instanceof LogPositionError) throw wrongOffset(after)
    throw error
  }
}

/** Maximum part of a single line that exceeds a response, in UTF-16 units: each may need seven bytes as JSON within JSON. */
const MAX_CUT_LINE = 512 * 1024

function answerBytes(printed: string): number {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(printed)))
}

function isSettled(run: Run, now: Date): boolean {
  if (!isFinal(run.state)) return false
  const end = Date.parse(endedAt(run) ?? run.updatedAt ?? run.createdAt)
  return now.getTime() - end >= LATE_LINES_MS
}
