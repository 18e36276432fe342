import { useEffect, useMemo, useState } from 'preact/hooks'
import { watch } from '../../api/live.ts'
import { listRuns } from '../../api/runs.ts'
import { listTasks } from '../../api/tasks.ts'
import type { Page, RunFilter, RunRow } from '../../api/types.ts'
import { addressOf, type Place } from '../../router.ts'
import { useMayChange } from '../../settings.ts'
import { Pages } from '../../ui/pages.tsx'
import { Empty, Loading } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { useData } from '../../ui/use-data.ts'
import { useTitle } from '../../ui/use-title.ts'
import { ListReloads, mayMatch, newerRow } from './list-reloads.ts'
import { RunFilters } from './run-filters.tsx'
import { RunTable } from './run-table.tsx'

/** All runs, newest first, with live updates. The URL contains filters and page. */
export function RunsPage({ place: { query } }: { readonly place: Place }) {
  useTitle('Runs')
  const filter = { state: query.get('state') ?? '', taskId: query.get('task') ?? '', q: query.get('q') ?? '' }
  const cursor = query.get('cursor') ?? undefined
  const key = JSON.stringify([filter, cursor])
  const reloads = useMemo(() => new ListReloads(filter), [key])
  const runs = useData((signal) => reloads.observe(listRuns(filter, cursor, signal)), [key])
  useEffect(() => reloads.connect(runs.reload), [reloads])
  const tasks = useData(listTasks, [])
  const rows = useLiveRows({
    page: runs.data,
    reload: runs.reload,
    isFirst: cursor === undefined,
    filter,
    reloads,
  })
  const [chosen, setChosen] = useState<readonly string[]>([])
  const isFiltered = Object.values(filter).some((value) => value !== '')
  return (
    <>
      <div class="title-row">
        <h1>Runs</h1>
        <CompareButton rows={rows} chosen={chosen} />
      </div>
      <RunFilters filter={filter} tasks={tasks.data ?? []} />
      {tasks.error !== undefined && (
        <Problem error={tasks.error} title="The tasks of the filter cannot be listed." />
      )}
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

interface LiveRows {
  readonly page: Page<RunRow> | undefined
  readonly reload: () => void
  readonly isFirst: boolean
  readonly filter: RunFilter
  readonly reloads: ListReloads
}

/** Rows of a page with live updates. The first page is loaded again when another run may match the filter. */
function useLiveRows({ page, reload, isFirst, filter, reloads }: LiveRows): readonly RunRow[] {
  const [changed, setChanged] = useState<ReadonlyMap<string, RunRow | undefined>>(new Map())
  const rows = page?.content ?? []
  const ids = rows.map(({ id }) => id)
  useEffect(() => {
    setChanged(new Map())
    if (page === undefined) return undefined
    const known = new Set(ids)
    const oldest = page.next === undefined ? '' : (rows.at(-1)?.createdAt ?? '')
    return watch({
      runs: isFirst ? [] : ids,
      onRun(row) {
        if (known.has(row.id)) setChanged((last) => new Map(last).set(row.id, row))
        else if (isFirst && row.createdAt > oldest) reloads.onOther(row)
      },
      onRemoved: (id) => setChanged((last) => new Map(last).set(id, undefined)),
      onPoll: () => isFirst && reloads.request(),
      onReturn: () => (isFirst ? reloads.request() : reload()),
    })
  }, [page === undefined, ids.join(), reloads])
  return rows.flatMap((row) => {
    if (!changed.has(row.id)) return [row]
    const now = changed.get(row.id)
    return now === undefined ? [] : [newerRow(row, now)].filter((shown) => mayMatch(shown, filter))
  })
}

function CompareButton({
  rows,
  chosen,
}: {
  readonly rows: readonly RunRow[]
  readonly chosen: readonly string[]
}) {
  if (chosen.length === 0)
    return <span class="muted small-text">Select two runs of the same task to compare them.</span>
  const tasks = new Set(chosen.map((id) => rows.find((row) => row.id === id)?.task.id))
  if (chosen.length !== 2 || tasks.size !== 1) {
    return (
      <span class="muted small-text">
        {chosen.length === 1
          ? 'Select a second run of the same task.'
          : 'Only two runs of the same task can be compared.'}
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
  const mayChange = useMayChange()
  if (hasMore) {
    return (
      <Empty title="No run on this page matches, but older runs may.">
        <p>
          Choose “Older” below, or <a href="#/runs">show all runs</a>.
        </p>
      </Empty>
    )
  }
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
    <Empty title="There are no runs yet.">
      <p>
        {mayChange ? (
          <>
            Choose one of the <a href="#/tasks">tasks</a> and start it.
          </>
        ) : (
          'Users with write access to this installation can start tasks.'
        )}
      </p>
    </Empty>
  )
}

function toggled(list: readonly string[], id: string): readonly string[] {
  return list.includes(id) ? list.filter((one) => one !== id) : [...list, id]
}
