import { filePath } from '../../api/paths.ts'
import { readMark, readRun } from '../../api/runs.ts'
import type { Run } from '../../api/types.ts'
import { addressOf, type Place } from '../../router.ts'
import { useConfig } from '../../settings.ts'
import { formatBytes, formatDuration, formatMoney, secondsBetween, shortId } from '../../ui/format.ts'
import { Empty, Loading, State, Time } from '../../ui/parts.tsx'
import { PageProblem } from '../../ui/problem.tsx'
import { useData } from '../../ui/use-data.ts'
import { useTitle } from '../../ui/use-title.ts'
import { compareRuns, type ValueKind } from '../../viewer/read-values.ts'
import type { Compared } from './comparison.ts'
import type { Difference } from './difference.ts'
import { differenceOfFiles, type FileMark } from './file-marks.ts'

/** A parameter in both runs; `marks` only of an image or file. */
interface Row extends Compared {
  readonly marks?: readonly (FileMark | undefined)[]
}

interface Comparison {
  readonly runs: readonly [Run, Run]
  readonly inputs: readonly Row[]
  readonly outputs: readonly Row[]
}

async function compare(ids: readonly [string, string], signal: AbortSignal): Promise<Comparison> {
  const runs = await Promise.all([readRun(ids[0], signal), readRun(ids[1], signal)])
  const [inputs, outputs] = await Promise.all([
    readRows(runs, 'inputs', signal),
    readRows(runs, 'outputs', signal),
  ])
  return { runs, inputs, outputs }
}

/** Compared values, with marks of the files that can be read. */
async function readRows(
  [one, other]: readonly [Run, Run],
  kind: ValueKind,
  signal: AbortSignal,
): Promise<Row[]> {
  const hasValues = ({ state }: Run): boolean =>
    kind === 'inputs' ? state !== 'CREATED' : state === 'FINISHED'
  const ids = [hasValues(one) ? one.id : undefined, hasValues(other) ? other.id : undefined] as const
  const rows = await compareRuns(ids, kind, signal)
  const markOf = async (name: string, id: string): Promise<FileMark | undefined> =>
    readMark(filePath(id, kind === 'inputs' ? 'input' : 'output', name), signal).catch(() => undefined)
  return Promise.all(
    rows.map(async (row) => {
      if (!row.isFile) return row
      const marks = row.summaries.map((words, at) =>
        words === undefined ? undefined : markOf(row.name, ids[at] ?? ''),
      )
      return { ...row, marks: await Promise.all(marks) }
    }),
  )
}

/** Two runs of one task side by side, with differences marked. */
export function ComparePage({ place: { query } }: { readonly place: Place }) {
  const [a, b] = [query.get('a') ?? '', query.get('b') ?? '']
  const isChosen = a !== '' && b !== ''
  const { data, error } = useData(async (signal) => (isChosen ? compare([a, b], signal) : undefined), [a, b])
  useTitle(isChosen ? `Runs ${shortId(a)} and ${shortId(b)}` : 'Comparison', data?.runs[0].task.name)
  if (!isChosen) return <Choose />
  if (error !== undefined) return <PageProblem error={error} title="The runs cannot be compared." />
  if (data === undefined) return <Loading what="the runs" />
  const [one, other] = data.runs
  const { task } = one
  return (
    <>
      <h1>
        Comparison: <a href={addressOf(['tasks', task.namespace, task.version])}>{task.name}</a>{' '}
        <span class="tag">{task.version}</span>
      </h1>
      {task.id !== other.task.id && (
        <p class="bad">
          The second run is of another task: {other.task.name} {other.task.version}.
        </p>
      )}
      <div class="scroll">
        <table class="rows compare">
          <caption class="visually-hidden">Two runs side by side</caption>
          <thead>
            <tr>
              <th scope="col">Run</th>
              {data.runs.map(({ id }) => (
                <th key={id} scope="col">
                  <a class="mono" href={addressOf(['runs', id])}>
                    {shortId(id)}
                  </a>
                </th>
              ))}
            </tr>
          </thead>
          <RunFacts one={one} other={other} />
          <ValueRows title="Inputs" rows={data.inputs} />
          <ValueRows title="Outputs" rows={data.outputs} />
        </table>
      </div>
    </>
  )
}

function Choose() {
  return (
    <Empty title="No runs are selected." isWhole>
      <p>
        Select two runs of the same task in the <a href="#/runs">list of runs</a>.
      </p>
    </Empty>
  )
}

function RunFacts({ one, other }: { readonly one: Run; readonly other: Run }) {
  const { currency } = useConfig()
  const took = ({ startedAt, endedAt }: Run): string =>
    startedAt === undefined || endedAt === undefined ? '' : formatDuration(secondsBetween(startedAt, endedAt))
  const cost = (run: Run): string => (run.cost === undefined ? '' : formatMoney(run.cost.usd, currency))
  return (
    <tbody>
      <tr>
        <th scope="row">State</th>
        <td>
          <State state={one.state} />
        </td>
        <td>
          <State state={other.state} />
        </td>
      </tr>
      <tr>
        <th scope="row">Created</th>
        <td>
          <Time at={one.createdAt} />
        </td>
        <td>
          <Time at={other.createdAt} />
        </td>
      </tr>
      <Pair title="Duration" one={took(one)} other={took(other)} />
      <Pair title="Cost" one={cost(one)} other={cost(other)} />
      <Pair title="Reason" one={one.error?.message ?? ''} other={other.error?.message ?? ''} />
    </tbody>
  )
}

function ValueRows({ title, rows }: { readonly title: string; readonly rows: readonly Row[] }) {
  if (rows.length === 0) return null
  return (
    <tbody>
      <tr class="group">
        <th scope="rowgroup" colSpan={3}>
          {title}
        </th>
      </tr>
      {rows.map((row) => (
        <Pair
          key={row.name}
          title={row.name}
          one={wordsOf(row, 0)}
          other={wordsOf(row, 1)}
          difference={differenceWithMarks(row)}
        />
      ))}
    </tbody>
  )
}

function wordsOf({ summaries, marks }: Row, side: 0 | 1): string {
  const words = summaries[side] ?? ''
  const mark = marks?.[side]
  return mark === undefined ? words : `${words}, ${formatBytes(mark.sizeBytes)}`
}

function differenceWithMarks({ difference, marks }: Row): Difference {
  return difference === 'unknown' && marks !== undefined ? differenceOfFiles(marks[0], marks[1]) : difference
}

function Pair({
  title,
  one,
  other,
  difference = one === other ? 'none' : 'some',
}: {
  readonly title: string
  readonly one: string
  readonly other: string
  readonly difference?: Difference
}) {
  if (one === '' && other === '') return null
  return (
    <tr class={difference === 'some' ? 'differs' : undefined}>
      <th scope="row">
        {title}
        {difference === 'some' && <span class="visually-hidden"> (differs)</span>}
        {difference === 'unknown' && <span class="hint"> (contents not compared)</span>}
      </th>
      <td>{one === '' ? '–' : one}</td>
      <td>{other === '' ? '–' : other}</td>
    </tr>
  )
}
