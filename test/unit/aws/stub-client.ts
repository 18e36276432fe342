/** The part of an SDK command that tests read. */
export interface SentCommand {
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}

/**
 * An SDK client with scripted responses: one for each call, and the last one for all further calls. A response that is an error is thrown.
 * @example stubClient<BatchClient>([new Error('lost'), { jobId: '1' }])
 */
export function stubClient<Client>(script: readonly unknown[]): {
  readonly client: Client
  readonly sent: readonly SentCommand[]
} {
  const sent: SentCommand[] = []
  const send = async (command: { readonly input: Readonly<Record<string, unknown>> }): Promise<unknown> => {
    const step = script[Math.min(sent.length, script.length - 1)]
    sent.push({ name: command.constructor.name, input: command.input })
    if (step instanceof Error) throw step
    return typeof step === 'function' ? step(command.input) : step
  }
  // The adapters use only `send` of a client.
  return { client: { send } as Client, sent }
}
