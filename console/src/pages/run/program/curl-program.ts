import { path } from '../../../api/paths.ts'
import type { About } from './about.ts'

const JSON_TYPE = "-H 'Content-Type: application/json' -o /dev/null"

/** A program for a POSIX shell with curl and jq. */
export function curlProgram({ base, task, run, given }: About): string {
  const { plain, texts, arrays, files, empty } = given
  return [
    `base=${quoted(base)}`,
    `run=$(curl -sSf -X POST "$base"${quoted(`${task}/runs`)} | jq -r .id)`,
    `inputs="\${base}task-runs/$run/input-provisions"`,
    ...(plain.length === 0
      ? []
      : [`curl -sSf -X PUT "$inputs" ${JSON_TYPE} \\`, `  -d ${quoted(JSON.stringify(plain))}`]),
    ...texts.flatMap(({ name, from }) => [
      download(from, name),
      `jq -Rs '{value: .}' ${quoted(name)} | ${put(path(name), '@-')}`,
    ]),
    ...arrayLines(run, arrays),
    ...empty.map(({ name, index }) => put(itemPath(name, index), quoted('{"value": []}'))),
    ...files.flatMap(({ name, index, from }) => {
      const file = index === undefined ? name : `${name}-${index.replaceAll('/', '-')}`
      const target = index === undefined ? path(name) : itemPath(name, index)
      return [
        download(from, file),
        `curl -sSf "$inputs/"${quoted(target)} -F file=@${quoted(file)} -o /dev/null`,
      ]
    }),
    `curl -sSf "\${base}task-runs/$run/state-actions" ${JSON_TYPE} -d '{"desired": "RUNNING"}'`,
    `until state=$(curl -sSf "\${base}task-runs/$run" | jq -r .state); [ "$state" = FINISHED ] || [ "$state" = FAILED ]; do sleep 2; done`,
    `echo "$state"`,
    `curl -sSfL "\${base}task-runs/$run/outputs"`,
    '',
  ].join('\n')
}

/** Gives arrays as they are listed, with the whole texts of items that the list truncates. */
function arrayLines(run: string, arrays: readonly string[]): string[] {
  if (arrays.length === 0) return []
  return [
    download(`${run}/inputs`, 'inputs.json'),
    `for name in ${arrays.map(quoted).join(' ')}; do`,
    `  jq --arg name "$name" '.[] | select(.parameterName == $name) | {value}' inputs.json > "$name.json"`,
    `  for cut in $(jq -r '.. | objects | select(.truncated) | .href' "$name.json"); do`,
    '    curl -sSfL "$base$cut" -o item.txt',
    `    jq --arg cut "$cut" --rawfile text item.txt '(.. | objects | select(.href == $cut)) |= {index, value: $text}' "$name.json" > whole.json`,
    '    mv whole.json "$name.json"',
    '  done',
    `  ${putTo('"$inputs/$name"', '@"$name.json"')}`,
    'done',
  ]
}

function download(from: string, file: string): string {
  return `curl -sSfL "$base"${quoted(from)} -o ${quoted(file)}`
}

function put(target: string, body: string): string {
  return putTo(`"$inputs/"${quoted(target)}`, body)
}

function putTo(address: string, body: string): string {
  return `curl -sSf -X PUT ${address} ${JSON_TYPE} --data-binary ${body}`
}

function itemPath(name: string, index: string): string {
  return `${path(name)}/indexes?value=${index}`
}

/** Quotes a text for POSIX shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
