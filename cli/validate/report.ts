import { counted } from '../../src/task/parameters/shown.ts'
import type { Terminal } from '../terminal/terminal.ts'
import type { Finding } from './finding.ts'
import { type Placement, placedWords } from './placement.ts'
import type { Validation } from './validate-task.ts'

export interface ReportOptions {
  /** Path of the checked bundle, for the result in JSON. */
  readonly bundle?: string
  readonly placement?: Placement | undefined
}

/** Prints all findings, their numbers, and the placement of the task's runs. */
export function report(
  terminal: Terminal,
  { findings, descriptor, image }: Validation,
  { bundle, placement }: ReportOptions = {},
): void {
  const count = (severity: Finding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length
  const [problems, warnings] = [count('problem'), count('warning')]
  for (const { severity, part, message } of findings) {
    const mark =
      severity === 'problem' ? terminal.paint('red', 'problem') : terminal.paint('yellow', 'warning')
    terminal.print(`${mark}  ${part}: ${message}`)
  }
  const what = descriptor === undefined ? '' : ` in ${descriptor.namespace} ${descriptor.version}`
  terminal.print(
    findings.length === 0
      ? terminal.paint('green', `no problems${what}`)
      : `${counted(problems, 'problem')}, ${counted(warnings, 'warning')}${what}`,
  )
  if (placement?.placeable === true) terminal.print(`Its runs would go to ${placedWords(placement)}.`)
  const { namespace, version } = descriptor ?? {}
  const names = { namespace, version, bundle }
  terminal.json({ valid: problems === 0, ...names, findings, placement, imageLayers: image?.layers })
}
