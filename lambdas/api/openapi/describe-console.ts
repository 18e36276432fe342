import { consoleConfig } from './console-schema.ts'
import { answersJson, type Descriptions, refuses } from './description.ts'

/** The page itself is at `ui/`. */
export const CONSOLE_DESCRIPTIONS = {
  getConsoleConfig: {
    summary: 'Settings of the console, the web page at `ui/`',
    responses: {
      ...answersJson(consoleConfig, 'The settings.'),
      ...refuses({ 404: 'The stage has no console (setting `console`).' }),
    },
  },
} satisfies Partial<Descriptions>
