import { useEffect, useRef, useState } from 'preact/hooks'
import { type Answer, type CallRequest, callOperation } from './call-operation.ts'

interface Call {
  readonly answer: Answer | undefined
  readonly error: unknown
  /** Whether a response, or a part of a stream, is still awaited. */
  readonly isBusy: boolean
  readonly send: (request: CallRequest) => Promise<void>
  readonly stop: () => void
}

/** Calls operations, one at a time. The next call and the removal of the component abort the last one. */
export function useCall(): Call {
  const [answer, setAnswer] = useState<Answer>()
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)
  const last = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => last.current?.abort(), [])

  const send = async (request: CallRequest): Promise<void> => {
    last.current?.abort()
    const controller = new AbortController()
    const { signal } = controller
    last.current = controller
    setAnswer(undefined)
    setError(undefined)
    setIsBusy(true)
    try {
      await callOperation(request, signal, (next) => signal.aborted || setAnswer(next))
    } catch (thrown) {
      if (!signal.aborted) setError(thrown)
    }
    if (!signal.aborted) setIsBusy(false)
  }
  const stop = (): void => {
    last.current?.abort()
    setIsBusy(false)
  }
  return { answer, error, isBusy, send, stop }
}
