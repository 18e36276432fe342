import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse as parseCsv } from 'csv-parse/sync'
import { writeLog } from '../../src/shared/shown-text.ts'
import { shownBody } from '../explain-error.ts'
import { type AnsweredCall, type Download, foreignAnswer } from '../service/answer.ts'
import { fetchArchive } from '../service/fetch-outputs.ts'
import { type Service, ServiceRefusal } from '../service/service.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { listSetRuns } from './set-view.ts'

interface SetCall {
  readonly terminal: Terminal
  readonly service: Service
  readonly id: string
}

/** Saves the table of outputs to a file, or prints it: as CSV, or with `--json` as a list of rows. */
export async function saveSetTable(
  { terminal, service, id }: SetCall,
  file: string | undefined,
): Promise<number> {
  const path = `run-sets/${id}/outputs.csv`
  if (file === undefined) {
    const text = await (await service.download(path)).text()
    if (terminal.isJson) terminal.json(rowsOf(text, { base: service.url, path }))
    else writeLog(terminal.stdout, text)
    return EXIT.success
  }
  await save(await service.download(path), file)
  terminal.json({ file })
  terminal.print(file)
  return EXIT.success
}

/**
 * Lines of a CSV as objects, whose keys are the columns. All values are texts.
 * @throws ForeignAnswerError
 */
function rowsOf(text: string, call: AnsweredCall): unknown {
  try {
    return parseCsv(text, { columns: true })
  } catch (error) {
    if (error instanceof CsvError) throw foreignAnswer(call, shownBody(text))
    throw error
  }
}

/**
 * Saves the outputs of all finished runs, as a zip or in a folder. If they exceed one archive, a folder is filled from one archive for
 * each run.
 */
export async function saveSetArchive(call: SetCall, target: string): Promise<number> {
  const { terminal, service, id } = call
  const path = `run-sets/${id}/outputs.zip`
  if (/\.zip$/iu.test(target)) {
    await save(await service.download(path), target)
    terminal.json({ files: [target] })
    terminal.print(target)
    return EXIT.success
  }
  const files = await fetchArchive(service, path, target).catch((error: unknown) => {
    if (!(error instanceof ServiceRefusal) || error.status !== 409) throw error
    return fetchEach(call, target, error)
  })
  terminal.json({ folder: target, files })
  terminal.print(`${files.length} file${files.length === 1 ? '' : 's'} in ${target}`)
  return EXIT.success
}

/** @throws `refusal` when no run is finished */
async function fetchEach(
  { service, id }: SetCall,
  target: string,
  refusal: ServiceRefusal,
): Promise<readonly string[]> {
  const files: string[] = []
  let count = 0
  for await (const { row, runId } of listSetRuns(service, id, 'FINISHED')) {
    count += 1
    files.push(...(await fetchArchive(service, `task-runs/${runId}/outputs.zip`, join(target, String(row)))))
  }
  if (count === 0) throw refusal
  return files
}

/** An interrupted download leaves an existing file unchanged. */
async function save({ body }: Download, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const partial = `${file}.part`
  try {
    await pipeline(Readable.fromWeb(body), createWriteStream(partial))
    await rename(partial, file)
  } finally {
    await rm(partial, { force: true })
  }
}
