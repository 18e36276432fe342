import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { writeLog } from '../../src/shared/shown-text.ts'
import type { Download } from '../service/answer.ts'
import { fetchArchive } from '../service/fetch-outputs.ts'
import { type Service, ServiceRefusal } from '../service/service.ts'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { listSetRuns } from './set-view.ts'

interface SetCall {
  readonly terminal: Terminal
  readonly service: Service
  readonly id: string
}

/** Saves the table of outputs to a file, or prints it. */
export async function saveSetTable(
  { terminal, service, id }: SetCall,
  file: string | undefined,
): Promise<number> {
  const path = `run-sets/${id}/outputs.csv`
  if (file === undefined) {
    if (terminal.isJson)
      throw new CommandError('the table is CSV; save it with -o FILE, or omit --json', EXIT.usage)
    writeLog(terminal.stdout, await (await service.download(path)).text())
    return EXIT.success
  }
  await save(await service.download(path), file)
  terminal.json({ file })
  terminal.print(file)
  return EXIT.success
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
