import { once } from 'node:events'
import { Agent, request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Roll } from '../../local/batch/dice.ts'
import { LOOPBACK } from '../../local/ports.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { findWorker, type WorkerProcess } from './worker-processes.ts'

/** What is done to one call; the order is the one in which the dice are thrown for it. */
export const CALL_FAULTS = [
  /** Answered 500 or 503, not carried out. */
  'fail',
  'refuse',
  /** Carried out, answered 500. */
  'lose-answer',
  /** Answered never, carried out when its client has given up; S3, where nothing would take away what comes so late, drops it. */
  'hang',
  /** The function that makes the call is killed, before it is carried out or after. */
  'kill-before',
  'kill-after',
  /** Carried out twice: of answers to task tokens alone, all others are made safe by their own clients. */
  'repeat',
] as const
export type CallFault = (typeof CALL_FAULTS)[number]

/** Shares of calls by fault; what is left out never strikes. */
export type CallShares = Readonly<Partial<Record<CallFault, number>>>

export interface FaultyProxy {
  readonly url: string
  /** Says where calls to S3, and all others, go on to. @returns the proxy's own address, which takes that one's place. */
  setTarget(service: 's3' | 'others', url: string): string
  /** Faults that have struck, by sort and call. */
  readonly struck: ReadonlyMap<string, number>
  /** Counts a fault that somebody else has made. */
  note(what: string): void
  /** What strikes from now on, nothing for `{}`. */
  setShares(shares: CallShares): void
  /** Resolves when no call is held back any more. */
  settled(): Promise<void>
  stop(): void
}

/** Longer than the clients of DynamoDB and Step Functions wait (src/aws/clients.ts). */
const HANG_MS = 6000
const TOKEN_ANSWERS = /^states:SendTask/u

/**
 * Stands between the functions, the emulator and the object store, and disturbs calls of DynamoDB, S3, Step Functions and CloudWatch Logs; all
 * else goes through. Whether the nth call of an operation is disturbed, and how, depends on the dice alone.
 */
export async function startFaultyProxy(roll: Roll): Promise<FaultyProxy> {
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
    const fault = call === undefined ? undefined : chooseFault(call, shares, roll)
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
      // The stager waits a minute, which is its own test's business.
      if (call.startsWith('s3:presigned')) return void response.destroy()
      if (call.startsWith('s3:')) return void (await once(response, 'close'))
      await new Promise((resolve) => setTimeout(resolve, HANG_MS))
      return passOn(request, body)
    }
    response.writeHead(fault === 'refuse' ? 503 : 500, { 'content-type': 'application/json' })
    response.end('{}')
  }

  /** Without `response`, the answer is not for anybody. */
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
      // The client has gone: so does the call. One that was read to its end is carried out all the same.
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

/** Service and operation of a call that may be disturbed, as IAM writes them; undefined for others. */
function callOf({ method, url = '/', headers }: IncomingMessage): string | undefined {
  const [service = '', operation = ''] = String(headers['x-amz-target'] ?? '').split('.')
  if (service.startsWith('DynamoDB')) return `dynamodb:${operation}`
  if (service === 'AWSStepFunctions') return `states:${operation}`
  if (service.startsWith('Logs')) return `logs:${operation}`
  const isS3 = /\/s3\/aws4_request/u.test(headers.authorization ?? '')
  // Presigned URLs are the stager's, which has limits of its own.
  const isPresigned = url.includes('X-Amz-Signature=')
  return isS3 || isPresigned ? `s3:${isPresigned ? 'presigned ' : ''}${method}` : undefined
}

/** One throw a call and sort, so that what strikes one sort of faults does not depend on the share of another. */
export function chooseFault(call: string, shares: CallShares, roll: Roll): CallFault | undefined {
  let chosen: CallFault | undefined
  for (const fault of CALL_FAULTS) {
    const isStruck = roll(`${fault} ${call}`) < (shares[fault] ?? 0)
    const isPossible = fault !== 'repeat' || TOKEN_ANSWERS.test(call)
    if (isStruck && isPossible) chosen ??= fault
  }
  return chosen
}

/**
 * Not submit-job before it has stored its token: the emulator (MiniStack 1.5.33) takes no notice of the death of a function that
 * it gave a token, where Step Functions calls it again. Afterwards the sweeper finds token and job.
 */
function mayBeKilled(worker: WorkerProcess, call: string, fault: CallFault): boolean {
  const holdsToken = /SubmitJob/u.test(worker.functionName)
  return !holdsToken || (call === 'dynamodb:UpdateItem' && fault === 'kill-after')
}

function kill({ pid }: WorkerProcess): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It was faster.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Function name without what CloudFormation puts around it. */
function nameOf({ functionName }: WorkerProcess): string {
  return (
    /(?:Api|ImportBundle|SubmitJob|CollectOutputs|FailRun|RecordJobState|SweepRuns)/u.exec(
      functionName,
    )?.[0] ?? functionName
  )
}
