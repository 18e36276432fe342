import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { createProgress } from '../../cli/progress.ts'
import { type PartName, startLocalStack } from '../../local/stack.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of the edge, ending in `/app-engine/v1/`. */
    baseUrl: string
    /** Of the API itself, without prefix and version. */
    apiUrl: string
    emulatorUrl: string
    batchUrl: string
    /** Object store, and registry below `/v2/`. */
    storageUrl: string
    /** File with the pid of each part that runs at the moment. */
    pidFiles: Readonly<Record<PartName, string>>
    bucketName: string
    tableName: string
    stateMachineArn: string
    sweepRunsFunctionName: string
  }
}

/** Starts a stack of its own for the tests, beside one that `npm start` may have started. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const instance = `test-${randomBytes(4).toString('hex')}`
  const stack = await startLocalStack({ instance, progress: createProgress(process.stdout) })
  const { baseUrl, apiUrl, emulatorUrl, storageUrl, batchUrl, pidFiles, outputs } = stack
  project.provide('baseUrl', baseUrl)
  project.provide('apiUrl', apiUrl)
  project.provide('emulatorUrl', emulatorUrl)
  project.provide('batchUrl', batchUrl)
  project.provide('storageUrl', storageUrl)
  project.provide('pidFiles', pidFiles)
  project.provide('bucketName', outputs.bucketName)
  project.provide('tableName', outputs.tableName)
  project.provide('stateMachineArn', outputs.stateMachineArn)
  project.provide('sweepRunsFunctionName', outputs.sweepRunsFunctionName)
  return async () => {
    await stack.stop()
    await rm(join(import.meta.dirname, '../../.local', instance), { recursive: true, force: true })
  }
}
