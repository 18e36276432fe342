import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { type LocalStack, type LocalStackOptions, type PartName, startLocalStack } from '../../local/stack.ts'
import { readStackSettings } from '../../local/stack-settings.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { INPUT_BUCKET } from '../fixtures/input-bucket.ts'
import { recordingOptions } from '../recording/recording.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Base URL of the edge, ending in `/app-engine/v1/`. */
    baseUrl: string
    /** Base URL of the API, without prefix and version. */
    apiUrl: string
    emulatorUrl: string
    /** Endpoint of the ECR API. */
    ecrUrl: string
    batchUrl: string
    /** URL of the object store, and of the registry below `/v2/`. */
    storageUrl: string
    /** Path of the file with the pid of each part. */
    pidFiles: Readonly<Record<PartName, string>>
    bucketName: string
    tableName: string
    stateMachineArn: string
    sweepRunsFunctionName: string
    eventBusName: string
  }
}

/** Starts a separate stack for the tests, beside any stack of `npm start`. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return startStackFor(project)
}

/**
 * Starts a stack for the tests of a project.
 * @param emulator running emulator; a new one is started without it
 * @returns a function that stops the stack and removes its folder
 */
export async function startStackFor(
  project: TestProject,
  emulator?: { readonly url: string; readonly registryUrl: string },
): Promise<() => Promise<void>> {
  const instance = `test-${randomBytes(4).toString('hex')}`
  const progress = createProgress(process.stdout)
  const stack = await startLocalStack({
    instance,
    progress,
    nodeOptions: recordingOptions(),
    ...settingsOf(emulator),
  })
  provideStack(project, stack)
  // LocalStack has no ECR: the emulator with the registry serves it.
  project.provide('ecrUrl', emulator?.registryUrl ?? stack.emulatorUrl)
  return async () => {
    await stack.stop()
    await rm(join(import.meta.dirname, '../../.local', instance), { recursive: true, force: true })
  }
}

function settingsOf(
  emulator: { readonly url: string; readonly registryUrl: string } | undefined,
): Pick<LocalStackOptions, 'settings'> {
  if (emulator === undefined)
    return { settings: readStackSettings({ ...process.env, INPUT_BUCKETS: INPUT_BUCKET }) }
  const { url: AWS_ENDPOINT_URL, registryUrl: REGISTRY_URL } = emulator
  return { settings: readStackSettings({ AWS_ENDPOINT_URL, REGISTRY_URL, INPUT_BUCKETS: INPUT_BUCKET }) }
}

function provideStack(project: TestProject, stack: LocalStack): void {
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
  project.provide('eventBusName', outputs.eventBusName)
}
