import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { type ProgramOptions, type ProgramOutput, runProgram } from './run-program.ts'

/** Outputs of the stacks. */
export interface DeployedStack {
  /** Base URL of the API, without prefix and version. */
  readonly apiUrl: string
  readonly bucketName: string
  readonly tableName: string
  readonly stateMachineArn: string
  readonly sweepRunsFunctionName: string
  readonly eventBusName: string
}

const outputsSchema = z.record(z.string(), z.record(z.string(), z.string()))

/**
 * Deploys the local stage of the CDK app to the emulator. The output of `cdk` is shown only when it fails.
 * @throws Error with the end of its output
 */
export async function deploy(options: {
  readonly projectDirectory: string
  readonly instanceDirectory: string
  readonly environment: NodeJS.ProcessEnv
  readonly account: string
  readonly region: string
  /** Interrupts the deployment; the next one completes it. */
  readonly signal?: AbortSignal | undefined
}): Promise<DeployedStack> {
  const { projectDirectory, instanceDirectory, account, region, signal } = options
  const outputsFile = join(instanceDirectory, 'outputs.json')
  // CDK's own check of templates doubles the time, and the tests perform it.
  const environment = { ...options.environment, CDK_VALIDATION: 'false', CI: 'true' }
  const cdk = async (...words: readonly string[]): Promise<void> => {
    const program = join(projectDirectory, 'node_modules', '.bin', 'cdk')
    const output = ['--output', join(instanceDirectory, 'cdk.out'), '-c', 'stage=local', '--no-notices']
    await run([program, ...words, ...output], { cwd: projectDirectory, env: environment, signal })
  }
  await cdk('bootstrap', `aws://${account}/${region}`)
  // Through change sets, the emulator's second deployment fails.
  await cdk('deploy', '--all', '--method=direct', '--require-approval=never', '--outputs-file', outputsFile)
  return readOutputs(outputsSchema.parse(JSON.parse(await readFile(outputsFile, 'utf8'))))
}

/**
 * Selects the required outputs of all stacks.
 * @throws Error naming the missing outputs
 */
export function readOutputs(outputs: z.infer<typeof outputsSchema>): DeployedStack {
  const all = Object.values(outputs).flatMap((stack) => Object.entries(stack))
  const missing: string[] = []
  const find = (ending: string): string => {
    const value = all.find(([name]) => name.endsWith(ending))?.[1]
    if (value === undefined) missing.push(ending)
    return value ?? ''
  }
  const stack = {
    apiUrl: find('ApiUrl'),
    bucketName: find('BucketName'),
    tableName: find('TableName'),
    stateMachineArn: find('StateMachineArn'),
    sweepRunsFunctionName: find('SweepRunsFunctionName'),
    eventBusName: find('EventBusName'),
  }
  if (missing.length > 0) throw new Error(`the stacks have no output ${missing.join(', ')}`)
  return stack
}

async function run(command: readonly string[], options: ProgramOptions): Promise<void> {
  try {
    await runProgram(command, options)
  } catch (error) {
    options.signal?.throwIfAborted()
    const { stdout = '', stderr = '' } = error as Partial<ProgramOutput>
    throw new Error(`cdk ${command[1]} failed:\n${stdout}${stderr || String(error)}`, { cause: error })
  }
}
