import { useEffect, useState } from 'preact/hooks'
import { watch } from '../../api/live.ts'
import { listRuns } from '../../api/runs.ts'
import { listTasks } from '../../api/tasks.ts'
import type { Page, RunRow } from '../../api/types.ts'
import { addressOf, type Place } from '../../router.ts'
import { Pages } from '../../ui/pages.tsx'
import { Empty, Loading } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { useData } from '../../ui/use-data.ts'
import { RunFilters } from './run-filters.tsx'
import { RunTable } from './run-table.tsx'

/** All runs, newest first, with live updates. The address contains filters and page. */
export function RunsPage({ place: { query } }: { readonly place: Place }) {
  const filter = { state: query.get('state') ?? '', taskId: query.get('task') ?? '', q: query.get('q') ?? '' }
  const cursor = query.get('cursor') ?? undefined
  const key = JSON.stringify([filter, cursor])
  const runs = useData((signal) => listRuns(filter, cursor, signal), [key])
  const tasks = useData(listTasks, [])
  const rows = useLiveRows(runs.data, cursor === undefined, runs.reload)
  const [chosen, setChosen] = useState<readonly string[]>([])
  const isFiltered = Object.values(filter).some((value) => value !== '')
  return (
    <>
      <div class="title-row">
        <h1>Runs</h1>
        <CompareButton rows={rows} chosen={chosen} />
      </div>
      <RunFilters filter={filter} tasks={tasks.data ?? []} />
      {runs.error !== undefined && <Problem error={runs.error} title="The runs cannot be listed." />}
      {runs.data === undefined && runs.error === undefined && <Loading what="runs" />}
      {runs.data !== undefined && rows.length === 0 && (
        <NoRuns isFiltered={isFiltered} hasMore={runs.data.next !== undefined} />
      )}
      {rows.length > 0 && (
        <RunTable rows={rows} chosen={chosen} onChoose={(id) => setChosen((last) => toggled(last, id))} />
      )}
      <Pages next={runs.data?.next} isFirst={cursor === undefined} first="Newest" further="Older" />
    </>
  )
}

/** Rows of a page with live updates. New runs are added at the top of the first page. */
function useLiveRows(
  page: Page<RunRow> | undefined,
  isFirst: boolean,
  reload: () => void,
): readonly RunRow[] {
  const [changed, setChanged] = useState<ReadonlyMap<string, RunRow | undefined>>(new Map())
  const rows = page?.content ?? []
  const ids = rows.map(({ id }) => id)
  useEffect(() => {
    setChanged(new Map())
    if (page === undefined) return undefined
    const known = new Set(ids)
    return watch({
      runs: isFirst ? [] : ids,
      onRun(row) {
        if (known.has(row.id)) setChanged((last) => new Map(last).set(row.id, row))
        else if (isFirst && row.createdAt > (rows[0]?.createdAt ?? '')) reload()
      },
      onRemoved: (id) => setChanged((last) => new Map(last).set(id, undefined)),
      onPoll: () => isFirst && reload(),
    })
  }, [ids.join()])
  return rows.flatMap((row) => {
    if (!changed.has(row.id)) return [row]
    const now = changed.get(row.id)
    return now === undefined ? [] : [newer(row, now)]
  })
}

function newer(one: RunRow, other: RunRow): RunRow {
  return (one.updatedAt ?? '') > (other.updatedAt ?? '') ? one : other
}

function CompareButton({
  rows,
  chosen,
}: {
  readonly rows: readonly RunRow[]
  readonly chosen: readonly string[]
}) {
  if (chosen.length === 0)
    return <span class="muted small-text">Select two runs of one task to compare them.</span>
  const tasks = new Set(chosen.map((id) => rows.find((row) => row.id === id)?.task.id))
  if (chosen.length !== 2 || tasks.size !== 1) {
    return (
      <span class="muted small-text">
        {chosen.length === 1
          ? 'Select a second run of the same task.'
          : 'Two runs of one task can be compared.'}
      </span>
    )
  }
  const [a, b] = chosen
  return (
    <a class="button" href={addressOf(['compare'], { a, b })}>
      Compare
    </a>
  )
}

function NoRuns({ isFiltered, hasMore }: { readonly isFiltered: boolean; readonly hasMore: boolean }) {
  if (hasMore) return <Empty title="No run on this page matches. Older ones may." />
  if (isFiltered) {
    return (
      <Empty title="No run matches.">
        <p>
          <a href="#/runs">Show all runs</a>
        </p>
      </Empty>
    )
  }
  return (
    <Empty title="There is no run yet.">
      <p>
        Choose one of the <a href="#/tasks">tasks</a> and start it.
      </p>
    </Empty>
  )
}

function toggled(list: readonly string[], id: string): readonly string[] {
  return list.includes(id) ? list.filter((one) => one !== id) : [...list, id]
}
