import type { ComponentType } from 'preact'
import { Loading } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { useData } from '../../ui/use-data.ts'
import type { SetFormProps } from './use-set-form.ts'

/** The form of a run set, whose code is loaded on first use. */
export function LazySetForm(props: SetFormProps) {
  const { data, error } = useData<{ readonly Form: ComponentType<SetFormProps> }>(
    async () => ({ Form: (await import('./set-form.tsx')).SetForm }),
    [],
  )
  if (error !== undefined) return <Problem error={error} title="The form cannot be loaded." />
  return data === undefined ? <Loading what="the form" /> : <data.Form {...props} />
}
