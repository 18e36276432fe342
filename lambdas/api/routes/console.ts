import { SERVICE_VERSION } from '../../../src/contract/service-version.ts'
import type { ConsoleDependencies } from '../console/serve-console.ts'
import type { Handlers } from '../route-table.ts'

type HandlerDependencies = Pick<ConsoleDependencies, 'console' | 'reusesOutputs'>

/** Route of the console's configuration, which the page loads first. */
export function consoleHandlers({ console, reusesOutputs }: HandlerDependencies) {
  return {
    getConsoleConfig: (context) => {
      context.header('cache-control', 'no-store')
      return context.json({ mode: console.mode, version: SERVICE_VERSION, currency: 'USD', reusesOutputs })
    },
  } satisfies Partial<Handlers>
}
