import type { Terminal } from '../terminal/terminal.ts'
import { hasEnded, type SetView, type TableProblem } from './set-view.ts'

/** Prints a set: state, counts, cost, failures by reason, problems of its table. */
export function showSet(terminal: Terminal, view: SetView): void {
  terminal.json(view)
  const { id, name, task, state, round, problems, failures = [], error } = view
  const facts = [
    ...['run set', id],
    terminal.paint(colourOf(view), state),
    ...(task === null || task === undefined ? [] : [`${task.namespace}/${task.version}`]),
    ...(name === null || name === undefined ? [] : [`"${name}"`]),
    ...(round > 1 ? [`round ${round}`] : []),
  ]
  terminal.print(facts.join('  '))
  if (error !== undefined) terminal.print(`${error.kind}: ${error.message}`)
  if (problems !== undefined) {
    if (error === undefined) {
      printProblems(terminal, problems, 'no run was created')
      return
    }
    printProblems(terminal, problems, `no run was started in round ${round}`)
  }
  terminal.print(`${countsLine(view)}; ${costLine(view)}`)
  if (failures.length === 0) return
  terminal.table([
    ['FAILED', 'REASON', 'EXAMPLE'],
    ...failures.map(({ count, kind, message, example }) => [
      String(count),
      `${kind}: ${message}`,
      `row ${example.row}, run ${example.runId}`,
    ]),
  ])
}

function colourOf(view: SetView): 'green' | 'red' | 'yellow' {
  if (!hasEnded(view)) return 'yellow'
  return view.state === 'FINISHED' && view.counts.failed === 0 ? 'green' : 'red'
}

/** Problems of a table; `content` may have only the first of them. */
interface TableProblems {
  readonly count: number
  readonly content: readonly TableProblem[]
}

/** Maximum number of problems that are printed. */
const MAX_PRINTED = 100

/** Shows the problems of a table that was not sent. */
export function showProblems(terminal: Terminal, problems: TableProblems): void {
  terminal.json({ problems })
  printProblems(terminal, problems, 'no run was created')
}

function printProblems(terminal: Terminal, { count, content }: TableProblems, result: string): void {
  terminal.print(`The table has ${count} problem${count === 1 ? '' : 's'}, so ${result}:`)
  const shown = content.slice(0, MAX_PRINTED)
  for (const problem of shown) terminal.print(problemLine(problem))
  if (count > shown.length) terminal.print(`… and ${count - shown.length} more`)
}

/** A problem with its row and column. Rows are counted from 1, without the header of a CSV. */
function problemLine({ row, column, message }: TableProblem): string {
  const place = [
    ...(row === null ? [column === null ? 'table' : 'shared value'] : [`row ${row}`]),
    ...(column === null ? [] : [`column ${column}`]),
  ]
  // Messages about a parameter begin with its name.
  const name = `"${column}": `
  return `${place.join(', ')}: ${message.startsWith(name) ? message.slice(name.length) : message}`
}

/** @example countsLine(view) // 30 rows: 21 finished, 9 failed, 0 running, 0 waiting, 4 skipped */
export function countsLine({ rows, counts }: Pick<SetView, 'rows' | 'counts'>): string {
  const { finished, failed, active, waiting, skipped } = counts
  const known = `${finished} finished, ${failed} failed, ${active} running, ${waiting} waiting`
  return `${rows} row${rows === 1 ? '' : 's'}: ${known}${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** Cost of a set, which the service has estimated. */
export function costLine({ cost: { usd, remainingUsd } }: Pick<SetView, 'cost'>): string {
  const rest = remainingUsd === undefined || remainingUsd === 0 ? '' : `, about ${dollars(remainingUsd)} more`
  return `about ${dollars(usd)} USD so far${rest}`
}

function dollars(usd: number): string {
  return usd === 0 ? '0' : usd < 0.01 ? usd.toPrecision(2) : usd.toFixed(2)
}
