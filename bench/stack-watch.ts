import type { LocalStack } from '../local/stack.ts'
import { STAGER_VARIABLES } from '../src/contract/staging.ts'
import { type ProcessWatch, watchProcesses } from './process-watch.ts'

/** Polling interval: adds little load, and is short enough for processes that run for minutes. */
const INTERVAL_MS = 500

/** Watches all processes of a local stack: services, functions by their names, and stagers. */
export function watchStack(stack: LocalStack): ProcessWatch {
  return watchProcesses((environment, command) => {
    if (environment.get(STAGER_VARIABLES.apiUrl)?.startsWith(`${stack.apiUrl}/`)) return 'stager'
    if (environment.get('API_URL') === stack.apiUrl && command.includes('edge/main.ts')) return 'edge'
    if (environment.get('AWS_ENDPOINT_URL_BATCH') !== stack.batchUrl) return undefined
    const functionName = environment.get('AWS_LAMBDA_FUNCTION_NAME')
    // CloudFormation's name consists of stack, construct and hash.
    if (functionName !== undefined) return functionName.replace(/^.*-(\w+)Function.*$/u, '$1')
    if (command.some((word) => word.endsWith('emulator_process.py'))) return 'emulator'
    if (command.includes('local/storage/main.ts')) return 'object store'
    return command.includes('local/batch/main.ts') ? 'Batch server' : undefined
  }, INTERVAL_MS)
}
