import type { Terminal } from '../terminal/terminal.ts'
import type { Finding } from './finding.ts'
import type { Validation } from './validate-task.ts'

/**
 * Prints all findings, and how many there are.
 * @param bundle path of the bundle that was checked, for machines
 */
export function report(
  terminal: Terminal,
  { findings, descriptor, image }: Validation,
  bundle?: string,
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
  const { namespace, version } = descriptor ?? {}
  terminal.json({ valid: problems === 0, namespace, version, bundle, findings, imageLayers: image?.layers })
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
