import { createReadStream } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type OutputEntry, STAGED_LISTING_NAME } from '../../src/contract/staging.ts'
import { runOutputsPrefix } from '../../src/contract/storage-keys.ts'
import { collectOutputs, OUTPUTS_NAME } from '../../src/outputs/collect-outputs.ts'
import type { Run } from '../../src/run/run.ts'
import { ContentError, createBudget, problemText } from '../../stager/limits.ts'
import { listFolder } from '../../stager/list-outputs.ts'
import { packFolder } from '../../stager/pack-folder.ts'
import { createFollow } from '../../stager/symbolic-links.ts'
import { type LocalRun, readObject } from './local-run.ts'

/** Outputs listing of a finished run. */
export type ListedOutputs = readonly {
  readonly parameterName: string
  readonly type: string
  readonly value?: unknown
}[]

/** A run after the check of its outputs; the listing is empty unless it is FINISHED. */
export interface Collected {
  readonly run: Run
  readonly outputs: ListedOutputs
}

/** Collects the container's outputs as the stager does, and checks them as the service does. */
export async function collect(local: LocalRun, folder: string): Promise<Collected> {
  const { task, objects, deps } = local
  const run = await local.run()
  const prefix = runOutputsPrefix(run.id, 1, 1)
  const root = await realpath(folder)
  const follow = createFollow(root, task.outputFolder)
  const listing = listFolder(root, follow)
  const budget = createBudget()
  const entries: OutputEntry[] = []
  for (const entry of listing.entries) {
    const output = task.outputs.find(({ name }) => name === entry.name)
    const mayBeFolder = output?.type.id === 'array' || output?.type.id === 'image'
    const isTaken = entry.kind === 'file' || (entry.kind === 'directory' && mayBeFolder)
    if (output === undefined || !isTaken || entry.problem !== undefined) {
      entries.push(entry)
      continue
    }
    const path = follow(join(root, entry.name))?.path ?? join(root, entry.name)
    try {
      const key = `${prefix}${entry.name}`
      if (entry.kind === 'directory') {
        await objects.write(key, Readable.from(packFolder(path, entry.name, budget, follow).open()))
      } else await objects.write(key, createReadStream(path))
      entries.push(entry)
    } catch (error) {
      if (!(error instanceof ContentError)) throw error
      entries.push({ ...entry, problem: problemText(error) })
    }
  }
  await objects.put(
    `${prefix}${STAGED_LISTING_NAME}`,
    JSON.stringify({ ...listing, entries, taskExitCode: 0 }),
  )
  await collectOutputs(deps, run.id)
  const listingFile = objects.pathOf(`${prefix}${OUTPUTS_NAME}`)
  const outputs =
    listingFile === undefined ? [] : (JSON.parse(await readObject(listingFile)) as ListedOutputs)
  return { run: await local.run(), outputs }
}
