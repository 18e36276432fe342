import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { lastRuns, listTasks, logoAddress, readPlacement } from '../../api/tasks.ts'
import type { RunRow, Task } from '../../api/types.ts'
import { addressOf } from '../../router.ts'
import { useMayChange } from '../../settings.ts'
import { formatBytes } from '../../ui/format.ts'
import { Empty, Loading, State, Time } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { useData } from '../../ui/use-data.ts'
import { useTitle } from '../../ui/use-title.ts'
import { UploadPanel } from './upload-panel.tsx'

/** Number of runs that a card shows. */
const LAST_RUNS = 5

export function TasksPage() {
  useTitle('Tasks')
  const tasks = useData(listTasks, [])
  const mayChange = useMayChange()
  const [words, setWords] = useState('')
  const shown = (tasks.data ?? []).filter((task) => matches(task, words))
  return (
    <>
      <div class="title-row">
        <h1>Tasks</h1>
        {(tasks.data?.length ?? 0) > 8 && (
          <SearchField label="Filter tasks" placeholder="Filter" value={words} onChange={setWords} />
        )}
      </div>
      {mayChange && <UploadPanel onInstalled={tasks.reload} />}
      {tasks.error !== undefined && <Problem error={tasks.error} title="The tasks cannot be listed." />}
      {tasks.isLoading && tasks.data === undefined && <Loading what="tasks" />}
      {tasks.data?.length === 0 && <NoTasks mayChange={mayChange} />}
      {shown.length > 0 && (
        <ul class="cards">
          {shown.map((task) => (
            <TaskCard key={task.id} task={task} />
          ))}
        </ul>
      )}
      {shown.length === 0 && (tasks.data?.length ?? 0) > 0 && (
        <Empty title="No task matches.">
          <button type="button" class="link" onClick={() => setWords('')}>
            Show all tasks
          </button>
        </Empty>
      )}
    </>
  )
}

function NoTasks({ mayChange }: { readonly mayChange: boolean }) {
  return (
    <Empty title="There are no tasks yet.">
      <p>
        {mayChange
          ? 'Drop the bundle of a task above: a zip of descriptor.yml and the image.'
          : 'Users with write access to this installation can upload tasks.'}
      </p>
    </Empty>
  )
}

function TaskCard({ task }: { readonly task: Task }) {
  const address = addressOf(['tasks', task.namespace, task.version])
  const card = useRef<HTMLLIElement>(null)
  const isSeen = useSeen(card)
  return (
    <li ref={card} class="card task">
      <Logo task={task} />
      <div class="task-text">
        <h2>
          <a href={address}>{task.name}</a> <span class="tag">{task.version}</span>
        </h2>
        <p class="muted mono">{task.namespace}</p>
        {task.description !== null && task.description !== '' && <p class="clamp">{task.description}</p>}
        {isSeen ? <TaskFacts task={task} /> : <p class="small-text">&nbsp;</p>}
      </div>
    </li>
  )
}

/** The task's logo, or initials of its name. */
export function Logo({ task }: { readonly task: Task }) {
  const [isMissing, setIsMissing] = useState(false)
  if (isMissing) {
    return (
      <span class="logo logo-letters" aria-hidden="true">
        {initials(task.name)}
      </span>
    )
  }
  return <img class="logo" src={logoAddress(task)} alt="" loading="lazy" onError={() => setIsMissing(true)} />
}

/** Latest runs and size of the image. They are loaded when the card comes into view, because there may be hundreds of cards. */
function TaskFacts({ task }: { readonly task: Task }) {
  const placement = useData((signal) => readPlacement(task, signal), [task.id])
  const size = placement.data?.imageSizeBytes
  return (
    <>
      {size !== undefined && <p class="muted small-text">Image of {formatBytes(size)}</p>}
      {placement.error !== undefined && <p class="bad small-text">The size of the image cannot be shown.</p>}
      <LastRuns task={task} />
    </>
  )
}

/** Whether the element has been in view. */
function useSeen(element: RefObject<Element | null>): boolean {
  const [isSeen, setIsSeen] = useState(false)
  useEffect(() => {
    if (element.current === null) return undefined
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) setIsSeen(true)
    })
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [])
  return isSeen
}

function LastRuns({ task }: { readonly task: Task }) {
  const runs = useData((signal) => lastRuns(task.id, LAST_RUNS, signal), [task.id])
  if (runs.error !== undefined) return <p class="bad small-text">The latest runs cannot be shown.</p>
  const rows: readonly RunRow[] = runs.data ?? []
  if (rows.length === 0)
    return <p class="muted small-text">{runs.data === undefined ? ' ' : 'No runs yet'}</p>
  const [newest] = rows
  return (
    <p class="last-runs small-text">
      {rows.map(({ id, state }) => (
        <a
          key={id}
          href={addressOf(['runs', id])}
          class="run-dot"
          aria-label={`Run ${id.slice(0, 8)}: ${state.toLowerCase()}`}
        >
          <State state={state} />
        </a>
      ))}
      {newest !== undefined && (
        <span class="muted">
          last <Time at={newest.createdAt} />
        </span>
      )}
    </p>
  )
}

function matches({ name, namespace, version, description }: Task, words: string): boolean {
  const text = `${name} ${namespace} ${version} ${description ?? ''}`.toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/u)
    .every((word) => text.includes(word))
}

function initials(name: string): string {
  const words = name.split(/[\s_-]+/u).filter((word) => word !== '')
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => word[0]) : [name.slice(0, 2)]
  return letters.join('').toUpperCase()
}
