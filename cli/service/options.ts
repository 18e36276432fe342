import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ServiceOptions } from './service.ts'

/** Adds `--url` and `--auth` to a command that calls the service. */
export function withService(command: Command, isRequired = true): Command {
  const url = new Option('--url <url>', 'base URL of the service').env('CYTOMINE_TASK_URL')
  return command.addOption(isRequired ? url.default(defaultUrl()) : url).addOption(authOption())
}

const WAYS = ['none', 'iam']

/** Option `--auth`. An empty variable counts as unset. */
export function authOption(): Option {
  return new Option('--auth <way>', 'iam: sign requests with AWS credentials; none: do not sign')
    .choices(WAYS)
    .argParser((text) => {
      if (text === '') return 'none'
      if (WAYS.includes(text)) return text
      throw new InvalidArgumentError(`Allowed choices are ${WAYS.join(', ')}.`)
    })
    .env('API_AUTH')
    .default('none')
}

/** URL of the local stack. */
function defaultUrl(): string {
  return `http://127.0.0.1:${process.env.PORT || 8080}/app-engine/v1/`
}

export type ServiceFlags = ServiceOptions
