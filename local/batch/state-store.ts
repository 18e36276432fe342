import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFolder } from '../private-folder.ts'
import { hasEnded, type Job } from './job.ts'
import type { RegisterJobDefinition } from './requests.ts'

/** A registered revision. */
export interface StoredDefinition extends RegisterJobDefinition {
  readonly jobDefinitionArn: string
  readonly revision: number
  readonly status: 'ACTIVE' | 'INACTIVE'
}

/** Time for which ended jobs are kept. AWS Batch forgets them after a time too. */
const KEEP_ENDED_JOBS_MS = 24 * 60 * 60 * 1000

/**
 * Opens the state directory. Writes are synchronous and replace whole files: after a kill at any time, every acknowledged change
 * is complete on disk, and no file is half written.
 */
export function openStateStore(directory: string, now: number) {
  const definitions = load<StoredDefinition>(join(directory, 'definitions'))
  const jobs = load<Job>(join(directory, 'jobs'))
  for (const [name, job] of jobs) {
    if (!hasEnded(job) || job.outbox.length > 0 || now - (job.stoppedAt ?? now) < KEEP_ENDED_JOBS_MS) continue
    jobs.delete(name)
    rmSync(join(directory, 'jobs', `${name}.json`), { force: true })
  }
  return {
    definitions: (): readonly StoredDefinition[] => [...definitions.values()],
    putDefinition(definition: StoredDefinition): void {
      const name = `${definition.jobDefinitionName}.${definition.revision}`
      write(join(directory, 'definitions', `${name}.json`), definition)
      definitions.set(name, definition)
    },
    jobs: (): readonly Job[] => [...jobs.values()],
    findJob: (jobId: string): Job | undefined => jobs.get(jobId),
    putJob(job: Job): void {
      write(join(directory, 'jobs', `${job.jobId}.json`), job)
      jobs.set(job.jobId, job)
    },
  }
}

/** Definitions and jobs, in memory and on disk. */
export type StateStore = ReturnType<typeof openStateStore>

/** Only this module writes the files, so their content is trusted. */
function load<Value>(folder: string): Map<string, Value> {
  makePrivateFolder(folder)
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return new Map(
    names.map((name) => [
      name.slice(0, -'.json'.length),
      JSON.parse(readFileSync(join(folder, name), 'utf8')) as Value,
    ]),
  )
}

function write(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
