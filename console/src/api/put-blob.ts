interface PutOptions {
  readonly signal: AbortSignal
  /** Called with the number of bytes of the blob that have been sent so far. */
  readonly onSent: (bytes: number) => void
}

/**
 * Stores a blob at a presigned URL. Uses XMLHttpRequest, because `fetch` does not report the progress of a body.
 * @returns the status of the response
 * @throws TypeError without a response, like `fetch`; the reason of `signal` when that is aborted
 */
export function putBlob(url: string, blob: Blob, { signal, onSent }: PutOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const abort = (): void => request.abort()
    request.upload.addEventListener('progress', ({ loaded }) => onSent(loaded))
    request.addEventListener('load', () => resolve(request.status))
    request.addEventListener('error', () => reject(new TypeError('The storage does not answer.')))
    request.addEventListener('abort', () => reject(signal.reason))
    request.addEventListener('loadend', () => signal.removeEventListener('abort', abort))
    request.open('PUT', url)
    signal.addEventListener('abort', abort)
    if (signal.aborted) reject(signal.reason)
    else request.send(blob)
  })
}
