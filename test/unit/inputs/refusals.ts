import { SFNServiceException } from '@aws-sdk/client-sfn'

const refusal = (name: string, $fault: 'client' | 'server', message: string) => () =>
  Promise.reject(new SFNServiceException({ name, $fault, message, $metadata: {} }))

/** Errors of a service that does not stop a workflow or job. */
export const REFUSALS: readonly (readonly [string, () => Promise<never>])[] = [
  ['it has ended', refusal('ValidationException', 'client', 'Execution is not running')],
  ['there is none', refusal('ExecutionDoesNotExist', 'client', 'not found')],
  ['too many requests', refusal('ThrottlingException', 'client', 'Rate exceeded')],
  ['the service fails', refusal('InternalServerError', 'server', 'internal')],
  ['the role may not', refusal('AccessDeniedException', 'client', 'not authorized')],
  ['no answer', () => Promise.reject(new Error('socket hang up'))],
  ['something that is not an error', () => Promise.reject('unknown')],
  [
    'the call itself throws',
    () => {
      throw new TypeError('no client')
    },
  ],
]
