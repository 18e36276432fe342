/*
 * Plain scalars as SnakeYAML (YAML 1.1) reads them, the Java service's parser: https://yaml.org/type/bool.html,
 * https://yaml.org/type/int.html, https://yaml.org/type/float.html. Each word has three spellings; `y` and `n` are text. Numbers to the
 * base 60 (`190:20:30`) are text too, since Jackson accepts no colons.
 */

const TRUE: ReadonlySet<string> = new Set(inThreeCases('true', 'yes', 'on'))
const FALSE: ReadonlySet<string> = new Set(inThreeCases('false', 'no', 'off'))

const DECIMAL = /^(?:0|[1-9][0-9_]*)$/u
const OCTAL = /^0_*[0-7][0-7_]*$/u
const BINARY = /^0b_*[01][01_]*$/u
const HEXADECIMAL = /^0x_*[0-9a-fA-F][0-9a-fA-F_]*$/u
const FLOAT = /^(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?$/u
const INFINITY: ReadonlySet<string> = new Set(['.inf', '.Inf', '.INF'])
const NOT_A_NUMBER: ReadonlySet<string> = new Set(['.nan', '.NaN', '.NAN'])
/** Octal in YAML 1.2 notation; accepted although it is text in YAML 1.1. */
const OCTAL_12 = /^0o[0-7]+$/u

function inThreeCases(...words: readonly string[]): string[] {
  return words.flatMap((word) => [
    word,
    `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`,
    word.toUpperCase(),
  ])
}

/** Value of a plain scalar as a boolean; undefined when it is not one. */
export function booleanOf(source: string): boolean | undefined {
  if (TRUE.has(source)) return true
  return FALSE.has(source) ? false : undefined
}

/** Value of a plain scalar as a number; `0144` is octal and `_` is ignored; undefined when it is not a number. */
export function numberOf(source: string): number | undefined {
  if (NOT_A_NUMBER.has(source)) return Number.NaN
  const isNegative = source.startsWith('-')
  const magnitude = magnitudeOf(isNegative || source.startsWith('+') ? source.slice(1) : source)
  if (magnitude === undefined) return undefined
  return isNegative ? -magnitude : magnitude
}

function magnitudeOf(source: string): number | undefined {
  if (INFINITY.has(source)) return Number.POSITIVE_INFINITY
  const digits = source.replaceAll('_', '')
  if (DECIMAL.test(source) || BINARY.test(source) || HEXADECIMAL.test(source) || OCTAL_12.test(source)) {
    return Number(digits)
  }
  if (OCTAL.test(source)) return Number(`0o${digits}`)
  return FLOAT.test(source) ? Number(digits) : undefined
}
