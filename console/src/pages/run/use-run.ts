import { useEffect, useRef, useState } from 'preact/hooks'
import { isNotFound } from '../../api/client.ts'
import { watch } from '../../api/live.ts'
import { readRun } from '../../api/runs.ts'
import type { Run } from '../../api/types.ts'
import { type Loaded, useData } from '../../ui/use-data.ts'
import { useReturn } from '../../ui/use-polling.ts'
import { completeAt, hasChanged } from './run-record.ts'

export interface LiveRun extends Loaded<Run> {
  readonly log: Log
  /** Whether the run does not exist, or no longer. */
  readonly isMissing: boolean
}

export interface Log {
  readonly text: string
  readonly isComplete: boolean
  /** Whether the beginning of the log was omitted. */
  readonly isCut: boolean
}

/** Maximum number of characters of a log that are kept. */
const MAX_LOG = 2_000_000

const NO_LOG: Log = { text: '', isComplete: false, isCut: false }

/** A run and its log, updated until both are complete. */
export function useRun(id: string): LiveRun {
  const run = useData((signal) => readRun(id, signal), [id])
  const [log, setLog] = useState(NO_LOG)
  const [isRemoved, setIsRemoved] = useState(false)
  const isMissing = isRemoved || isNotFound(run.error)
  const isEnded = useIsComplete(run.data) && log.isComplete
  const known = useRef(run.data)
  known.current = run.data
  useEffect(() => {
    if (isMissing || isEnded) return undefined
    setLog(NO_LOG)
    return watch({
      runs: [id],
      onRun: (row) => hasChanged(row, known.current) && run.reload(),
      onRemoved: () => setIsRemoved(true),
      onLog: ({ text, isComplete }) => setLog((last) => grown(last, text, isComplete)),
      onReturn: run.reload,
    })
  }, [id, isMissing, isEnded])
  useReturn(() => isEnded && run.reload())
  return { ...run, log, isMissing }
}

/** Longest pause before the time is read again, which the user may have changed. */
const MAX_PAUSE_MS = 60_000

/** Whether the record of a run is complete; renders the component again when it becomes so by time. */
function useIsComplete(run: Run | undefined): boolean {
  const at = run === undefined ? Number.POSITIVE_INFINITY : completeAt(run)
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (at <= now || at === Number.POSITIVE_INFINITY) return undefined
    const timer = setTimeout(() => setNow(Date.now()), Math.min(at - now, MAX_PAUSE_MS))
    return () => clearTimeout(timer)
  }, [at, now])
  return at <= now
}

function grown(last: Log, text: string, isComplete: boolean): Log {
  const all = last.text + text
  return { text: all.slice(-MAX_LOG), isComplete, isCut: last.isCut || all.length > MAX_LOG }
}
