import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { MAX_CONCURRENCY } from '../../../../src/contract/run-set-limits.ts'
import type { TaskKey } from '../../api/tasks.ts'
import type { Problems, TaskInput } from '../../api/types.ts'
import { addressOf, go } from '../../router.ts'
import { type FormValues, holdsFiles } from './field-values.ts'
import { isSame } from './read-table.ts'
import { startSet } from './start-set.ts'
import type { ChosenTable } from './table-field.tsx'
import { NOTHING_WRONG, problemsOf, type Wrong, wrongOf } from './wrong.ts'

export interface SetFormProps {
  readonly task: TaskKey
  readonly inputs: readonly TaskInput[]
}

/** State of the form of a run set. */
export interface SetDraft {
  readonly chosen: ChosenTable | undefined
  readonly values: FormValues
  readonly name: string
  readonly atATime: string
  /** Whether runs take the outputs of equal runs. */
  readonly reuse: boolean
}

/** Keys for problems of the form's own fields; the leading space keeps them different from names of inputs. */
export const TABLE = ' table'
export const AT_A_TIME = ' at a time'

interface Submission {
  readonly form: RefObject<HTMLFormElement | null>
  readonly wrong: Wrong
  /** Removes the problem of a field, when the user changes it. */
  readonly forget: (field: string) => void
  /** Problems that the service found in the table. */
  readonly problems: Problems | undefined
  /** Current step while the set is being started. */
  readonly progress: string | undefined
  readonly submit: (draft: SetDraft, shared: readonly TaskInput[]) => Promise<void>
}

/** Submits the form: starts the set and goes to its page. */
export function useSetForm(task: TaskKey): Submission {
  const [wrong, setWrong] = useState<Wrong>(NOTHING_WRONG)
  const [problems, setProblems] = useState<Problems>()
  const [progress, setProgress] = useState<string>()
  const controller = useRef<AbortController | undefined>(undefined)
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => () => controller.current?.abort(), [])
  const show = (found: Wrong): void => {
    setWrong(found)
    requestAnimationFrame(() =>
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"], .field-problem')?.focus(),
    )
  }
  const forget = (field: string): void =>
    setWrong(({ byInput: { [field]: _, ...others } }) => ({ byInput: others }))
  const submit: Submission['submit'] = async ({ chosen, values, name, atATime, reuse }, shared) => {
    const found = { ...ownProblems(chosen, atATime), ...problemsOf(shared, values) }
    setProblems(undefined)
    if (chosen === undefined || Object.keys(found).length > 0) return show({ byInput: found })
    setWrong(NOTHING_WRONG)
    controller.current = new AbortController()
    const { signal } = controller.current
    const onProgress = (words: string): void => void (signal.aborted || setProgress(words))
    const about = { task, name: name.trim(), maxConcurrency: Number(atATime), reuse, table: chosen.file }
    try {
      const started = await startSet({ ...about, inputs: shared, values, signal, onProgress })
      if ('id' in started) go(addressOf(['sets', started.id]))
      else setProblems(started.problems)
    } catch (error) {
      if (!signal.aborted) show(wrongOf(error, shared))
    } finally {
      if (!signal.aborted) setProgress(undefined)
    }
  }
  return { form, wrong, forget, problems, progress, submit }
}

function ownProblems(chosen: ChosenTable | undefined, atATime: string): Record<string, string> {
  const isNumber = /^\s*\d+\s*$/u.test(atATime)
  const isAllowed = isNumber && Number(atATime) >= 1 && Number(atATime) <= MAX_CONCURRENCY
  return {
    ...(chosen === undefined && { [TABLE]: 'Drop or paste a table.' }),
    ...(!isAllowed && { [AT_A_TIME]: `Enter a whole number from 1 to ${MAX_CONCURRENCY}.` }),
  }
}

/** Inputs without a column in the table. Arrays of files are omitted, because a set cannot have them. */
export function sharedInputs(
  inputs: readonly TaskInput[],
  chosen: ChosenTable | undefined,
): readonly TaskInput[] {
  const columns = chosen?.table.columns ?? []
  return inputs.filter(
    ({ name, type }) =>
      !columns.some((column) => isSame(name, column)) && !(type.id === 'array' && holdsFiles(type)),
  )
}
