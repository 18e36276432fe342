import type { Chance } from './chance.ts'

/** Faults of one call of a port. */
type Fault =
  /** The process ends before or after the call. None of its code runs afterwards, not even `catch`. */
  | 'dies-before'
  | 'dies-after'
  /** The call throws: without an effect, after its effect, or before its effect. */
  | 'fails'
  | 'answer-lost'
  | 'late'

const FAULTS: readonly Fault[] = ['dies-before', 'dies-after', 'fails', 'answer-lost', 'late']

/** How a process has ended. */
export type ProcessEnd = 'returned' | 'threw' | 'died'

type Ports = Readonly<Record<string, object>>
type Method = (...words: unknown[]) => unknown

/** Processes whose calls to ports are executed one by one, in random order. */
export interface Processes {
  /** Starts a process whose calls to these ports wait until they are chosen. */
  spawn<Given extends Ports>(
    ports: Given,
    work: (gated: Given) => Promise<unknown>,
    onEnd: (end: ProcessEnd) => void,
  ): void
  /** Waiting calls, each as a function that executes it. */
  waiting(): readonly (() => void)[]
  alive(): number
  /** Sets the maximum number and the share of faults from now on. */
  allowFaults(most: number, share: number): void
}

export function createProcesses(chance: Chance): Processes {
  let gates: (() => void)[] = []
  let faults = { left: 0, share: 0 }
  let alive = 0

  function chooseFault(): Fault | undefined {
    if (faults.left === 0 || !chance.is(faults.share)) return undefined
    faults.left -= 1
    return chance.pick(FAULTS)
  }

  function gate(): Promise<void> {
    return new Promise((resolve) => gates.push(resolve))
  }

  async function pass(call: () => unknown, die: () => Promise<never>): Promise<unknown> {
    await gate()
    const fault = chooseFault()
    if (fault === 'dies-before') return die()
    if (fault === 'fails') throw new Error('a service is unavailable')
    if (fault === 'late') {
      void gate()
        .then(async () => call())
        .catch(() => undefined)
      throw new Error('no answer')
    }
    const answer = await call()
    if (fault === 'dies-after') return die()
    if (fault === 'answer-lost') throw new Error('the answer was lost')
    return answer
  }

  /** Listings are executed at once, so their results may be outdated when they are used. */
  function gated<Port extends object>(port: Port, die: () => Promise<never>): Port {
    const methods = Object.entries(port).map(([name, method]) => {
      if (typeof method !== 'function') return [name, method]
      const call = method as Method
      const isListing = name === 'listRunning' || name === 'listLive' || name === 'list'
      const passed = isListing
        ? async function* (...words: unknown[]) {
            await pass(() => undefined, die)
            yield* call(...words) as AsyncIterable<unknown>
          }
        : (...words: unknown[]) => pass(() => call(...words), die)
      return [name, passed]
    })
    return Object.fromEntries(methods) as Port
  }

  return {
    spawn(ports, work, onEnd) {
      alive += 1
      let isOver = false
      const end = (how: ProcessEnd): void => {
        if (isOver) return
        isOver = true
        alive -= 1
        onEnd(how)
      }
      const die = (): Promise<never> => {
        end('died')
        return new Promise(() => undefined)
      }
      const entries = Object.entries(ports).map(([name, port]) => [name, gated(port, die)])
      work(Object.fromEntries(entries) as typeof ports).then(
        () => end('returned'),
        () => end('threw'),
      )
    },
    waiting: () =>
      gates.map((open) => () => {
        gates = gates.filter((other) => other !== open)
        open()
      }),
    alive: () => alive,
    allowFaults(most, share) {
      faults = { left: most, share }
    },
  }
}
