import type { ArchiveContent, ArchiveEntry } from '../../archive/folder-zip/stored-zip.ts'
import type { ObjectStore } from '../../aws/object-store.ts'
import { descriptorKey } from '../../contract/storage-keys.ts'
import { entriesOf } from '../../inputs/array-inputs.ts'
import { preparedOutputKey } from '../../inputs/prepared-file.ts'
import { listInputEntries } from '../../inputs/read-inputs.ts'
import { BYTES_TYPE, type Packing } from '../../inputs/run-files.ts'
import { findRunAndTask, type Repositories, type RunAndTask, stateError } from '../../run/find-run.ts'
import { listOutputEntries } from '../read-outputs.ts'
import { CrateBudget, type CrateParameter, chooseFiles, folderOf } from './crate-files.ts'
import { METADATA_NAME, writeMetadata } from './crate-metadata.ts'
import { Digests } from './digests.ts'

interface Dependencies extends Repositories {
  readonly objects: ObjectStore
}

/** Path of the task's descriptor in the crate. */
const DESCRIPTOR_NAME = 'descriptor.yml'

/**
 * Packs the run as a Process Run Crate 0.5: the task's descriptor, inputs, outputs of a FINISHED run, and
 * `ro-crate-metadata.json`. The metadata come last, because they contain the digests of the other files. {@link CrateBudget}
 * limits the content. Memory: the directories of folders as for `outputs.zip`, and three times the metadata.
 * @throws DomainError RUN_NOT_FOUND, INTERNAL_INVALID_TASK_RUN_STATE
 */
export async function packCrate(deps: Dependencies, runId: string): Promise<Packing> {
  const found = await findRunAndTask(deps, runId)
  const { run } = found
  if (run.state !== 'FINISHED' && run.state !== 'FAILED')
    throw stateError(run.state, 'its crate can be read once it is FINISHED or FAILED')
  // Batch may report the usage after the run has ended.
  const file = run.job?.usage === undefined ? 'ro-crate-without-usage.zip' : 'ro-crate.zip'
  return {
    kind: 'packing',
    key: preparedOutputKey(run, file),
    name: `ro-crate-${runId}.zip`,
    contentType: BYTES_TYPE,
    entries: () => listCrateEntries(deps, found),
  }
}

async function listCrateEntries(deps: Dependencies, found: RunAndTask): Promise<readonly ArchiveEntry[]> {
  const { run, task } = found
  const descriptor = await findDescriptor(deps, task.id)
  const budget = new CrateBudget()
  // Outputs first: they are usually smaller, and they are the result.
  const entries = run.state === 'FINISHED' ? await listOutputEntries(deps, found) : []
  const outputs = chooseFiles({ role: 'outputs', parameters: task.outputs }, entries, budget)
  const inputs = chooseFiles(
    { role: 'inputs', parameters: task.inputs },
    await listInputEntries(deps, found),
    budget,
  )
  const digests = new Digests()
  const files = [...descriptor, ...filesOf(outputs), ...filesOf(inputs)].map((file) => digests.observe(file))
  const folders = [...outputs, ...inputs].flatMap(folderEntry)
  const [described] = descriptor
  const contents = { run, task, descriptor: described, inputs, outputs }
  return [...folders, ...files, metadataEntry((digestOf) => writeMetadata(contents, digestOf), digests)]
}

async function findDescriptor(deps: Dependencies, taskId: string): Promise<readonly ArchiveEntry[]> {
  const key = descriptorKey(taskId)
  const sizeBytes = await deps.objects.size(key)
  return sizeBytes === undefined ? [] : entriesOf(deps, DESCRIPTOR_NAME, { kind: 'object', key, sizeBytes })
}

function filesOf(parameters: readonly CrateParameter[]): readonly ArchiveEntry[] {
  return parameters.flatMap(({ files }) => files)
}

/** Entry of the parameter's folder: validators require one for each folder that the metadata name. */
function folderEntry(one: CrateParameter): readonly ArchiveEntry[] {
  const folder = folderOf(one)
  return folder === undefined ? [] : [{ name: folder, sizeBytes: 0, bytes: Buffer.alloc(0) }]
}

/** All digests have the same length, so the size is known in advance. */
function metadataEntry(
  write: (digestOf: (name: string) => string) => string,
  digests: Digests,
): ArchiveEntry {
  const sizeBytes = Buffer.byteLength(write(() => Digests.PLACEHOLDER))
  const open = async (): Promise<ArchiveContent> => [Buffer.from(write((name) => digests.of(name)))]
  return { name: METADATA_NAME, sizeBytes, open }
}
