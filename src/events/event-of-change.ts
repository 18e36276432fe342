import { createHash } from 'node:crypto'
import type { Item } from '../aws/dynamo-table.ts'
import { placeInSet } from '../contract/set-run-id.ts'
import type { Run } from '../run/run.ts'
import { IN_REMOVAL, visibleRun } from '../run/run-items.ts'
import { type RunSet, setStateOf } from '../run/set/run-set.ts'
import { decodeRunSet } from '../run/set/run-set-items.ts'
import { isEnded, type Upload, uploadSchema } from '../upload/upload.ts'
import { type EngineEvent, EVENT_VERSION, type EventType, shortened } from './event.ts'
import type { ItemChange } from './item-change.ts'

/** Digits of `sequence`: DynamoDB's numbers have at most 40. */
const SEQUENCE_DIGITS = 40
/** Hexadecimal digits of an id. */
const ID_DIGITS = 32

/** Number of open runs that makes {@link setStateOf} return the state that the set's workflow recorded. */
const NOT_COUNTED = 1

type Content = Pick<EngineEvent, 'type' | 'data' | 'timestamp'>

/** Event of a change; undefined when the state stays the same. Contains neither secrets nor inputs. */
export function eventOfChange(change: ItemChange, installation: string): EngineEvent | undefined {
  const content = contentOf(change)
  if (content === undefined) return undefined
  const id = createHash('sha256').update(change.id).digest('hex').slice(0, ID_DIGITS)
  return {
    version: EVENT_VERSION,
    id: `evt_${id}`,
    sequence: change.sequence.padStart(SEQUENCE_DIGITS, '0'),
    installation,
    ...content,
  } as EngineEvent
}

function contentOf(change: ItemChange): Content | undefined {
  switch (change.key.sk) {
    case 'RUN':
      return ofRun(change)
    case 'RUNSET':
      return ofSet(change)
    case 'UPLOAD':
      return ofImport(change)
    default:
      return undefined
  }
}

const typeOf = (kind: string, state: string): EventType => `${kind}.${state.toLowerCase()}` as EventType

function ofRun({ before, after, at }: ItemChange): Content | undefined {
  // Most changes keep the state, and decoding takes longer than this check.
  if (before?.state === after?.state && isHidden(before) === isHidden(after)) return undefined
  const [was, run] = [visibleRun(before), visibleRun(after)]
  if (run === undefined) {
    if (was === undefined) return undefined
    return { type: 'run.deleted', timestamp: removalTime(after, at), data: dataOfRun(was, was.state) }
  }
  const { state, entered, updatedAt, createdAt } = run
  const timestamp = was === undefined ? createdAt : (entered[state]?.at ?? updatedAt ?? createdAt)
  return { type: typeOf('run', state), timestamp, data: dataOfRun(run, was?.state) }
}

function dataOfRun(run: Run, previousState: Run['state'] | undefined) {
  const { id, taskId, state, createdAt, job, failure, reusedFrom } = run
  const place = placeInSet(id)
  return {
    id,
    taskId,
    state,
    previousState: previousState ?? null,
    createdAt,
    ...(job && { attempt: job.attempt }),
    ...(reusedFrom !== undefined && { reusedFrom }),
    ...(place && { set: { id: place.setId, row: place.row + 1, round: place.round } }),
    ...(failure && {
      error: {
        kind: failure.kind,
        message: shortened(failure.message),
        ...(failure.exitCode !== undefined && { exitCode: failure.exitCode }),
      },
    }),
  }
}

function ofSet({ before, after, at }: ItemChange): Content | undefined {
  if (before?.phase === after?.phase && isHidden(before) === isHidden(after)) return undefined
  const [was, set] = [before, after].map((item) =>
    item === undefined || isHidden(item) ? undefined : decodeRunSet(item),
  )
  const previousState = was && setStateOf(was, NOT_COUNTED)
  if (set === undefined) {
    if (was === undefined) return undefined
    return { type: 'run-set.deleted', timestamp: removalTime(after, at), data: dataOfSet(was, previousState) }
  }
  const state = setStateOf(set, NOT_COUNTED)
  if (state === previousState) return undefined
  return { type: typeOf('run-set', state), timestamp: set.updatedAt, data: dataOfSet(set, previousState) }
}

function dataOfSet(set: RunSet, previousState: ReturnType<typeof setStateOf> | undefined) {
  const { id, taskId, name, createdAt, round, roundRows, problemCount, failure } = set
  return {
    id,
    taskId,
    ...(name !== undefined && { name }),
    state: setStateOf(set, NOT_COUNTED),
    previousState: previousState ?? null,
    createdAt,
    round,
    rows: roundRows[round - 1] ?? 0,
    problems: problemCount,
    ...(failure !== undefined && { error: shortened(failure) }),
  }
}

/** Event of an import. Uploads of input files have none, and the expiry of an upload after its import is not an event. */
function ofImport({ before, after, at }: ItemChange): Content | undefined {
  if ((after ?? before)?.purpose !== 'task' || before?.state === after?.state) return undefined
  const [was, upload] = [before, after].map((item) => (item ? uploadSchema.parse(item) : undefined))
  if (upload === undefined) {
    if (was === undefined || isEnded(was)) return undefined
    return { type: 'import.deleted', timestamp: at.toISOString(), data: dataOfImport(was, was.state) }
  }
  const timestamp = was === undefined ? upload.createdAt : at.toISOString()
  return { type: typeOf('import', upload.state), timestamp, data: dataOfImport(upload, was?.state) }
}

function dataOfImport(upload: Upload, previousState: Upload['state'] | undefined) {
  const { id, taskId, state, createdAt, fileName, name, error } = upload
  return {
    id,
    taskId,
    state,
    previousState: previousState ?? null,
    createdAt,
    ...(fileName !== undefined && { fileName: shortened(fileName) }),
    ...(name && { task: { namespace: name.namespace, version: name.version } }),
    ...(error && { error: { errorCode: error.errorCode, message: shortened(error.message) } }),
  }
}

function isHidden(item: Item | undefined): boolean {
  return item !== undefined && Object.hasOwn(item, IN_REMOVAL)
}

function removalTime(item: Item | undefined, at: Date): string {
  const { updatedAt } = item ?? {}
  return typeof updatedAt === 'string' ? updatedAt : at.toISOString()
}
