import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import pMap from 'p-map'
import type { StagedInputs } from '../src/contract/staging.ts'
import type { StagingApi } from './api-client.ts'
import { download } from './download.ts'
import { type Budget, createBudget } from './limits.ts'
import { readFolder } from './read-folder.ts'
import { safePath } from './safe-path.ts'
import { TRANSFER_SETTINGS, type TransferSettings } from './settings.ts'
import { createLinks, type Link } from './signed-url.ts'
import { unpackClientZip } from './unpack-client-zip.ts'
import { unpackZip } from './unpack-zip.ts'

/** Permissions for every user, since images run under any user and must be able to write (run-lifecycle 7.2, parameter-io 1.1). */
const EVERYONE_FOLDER = 0o777
const EVERYONE_FILE = 0o666

type StagedFile = StagedInputs['files'][number]
type RemoteContent = Exclude<StagedFile['content'], { readonly kind: 'inline' }>

interface StageIn {
  readonly folder: string
  readonly linkOf: (path: string) => Link
  readonly budget: Budget
  readonly settings: TransferSettings
}

/**
 * Writes exactly the provisioned inputs to the input folder, and gives every user access to both folders.
 * @returns number of files
 */
export async function stageIn(
  api: Pick<StagingApi, 'inputs'>,
  inputFolder: string,
  outputFolder: string,
  settings: TransferSettings = TRANSFER_SETTINGS,
): Promise<number> {
  const staged = await api.inputs()
  const linkOf = createLinks(async () => urlsOf(await api.inputs()), urlsOf(staged))
  const stage: StageIn = { folder: inputFolder, linkOf, budget: createBudget(), settings }
  const isLarge = ({ content }: StagedFile) =>
    content.kind !== 'inline' && content.sizeBytes > settings.rangeBytes
  // Small files in parallel, large ones in sequence, since each has parallel ranges.
  const small = staged.files.filter((file) => !isLarge(file))
  await pMap(small, (file) => stageFile(stage, file), { concurrency: settings.atOnce })
  for (const file of staged.files.filter(isLarge)) await stageFile(stage, file)
  openToEveryone(inputFolder)
  await chmod(outputFolder, EVERYONE_FOLDER)
  return staged.files.length
}

function urlsOf({ files }: StagedInputs): ReadonlyMap<string, string> {
  return new Map(files.flatMap(({ path, content }) => ('url' in content ? [[path, content.url]] : [])))
}

async function stageFile(stage: StageIn, { path, content }: StagedFile): Promise<void> {
  const target = join(stage.folder, safePath(path))
  mkdirSync(dirname(target), { recursive: true })
  if (content.kind === 'inline') await writeFile(target, content.text, { flag: 'wx' })
  else if (content.kind === 'url') await fetchFile(stage, path, content, target)
  else await fetchTree(stage, path, content)
}

async function fetchFile(
  { linkOf, settings }: StageIn,
  path: string,
  { sizeBytes }: RemoteContent,
  target: string,
): Promise<void> {
  await download({ name: path, link: linkOf(path), sizeBytes }, target, settings)
}

async function fetchTree(
  stage: StageIn,
  path: string,
  content: Extract<RemoteContent, { readonly kind: 'tree' }>,
): Promise<void> {
  // No parameter name starts with a dot.
  const zip = join(stage.folder, `.${randomUUID()}.zip`)
  const folder = content.below === undefined ? stage.folder : join(stage.folder, safePath(content.below))
  mkdirSync(folder, { recursive: true })
  await fetchFile(stage, path, content, zip)
  // The content of a client's zip has its own folder.
  const unpack = content.below === undefined ? unpackZip : unpackClientZip
  await unpack(path, zip, folder, stage.budget)
  await rm(zip)
}

/** Sets permissions after writing, because the umask limits those of a new file. */
function openToEveryone(folder: string): void {
  chmodSync(folder, EVERYONE_FOLDER)
  for (const entry of readFolder(folder)) {
    const path = join(folder, entry.name.toString())
    if (entry.isDirectory()) openToEveryone(path)
    else chmodSync(path, EVERYONE_FILE)
  }
}
