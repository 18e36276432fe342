import { readFile } from 'node:fs/promises'
import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
} from '@aws-sdk/client-eventbridge'
import { inject } from 'vitest'
import { FAULTS_PATH } from '../../local/batch/faults.ts'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { packZip } from '../fixtures/bundle-builder.ts'
import { call } from './engine-client.ts'

/** Sets the faults that the local Batch server injects from now on; `{}` removes them. */
export async function setFaults(faults: object): Promise<void> {
  const url = new URL(FAULTS_PATH, inject('batchUrl'))
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(faults) })
  if (!answer.ok) throw new Error(`faults: ${answer.status} ${await answer.text()}`)
}

/** Invokes sweep-runs, as its schedule does. */
export async function sweepNow(): Promise<void> {
  const path = `/2015-03-31/functions/${inject('sweepRunsFunctionName')}/invocations`
  const answer = await fetch(new URL(path, inject('emulatorUrl')), { method: 'POST', body: '{}' })
  if (!answer.ok || answer.headers.has('x-amz-function-error')) {
    throw new Error(`sweep-runs: ${answer.status} ${await answer.text()}`)
  }
}

/** Enables or disables the rule for job events. */
export async function switchJobEvents(isOn: boolean): Promise<void> {
  const client = new EventBridgeClient({
    endpoint: inject('emulatorUrl'),
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const { Rules = [] } = await client.send(new ListRulesCommand({}))
  for (const { Name } of Rules.filter((rule) => rule.EventPattern?.includes('aws.batch'))) {
    await client.send(isOn ? new EnableRuleCommand({ Name }) : new DisableRuleCommand({ Name }))
  }
}

interface Variant {
  readonly descriptor?: (text: string) => string
  readonly image?: Buffer
}

/** Builds a variant of a bundle with another namespace, descriptor or image. */
export async function aVariant(bundle: string, namespace: string, change: Variant): Promise<Buffer> {
  const zip = await openZip(bufferSource(await readFile(bundle)))
  const entries = []
  for (const entry of zip.entries) {
    const body = await readAll(zip.read(entry))
    if (entry.name === 'descriptor.yml') {
      const text = body.toString().replace(/^namespace: .*$/mu, `namespace: ${namespace}`)
      entries.push({ name: entry.name, body: change.descriptor?.(text) ?? text })
    } else entries.push({ name: entry.name, body: change.image ?? body })
  }
  return await packZip(entries)
}

/** Installs a variant of a bundle. @returns the task's path */
export async function installVariant(bundle: string, namespace: string, change: Variant): Promise<string> {
  const form = new FormData()
  form.append('task', new Blob([await aVariant(bundle, namespace, change)]), 'bundle.zip')
  const response = await call('POST', 'tasks', form)
  if (!response.ok) throw new Error(`upload of ${namespace}: ${response.status} ${await response.text()}`)
  return `tasks/${namespace}/1.0.0`
}
