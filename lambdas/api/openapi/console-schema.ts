import * as z from 'zod'
import type { Immutable } from '../../../src/contract/immutable.ts'
import { component } from './components.ts'

export const consoleConfig = component(
  'ConsoleConfig',
  z.strictObject({
    mode: z.enum(['read-only', 'full']).describe('Mode of the page.'),
    version: z.string().describe('Version of the service.'),
    currency: z.literal('USD').describe('Currency of all prices.'),
    reusesOutputs: z
      .boolean()
      .describe('Setting `reuseOutputs` of the stage: the default of `reuse` in starts.'),
  }),
)
export type ConsoleConfig = Immutable<z.output<typeof consoleConfig>>
