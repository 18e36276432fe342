import { useEffect, useMemo, useState } from 'preact/hooks'
import { filePath, path } from '../../../api/paths.ts'
import type { WholeTask } from '../../../api/tasks.ts'
import type { ParameterType, Run, RunValue, TaskInput, TaskOutput } from '../../../api/types.ts'
import { Loading } from '../../../ui/parts.tsx'
import { Problem } from '../../../ui/problem.tsx'
import { useData } from '../../../ui/use-data.ts'
import { LazyResult, preloadResult } from '../../../viewer/lazy.tsx'
import { readValues } from '../../../viewer/read-values.ts'
import type { ResultImage, ResultViewProps, ShapeSet } from '../../../viewer/result-view.tsx'
import type { ReadValues } from '../../../viewer/values.ts'
import { ValueRow } from './value-row.tsx'

interface ValuesProps {
  readonly run: Run
  readonly kind: 'inputs' | 'outputs'
  /** Undefined while the task is loading; its values are loaded at the same time. */
  readonly whole: WholeTask | undefined
}

const TITLES = { inputs: 'Inputs', outputs: 'Outputs' } as const

/** The inputs or outputs of a run: geometries over an image, and a row for each parameter. */
export function RunValues({ run, kind, whole }: ValuesProps) {
  const { id } = run
  // Inputs may change until the run starts, so they are loaded again when its state changes.
  const values = useData(
    (signal) => readValues(id, kind, signal),
    [id, kind, kind === 'inputs' ? run.state : ''],
  )
  const others = useData(
    async (signal) => (kind === 'inputs' ? undefined : readValues(id, 'inputs', signal)),
    [id],
  )
  const title = TITLES[kind]
  const parameters = whole?.[kind] ?? []
  // Memoised, because a new array would recreate the layers of the map.
  const sets = useMemo(() => shapeSets(values.data, parameters, kind), [values.data, whole])
  useEffect(() => {
    if (kind === 'outputs' && parameters.some(({ type }) => holdsGeometries(type))) preloadResult()
  }, [whole])
  if (values.error !== undefined) return <Problem error={values.error} title={`${title} cannot be shown.`} />
  if (values.data === undefined || whole === undefined) return <Loading what={kind} />
  const read = kind === 'inputs' ? { inputs: values.data } : { inputs: others.data, outputs: values.data }
  const images = imagesOf(id, read, whole)
  return (
    <section class="card" aria-labelledby={kind}>
      <div class="title-row">
        <h2 id={kind}>{title}</h2>
        {values.data.values.length > 0 && (
          <a class="small-text" href={`../task-runs/${path(id)}/${kind}.zip`}>
            All as zip
          </a>
        )}
      </div>
      {values.data.values.length === 0 && (
        <p class="muted">{kind === 'inputs' ? 'No inputs were given.' : 'The task wrote no outputs.'}</p>
      )}
      {sets.length > 0 && others.error !== undefined && (
        <Problem error={others.error} title="The images of the inputs cannot be shown." />
      )}
      {sets.length > 0 && <Shapes isOpen={kind === 'outputs'} runId={id} images={images} sets={sets} />}
      <dl class="values">
        {values.data.values.map((value) => (
          <ValueRow
            key={value.parameterName}
            runId={id}
            kind={kind === 'inputs' ? 'input' : 'output'}
            value={value}
            label={labelOf(parameters, value)}
            shapes={values.data?.shapes.get(value.parameterName)}
          />
        ))}
      </dl>
    </section>
  )
}

/** Geometries over an image; those of inputs are shown on demand. */
function Shapes({ isOpen, ...props }: ResultViewProps & { readonly isOpen: boolean }) {
  const [isShown, setIsShown] = useState(isOpen)
  if (isShown) return <LazyResult {...props} />
  return (
    <button type="button" class="small" onClick={() => setIsShown(true)}>
      Show geometries over the image
    </button>
  )
}

type Parameter = TaskInput | TaskOutput

function titleOf(parameter: Parameter): string {
  return 'display_name' in parameter ? parameter.display_name : parameter.displayName
}

function holdsGeometries(type: ParameterType): boolean {
  return type.id === 'array' ? holdsGeometries(type.subType) : type.id === 'geometry'
}

function labelOf(
  parameters: readonly Parameter[],
  { parameterName }: Pick<RunValue, 'parameterName'>,
): string {
  const found = parameters.find(({ name }) => name === parameterName)
  return found === undefined ? parameterName : titleOf(found)
}

function shapeSets(
  values: ReadValues | undefined,
  parameters: readonly Parameter[],
  kind: 'inputs' | 'outputs',
): ShapeSet[] {
  return [...(values?.shapes ?? [])].map(([parameterName, one]) => {
    const parameter = parameters.find(({ name }) => name === parameterName)
    return {
      name: `${kind === 'inputs' ? 'input' : 'output'} ${parameterName}`,
      label: labelOf(parameters, { parameterName }),
      kind: kind === 'inputs' ? 'input' : 'output',
      shapes: one,
      derivedFrom: parameter !== undefined && 'derivedFrom' in parameter ? parameter.derivedFrom : null,
    }
  })
}

/** Images on which geometries can be shown, those of inputs first. */
function imagesOf(
  runId: string,
  {
    inputs,
    outputs,
  }: { readonly inputs?: ReadValues | undefined; readonly outputs?: ReadValues | undefined },
  task: { readonly inputs: readonly TaskInput[]; readonly outputs: readonly TaskOutput[] },
): ResultImage[] {
  const of = (
    read: ReadValues | undefined,
    kind: 'input' | 'output',
    parameters: readonly Parameter[],
  ): ResultImage[] =>
    (read?.values ?? []).flatMap(({ parameterName, type }) =>
      type === 'IMAGE'
        ? [
            {
              name: parameterName,
              label: `${labelOf(parameters, { parameterName })} (${kind})`,
              path: filePath(runId, kind, parameterName),
            },
          ]
        : [],
    )
  return [...of(inputs, 'input', task.inputs), ...of(outputs, 'output', task.outputs)]
}
