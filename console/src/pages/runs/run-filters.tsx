import { useEffect, useState } from 'preact/hooks'
import type { Task } from '../../api/types.ts'
import { changeQuery } from '../../router.ts'
import { SearchField } from '../../ui/search-field.tsx'

interface FiltersProps {
  readonly filter: { readonly state: string; readonly taskId: string; readonly q: string }
  readonly tasks: readonly Task[]
}

const STATES = [
  { value: '', title: 'Any state' },
  { value: 'QUEUING,QUEUED,PENDING,RUNNING', title: 'Active' },
  { value: 'RUNNING', title: 'Running' },
  { value: 'FINISHED', title: 'Finished' },
  { value: 'FAILED', title: 'Failed' },
  { value: 'CREATED,PROVISIONED', title: 'Not started' },
] as const

const TYPING_MS = 300

export function RunFilters({ filter, tasks }: FiltersProps) {
  const [words, setWords] = useState(filter.q)
  useEffect(() => setWords(filter.q), [filter.q])
  useEffect(() => {
    if (words === filter.q) return undefined
    const timer = setTimeout(() => changeQuery({ q: words, cursor: undefined }), TYPING_MS)
    return () => clearTimeout(timer)
  }, [words])
  return (
    <search class="filters">
      <select
        aria-label="State"
        value={filter.state}
        onChange={({ currentTarget }) => changeQuery({ state: currentTarget.value, cursor: undefined })}
      >
        {STATES.map(({ value, title }) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
      <select
        aria-label="Task"
        value={filter.taskId}
        onChange={({ currentTarget }) => changeQuery({ task: currentTarget.value, cursor: undefined })}
      >
        <option value="">Any task</option>
        {tasks.map(({ id, name, version }) => (
          <option key={id} value={id}>
            {name} {version}
          </option>
        ))}
      </select>
      <SearchField
        label="Text: name or namespace of the task, or beginning of the run's id"
        placeholder="Task or run id"
        value={words}
        onChange={setWords}
      />
    </search>
  )
}
