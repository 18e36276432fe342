import * as z from 'zod'
import { component } from './components.ts'
import { answersJson, type Descriptions, refuses } from './description.ts'

const consoleConfig = component(
  'ConsoleConfig',
  z.strictObject({
    mode: z.enum(['read-only', 'full']).describe('Mode of the page.'),
    version: z.string().describe('Version of the service.'),
    currency: z.literal('USD').describe('Currency of all prices.'),
  }),
)

/** The page itself is at `ui/`. */
export const CONSOLE_DESCRIPTIONS = {
  getConsoleConfig: {
    summary: 'Settings of the web page at `ui/`',
    responses: {
      ...answersJson(consoleConfig, 'Its settings.'),
      ...refuses({ 404: 'The stage has no web page (setting `console`).' }),
    },
  },
} satisfies Partial<Descriptions>
