/** From https://semver.org, as in the official schema. */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/u
const NAMESPACE = /^[a-zA-Z0-9_]*(?:\.[a-zA-Z0-9_-]+)+$/u
const PARAMETER_NAME = /^[a-zA-Z0-9_]+$/u

/** Length of the reference's database column. */
const MAX_COORDINATE_LENGTH = 255

/** Linux allows file names of 255 bytes, and `<name>.geojson` has to fit too. */
const MAX_PARAMETER_NAME_LENGTH = 247

/** The patterns above with the limits of lengths, for JSON schemas. */
export const NAME_PATTERNS = {
  version: { pattern: SEMVER.source, maxLength: MAX_COORDINATE_LENGTH },
  namespace: { pattern: NAMESPACE.source, maxLength: MAX_COORDINATE_LENGTH },
  parameter: { pattern: PARAMETER_NAME.source, maxLength: MAX_PARAMETER_NAME_LENGTH },
} as const

/** Whether a text is a valid version of a task. */
export function isSemver(text: string): boolean {
  return text.length <= MAX_COORDINATE_LENGTH && SEMVER.test(text)
}

/** Whether a text is a valid namespace of a task. */
export function isNamespace(text: string): boolean {
  return text.length <= MAX_COORDINATE_LENGTH && NAMESPACE.test(text)
}

/**
 * Whether a text is a valid name of an input or output. Excludes properties of every JavaScript object (`constructor`, `__proto__`), because
 * values are kept by name in plain objects.
 */
export function isParameterName(text: string): boolean {
  return text.length <= MAX_PARAMETER_NAME_LENGTH && PARAMETER_NAME.test(text) && !(text in {})
}
