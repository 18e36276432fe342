import { type Command, Option } from 'commander'
import type { ServiceOptions } from './service.ts'

/** Adds `--url` and `--auth` to a command that calls the service. */
export function withService(command: Command, isRequired = true): Command {
  const url = new Option('--url <url>', 'base URL of the service').env('CYTOMINE_TASK_URL')
  return command
    .addOption(isRequired ? url.default(defaultUrl()) : url)
    .addOption(
      new Option('--auth <way>', 'how requests are signed: with AWS credentials (iam), or not at all')
        .choices(['none', 'iam'])
        .env('API_AUTH')
        .default('none'),
    )
}

/** Default: the local stack. */
function defaultUrl(): string {
  return `http://127.0.0.1:${process.env.PORT || 8080}/app-engine/v1/`
}

export type ServiceFlags = ServiceOptions
