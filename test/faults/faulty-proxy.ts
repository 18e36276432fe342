import { once } from 'node:events'
import { Agent, request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { RandomSource } from '../../local/batch/seeded-random.ts'
import { LOOPBACK } from '../../local/ports.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { findWorker, type WorkerProcess } from './worker-processes.ts'

/** Faults of a call, in the order in which their random numbers are drawn. */
export const CALL_FAULTS = [
  /** The call is not executed, and answered with 500 (`fail`) or 503 (`refuse`). */
  'fail',
  'refuse',
  /** The call is executed, and answered with 500. */
  'lose-answer',
  /**
   * The call is never answered, and is executed after the client's time-out. A call of S3 is not executed, since nothing would remove
   * an object written so late.
   */
  'hang',
  /** The function that sent the call is killed before or after its execution. */
  'kill-before',
  'kill-after',
  /** The call is executed twice. Only for responses to task tokens: the clients of all other calls prevent a repetition. */
  'repeat',
] as const
export type CallFault = (typeof CALL_FAULTS)[number]

/** Share of the calls that get a fault, from 0 to 1; 0 for an absent fault. */
export type CallShares = Readonly<Partial<Record<CallFault, number>>>

export interface FaultyProxy {
  readonly url: string
  /** Sets where calls to S3, or all others, are forwarded to. @returns the proxy's address, which callers use in place of the target's */
  setTarget(service: 's3' | 'others', url: string): string
  /** Numbers of injected faults, by fault and call. */
  readonly struck: ReadonlyMap<string, number>
  /** Counts a fault that was injected elsewhere. */
  note(what: string): void
  /** Sets which share of later calls gets each fault; `{}` disables all faults. */
  setShares(shares: CallShares): void
  /** Resolves when no call is delayed any more. */
  settled(): Promise<void>
  stop(): void
}

/** Longer than the time-outs of the clients of DynamoDB and Step Functions (src/aws/clients.ts). */
const HANG_MS = 6000
const TOKEN_ANSWERS = /^states:SendTask/u

/**
 * Proxy for the functions' calls to the emulator and the object store. Injects faults into calls to DynamoDB, S3, Step Functions and
 * CloudWatch Logs, and forwards all others. The fault of the nth call of an operation depends on the random numbers only.
 */
export async function startFaultyProxy(random: RandomSource): Promise<FaultyProxy> {
  const targets = { s3: '', others: '' }
  let shares: CallShares = {}
  const struck = new Map<string, number>()
  const held = new Set<Promise<unknown>>()
  const agent = new Agent({ keepAlive: true })
  let ownPort = 0

  const server = createServer((request, response) => {
    const work = handle(request, response).catch(() => response.destroy())
    held.add(work)
    void work.finally(() => held.delete(work))
  })

  function note(what: string): void {
    struck.set(what, (struck.get(what) ?? 0) + 1)
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = callOf(request)
    const fault = call === undefined ? undefined : chooseFault(call, shares, random)
    if (call === undefined || fault === undefined) return passOn(request, request, response)
    const body = await readAll(request)
    if (fault === 'kill-before' || fault === 'kill-after') {
      const worker = findWorker({ clientPort: request.socket.remotePort ?? 0, serverPort: ownPort })
      if (worker === undefined || !mayBeKilled(worker, call, fault)) return passOn(request, body, response)
      note(`${fault} ${nameOf(worker)}`)
      if (fault === 'kill-after') await passOn(request, body)
      kill(worker)
      response.destroy()
      return
    }
    note(`${fault} ${call}`)
    if (fault === 'lose-answer') await passOn(request, body)
    if (fault === 'repeat') await passOn(request, body)
    if (fault === 'repeat') return passOn(request, body, response)
    if (fault === 'hang') {
      // Closed at once, to save the stager's time-out of one minute, which is tested elsewhere.
      if (call.startsWith('s3:presigned')) return void response.destroy()
      if (call.startsWith('s3:')) return void (await once(response, 'close'))
      await new Promise((resolve) => setTimeout(resolve, HANG_MS))
      return passOn(request, body)
    }
    response.writeHead(fault === 'refuse' ? 503 : 500, { 'content-type': 'application/json' })
    response.end('{}')
  }

  /** Forwards a call. Without `response`, the target's response is discarded. */
  function passOn(
    request: IncomingMessage,
    body: IncomingMessage | Buffer,
    response?: ServerResponse,
  ): Promise<void> {
    const { method, url = '/', headers } = request
    const target = callOf(request)?.startsWith('s3:') === true ? targets.s3 : targets.others
    return new Promise((resolve, reject) => {
      const passedOn = ask(new URL(url, target), { method, headers, agent }, (answer) => {
        if (response === undefined) answer.resume()
        else {
          response.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.pipe(response)
        }
        answer.once('close', resolve)
        answer.once('error', reject)
      })
      passedOn.once('error', reject)
      // A client that disconnects aborts the call, unless its body was already sent.
      response?.once('close', () => response.writableFinished || passedOn.destroy())
      if (Buffer.isBuffer(body)) passedOn.end(body)
      else body.pipe(passedOn)
    })
  }

  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  ownPort = address.port
  const url = `http://${LOOPBACK}:${ownPort}`
  return {
    url,
    struck,
    setTarget(service, target) {
      targets[service] = target
      return url
    },
    note,
    setShares(next) {
      shares = next
    },
    async settled() {
      while (held.size > 0) await Promise.all(held)
    },
    stop() {
      server.close()
      server.closeAllConnections()
      agent.destroy()
    },
  }
}

/** Service and operation of a call, in the notation of IAM; undefined for calls that get no faults. */
function callOf({ method, url = '/', headers }: IncomingMessage): string | undefined {
  const [service = '', operation = ''] = String(headers['x-amz-target'] ?? '').split('.')
  if (service.startsWith('DynamoDB')) return `dynamodb:${operation}`
  if (service === 'AWSStepFunctions') return `states:${operation}`
  if (service.startsWith('Logs')) return `logs:${operation}`
  const isS3 = /\/s3\/aws4_request/u.test(headers.authorization ?? '')
  // Only the stager uses presigned URLs. Its time-outs differ.
  const isPresigned = url.includes('X-Amz-Signature=')
  return isS3 || isPresigned ? `s3:${isPresigned ? 'presigned ' : ''}${method}` : undefined
}

/** Draws a random number for each fault, so that no fault depends on the share of another. */
export function chooseFault(call: string, shares: CallShares, random: RandomSource): CallFault | undefined {
  let chosen: CallFault | undefined
  for (const fault of CALL_FAULTS) {
    const isHit = random(`${fault} ${call}`) < (shares[fault] ?? 0)
    const isPossible = fault !== 'repeat' || TOKEN_ANSWERS.test(call)
    if (isHit && isPossible) chosen ??= fault
  }
  return chosen
}

/**
 * Whether the function may be killed. submit-job may be killed only after it has stored its task token, so that the sweeper finds token and
 * job: unlike Step Functions, the emulator (MiniStack 1.5.33) does not retry a function that dies with a token.
 */
function mayBeKilled(worker: WorkerProcess, call: string, fault: CallFault): boolean {
  const holdsToken = /SubmitJob/u.test(worker.functionName)
  return !holdsToken || (call === 'dynamodb:UpdateItem' && fault === 'kill-after')
}

function kill({ pid }: WorkerProcess): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // The process has already ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Function name without the prefix and suffix that CloudFormation adds. */
function nameOf({ functionName }: WorkerProcess): string {
  return (
    /(?:Api|ImportBundle|SubmitJob|CollectOutputs|FailRun|RecordJobState|SweepRuns)/u.exec(
      functionName,
    )?.[0] ?? functionName
  )
}
