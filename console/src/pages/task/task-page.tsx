import { useState } from 'preact/hooks'
import { isNotFound } from '../../api/client.ts'
import { deleteTask, readTask, type TaskKey, type WholeTask } from '../../api/tasks.ts'
import { addressOf, changeQuery, go, type Place } from '../../router.ts'
import { useMayChange } from '../../settings.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { Missing } from '../../ui/missing.tsx'
import { Choices, Loading } from '../../ui/parts.tsx'
import { PageProblem } from '../../ui/problem.tsx'
import { ScrollBox } from '../../ui/scroll-box.tsx'
import { useData } from '../../ui/use-data.ts'
import { useTitle } from '../../ui/use-title.ts'
import { Logo } from '../tasks/tasks-page.tsx'
import { LazySetForm } from './lazy-set-form.tsx'
import { ParameterTables } from './parameter-tables.tsx'
import { PlacementCard } from './placement-card.tsx'
import { RunForm } from './run-form.tsx'
import { ScanCard } from './scan-card.tsx'
import { TaskRuns } from './task-runs.tsx'

const TABS = [
  { name: 'start', title: 'Start a run' },
  { name: 'set', title: 'Start a run set' },
  { name: 'parameters', title: 'Inputs and outputs' },
  { name: 'descriptor', title: 'Descriptor' },
] as const

export function TaskPage({ place: { segments, query } }: { readonly place: Place }) {
  const [, namespace = '', version = ''] = segments
  const key = { namespace, version }
  const loaded = useData((signal) => readTask(key, signal), [namespace, version])
  const mayChange = useMayChange()
  useTitle(`${loaded.data?.task.name ?? namespace} ${version}`)
  if (isNotFound(loaded.error))
    return <Missing what="task" id={`${namespace} ${version}`} listAddress="#/tasks" />
  if (loaded.error !== undefined)
    return <PageProblem error={loaded.error} title={`Task ${namespace} ${version} cannot be shown.`} />
  if (loaded.data === undefined) return <Loading what="the task" />
  const tabs = TABS.filter(({ name }) => mayChange || (name !== 'start' && name !== 'set'))
  const chosen = tabs.find(({ name }) => name === query.get('tab')) ?? tabs[0] ?? TABS[2]
  const { task, inputs, outputs, descriptor } = loaded.data
  return (
    <>
      <TaskHead whole={loaded.data} taskKey={key} mayChange={mayChange} />
      <div class="columns">
        <section class="main-column" aria-label={chosen.title}>
          <Choices label="View" tabs={tabs} chosen={chosen.name} onChoose={(tab) => changeQuery({ tab })} />
          {chosen.name === 'start' && <RunForm key={task.id} task={key} inputs={inputs} />}
          {chosen.name === 'set' && <LazySetForm key={task.id} task={key} inputs={inputs} />}
          {chosen.name === 'parameters' && <ParameterTables inputs={inputs} outputs={outputs} />}
          {chosen.name === 'descriptor' && (
            <ScrollBox class="source" label="descriptor.yml">
              {descriptor.source}
            </ScrollBox>
          )}
        </section>
        <aside class="side-column">
          <PlacementCard task={key} resources={descriptor.resources} />
          <ScanCard task={key} />
          <TaskRuns taskId={task.id} />
        </aside>
      </div>
    </>
  )
}

interface HeadProps {
  readonly whole: WholeTask
  readonly taskKey: TaskKey
  readonly mayChange: boolean
}

function TaskHead({ whole: { task, descriptor }, taskKey, mayChange }: HeadProps) {
  const [isDeleting, setIsDeleting] = useState(false)
  const contacts = task.authors.map(
    ({ firstName, lastName, organization }) => `${firstName} ${lastName} (${organization})`,
  )
  return (
    <header class="page-head">
      <Logo task={task} />
      <div>
        <h1>
          {task.name} <span class="tag">{task.version}</span>
        </h1>
        <p class="muted mono">{task.namespace}</p>
        {task.description !== null && <p class="description">{task.description}</p>}
        <p class="muted small-text">
          {contacts.join(', ')}
          {descriptor.sourceCode !== undefined && (
            <>
              {' · '}
              <a href={descriptor.sourceCode} rel="noreferrer">
                Source code
              </a>
            </>
          )}
        </p>
      </div>
      {mayChange && (
        <button type="button" class="quiet head-action" onClick={() => setIsDeleting(true)}>
          Delete
        </button>
      )}
      {isDeleting && (
        <Confirm
          question={`Delete ${task.name} ${task.version}?`}
          consequence="The task, its image, and all of its runs with their inputs and outputs are deleted permanently. Active runs are stopped."
          action="Delete task"
          onConfirm={async () => {
            await deleteTask(taskKey)
            go(addressOf(['tasks']))
          }}
          onClose={() => setIsDeleting(false)}
        />
      )}
    </header>
  )
}
