/** From semver.org, as the official schema has it. */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/u
const NAMESPACE = /^[a-zA-Z0-9_]*(?:\.[a-zA-Z0-9_-]+)+$/u
const PARAMETER_NAME = /^[a-zA-Z0-9_]+$/u

/** The database column of the reference; there, a longer namespace or version fails with a server error. */
const MAX_COORDINATE_LENGTH = 255

/** Linux allows file names of 255 bytes, and `<name>.geojson` has to fit too. */
const MAX_PARAMETER_NAME_LENGTH = 247

/** Whether the text may be a task's version. */
export function isSemver(text: string): boolean {
  return text.length <= MAX_COORDINATE_LENGTH && SEMVER.test(text)
}

/** Whether the text may be a task's namespace. */
export function isNamespace(text: string): boolean {
  return text.length <= MAX_COORDINATE_LENGTH && NAMESPACE.test(text)
}

/**
 * Whether the text may be the name of an input or output. Names that every JavaScript object answers to (`constructor`,
 * `__proto__`) are left out: values are kept by name in plain objects, in records and in JSON.
 */
export function isParameterName(text: string): boolean {
  return text.length <= MAX_PARAMETER_NAME_LENGTH && PARAMETER_NAME.test(text) && !(text in {})
}
