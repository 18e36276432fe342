import { filePath, readMark, readRun, readValues } from '../../api/runs.ts'
import type { Run, RunValue } from '../../api/types.ts'
import { addressOf, type Place } from '../../router.ts'
import { useConfig } from '../../settings.ts'
import { formatBytes, formatDuration, formatMoney, secondsBetween, shortId } from '../../ui/format.ts'
import { Empty, Loading, State, Time } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { useData } from '../../ui/use-data.ts'
import { type Difference, differenceOf } from './difference.ts'
import { differenceOfFiles, type FileMark } from './file-marks.ts'
import { summaryOf } from './summary.ts'

/** A value of a run; of an image or file, its mark. */
interface Side {
  readonly value: RunValue
  readonly mark?: FileMark | undefined
}

interface ReadRun {
  readonly run: Run
  readonly inputs: readonly Side[]
  readonly outputs: readonly Side[]
}

async function readSide(id: string, signal: AbortSignal): Promise<ReadRun> {
  const run = await readRun(id, signal)
  const [inputs, outputs] = await Promise.all([
    readKind(id, 'inputs', signal),
    run.state === 'FINISHED' ? readKind(id, 'outputs', signal) : [],
  ])
  return { run, inputs, outputs }
}

/** Values with the marks of files; a file that cannot be read has none. */
async function readKind(id: string, kind: 'inputs' | 'outputs', signal: AbortSignal): Promise<Side[]> {
  const values = await readValues(id, kind, signal)
  return Promise.all(
    values.map(async (value) => {
      if (value.type !== 'IMAGE' && value.type !== 'FILE') return { value }
      const address = filePath(id, kind === 'inputs' ? 'input' : 'output', value.parameterName)
      return { value, mark: await readMark(address, signal).catch(() => undefined) }
    }),
  )
}

/** Two runs of one task side by side; what differs is marked. */
export function ComparePage({ place: { query } }: { readonly place: Place }) {
  const [a, b] = [query.get('a') ?? '', query.get('b') ?? '']
  const sides = useData((signal) => Promise.all([readSide(a, signal), readSide(b, signal)]), [a, b])
  if (a === '' || b === '') return <Choose />
  if (sides.error !== undefined) return <Problem error={sides.error} title="The runs cannot be compared." />
  if (sides.data === undefined) return <Loading what="the runs" />
  const [one, other] = sides.data
  const { task } = one.run
  return (
    <>
      <h1>
        Comparison: <a href={addressOf(['tasks', task.namespace, task.version])}>{task.name}</a>{' '}
        <span class="tag">{task.version}</span>
      </h1>
      {task.id !== other.run.task.id && (
        <p class="bad">
          These are runs of two tasks: the other one is of {other.run.task.name} {other.run.task.version}.
        </p>
      )}
      <div class="scroll">
        <table class="rows compare">
          <caption class="visually-hidden">Two runs side by side</caption>
          <thead>
            <tr>
              <th scope="col">Of the run</th>
              {[one, other].map(({ run }) => (
                <th key={run.id} scope="col">
                  <a class="mono" href={addressOf(['runs', run.id])}>
                    {shortId(run.id)}
                  </a>
                </th>
              ))}
            </tr>
          </thead>
          <RunFacts one={one.run} other={other.run} />
          <ValueRows title="Inputs" one={one.inputs} other={other.inputs} />
          <ValueRows title="Outputs" one={one.outputs} other={other.outputs} />
        </table>
      </div>
    </>
  )
}

function Choose() {
  return (
    <Empty title="Two runs are needed." isWhole>
      <p>
        Select two runs of one task in the <a href="#/runs">list of runs</a>.
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

interface RowsProps {
  readonly title: string
  readonly one: readonly Side[]
  readonly other: readonly Side[]
}

function ValueRows({ title, one, other }: RowsProps) {
  const names = [...new Set([...one, ...other].map(({ value }) => value.parameterName))]
  if (names.length === 0) return null
  const named = (sides: readonly Side[], name: string): Side | undefined =>
    sides.find(({ value }) => value.parameterName === name)
  return (
    <tbody>
      <tr class="group">
        <th scope="rowgroup" colSpan={3}>
          {title}
        </th>
      </tr>
      {names.map((name) => {
        const [first, second] = [named(one, name), named(other, name)]
        return (
          <Pair
            key={name}
            title={name}
            one={shownSide(first)}
            other={shownSide(second)}
            difference={differenceOfSides(first, second)}
          />
        )
      })}
    </tbody>
  )
}

function shownSide(side: Side | undefined): string {
  if (side === undefined) return ''
  const words = summaryOf(side.value)
  return side.mark === undefined ? words : `${words}, ${formatBytes(side.mark.sizeBytes)}`
}

function differenceOfSides(one: Side | undefined, other: Side | undefined): Difference {
  const difference = differenceOf(one?.value, other?.value)
  const isFile = one?.value.type === 'IMAGE' || one?.value.type === 'FILE'
  return difference === 'unknown' && isFile ? differenceOfFiles(one?.mark, other?.mark) : difference
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
