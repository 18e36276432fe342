/** Encodes and joins path segments. `.` and `..` are replaced, because in a shared link they would lead to another route. */
export function path(...segments: readonly string[]): string {
  return segments.map((segment) => (/^\.{1,2}$/u.test(segment) ? '-' : encodeURIComponent(segment))).join('/')
}

/** Path of a file of a run, relative to the API. */
export function filePath(
  id: string,
  kind: 'input' | 'output',
  parameter: string,
  index?: readonly number[],
): string {
  const file = `task-runs/${path(id)}/${kind}/${path(parameter)}`
  return index === undefined ? file : `${file}/indexes?value=${index.join('/')}`
}
