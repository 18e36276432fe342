/** Command of an SDK client, as much as tests look at. */
export interface SentCommand {
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}

/**
 * An SDK client that answers from a script: one step a call, the last one again and again. A step that is an error is thrown.
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
  // The adapters use nothing of a client but `send`.
  return { client: { send } as Client, sent }
}
