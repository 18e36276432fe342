import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import pMap from 'p-map'
import { formatBytes } from '../../src/contract/format.ts'
import type { JsonValue } from '../../src/contract/json.ts'
import { parameterNamed } from '../../src/run/find-run.ts'
import type { Row } from '../../src/run-set/row-table.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import type { Progress } from '../../src/shared/progress.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { parseInputs } from '../inputs/parse-inputs.ts'
import { sendPacked, sendUpload } from '../send-input-file.ts'
import type { TaskReference } from '../service/names.ts'
import type { Service } from '../service/service.ts'
import { fileSource } from '../task/file-source.ts'
import { isDirectory } from '../task/open-task.ts'
import { usageError } from '../terminal/command-error.ts'
import { isElsewhere, type SentTable } from './input-table.ts'
import { postSet, type SetView } from './set-view.ts'

/** Larger tables are sent as uploads, because API Gateway limits bodies to 10 MB. */
const INLINE_BYTES = 3 * 1024 * 1024
/** Maximum number of concurrent files; each sends several parts at once. */
const FILES_AT_ONCE = 2

/**
 * Values for all rows, from the command line. An image or file may also be a reference that the service resolves.
 * @throws CommandError
 */
export function sharedRow(words: readonly string[], { inputs }: TaskDescriptor): Row {
  const elsewhere = new Map<string, JsonValue>()
  const others = words.filter((word) => {
    const equals = word.indexOf('=')
    const [name, text] = [word.slice(0, equals), word.slice(equals + 1)]
    const type = parameterNamed(inputs, name)?.type.id
    const isReference = (type === 'image' || type === 'file') && isElsewhere(text)
    if (isReference) elsewhere.set(name, text)
    return !isReference
  })
  const given = parseInputs(others, inputs).map((input): readonly [string, JsonValue] => {
    if (input.kind === 'json') return [input.name, input.value]
    if (input.kind === 'file') return [input.name, `@${resolve(input.path)}`]
    throw usageError(
      `the input "${input.name}" is an array of files, which a run set cannot take; start single runs with "cytomine-task run"`,
    )
  })
  return new Map([...elsewhere, ...given].map(([name, json]) => [name, { json }]))
}

/**
 * Uploads files of this machine.
 * @returns their references by path
 */
export async function sendFiles(
  service: Service,
  progress: Progress,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (paths.length === 0) return new Map()
  const sizes = await pMap(paths, async (path) => (await stat(path)).size, { concurrency: 16 })
  const size = formatBytes(sizes.reduce((sum, one) => sum + one, 0))
  const title = `send ${paths.length} file${paths.length === 1 ? '' : 's'}, ${size}`
  return progress.step(title, async (tell) => {
    let done = 0
    const sent = await pMap(
      paths,
      async (path) => {
        const id = isDirectory(path)
          ? await sendPacked(service, path)
          : await sendUpload(service, basename(path), await fileSource(path))
        done += 1
        tell(`${done} of ${paths.length}`)
        return [path, `upload:${id}`] as const
      },
      { concurrency: FILES_AT_ONCE },
    )
    return new Map(sent)
  })
}

/** Settings of a new set, without its table. */
export interface NewSet {
  readonly task: TaskReference
  readonly name?: string | undefined
  readonly maxConcurrency?: number | undefined
  /** Whether its runs take the outputs of equal runs; absent: as configured for the stage. */
  readonly reuse?: boolean | undefined
}

/** Creates a set. A large table is sent as an upload. */
export async function createSet(
  service: Service,
  { task, name, maxConcurrency, reuse }: NewSet,
  { rows, shared }: SentTable,
): Promise<SetView> {
  const table = Buffer.from(JSON.stringify(rows))
  const sent =
    table.byteLength <= INLINE_BYTES
      ? rows
      : { uploadId: await sendUpload(service, 'table.json', bufferSource(table)) }
  const { namespace, version } = task
  const body = {
    task: { namespace, version },
    shared,
    rows: sent,
    ...(name !== undefined && { name }),
    ...(maxConcurrency !== undefined && { maxConcurrency }),
    ...(reuse !== undefined && { reuse }),
  }
  return postSet(service, 'run-sets', body)
}
