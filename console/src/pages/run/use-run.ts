import { useEffect, useRef, useState } from 'preact/hooks'
import { watch } from '../../api/live.ts'
import { readRun } from '../../api/runs.ts'
import type { Run } from '../../api/types.ts'
import { type Loaded, useData } from '../../ui/use-data.ts'

export interface LiveRun extends Loaded<Run> {
  readonly log: Log
  readonly isRemoved: boolean
}

export interface Log {
  readonly text: string
  readonly isComplete: boolean
  /** The beginning of the log was omitted. */
  readonly isCut: boolean
}

/** Maximum number of characters of a log that are shown. */
const MAX_LOG = 2_000_000

const NO_LOG: Log = { text: '', isComplete: false, isCut: false }

/** A run and its log, updated until the run has ended. */
export function useRun(id: string): LiveRun {
  const run = useData((signal) => readRun(id, signal), [id])
  const [log, setLog] = useState(NO_LOG)
  const [isRemoved, setIsRemoved] = useState(false)
  const known = useRef<string | null>(null)
  known.current = run.data?.updatedAt ?? null
  useEffect(() => {
    setLog(NO_LOG)
    return watch({
      runs: [id],
      onRun({ updatedAt }) {
        if (updatedAt !== known.current) run.reload()
      },
      onRemoved: () => setIsRemoved(true),
      onLog: ({ text, isComplete }) => setLog((last) => grown(last, text, isComplete)),
    })
  }, [id])
  return { ...run, log, isRemoved }
}

function grown(last: Log, text: string, isComplete: boolean): Log {
  const all = last.text + text
  return { text: all.slice(-MAX_LOG), isComplete, isCut: last.isCut || all.length > MAX_LOG }
}
