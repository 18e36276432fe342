/** Counting semaphore; waiters are served in order. */
export interface Semaphore {
  tryAcquire(): boolean
  acquire(): Promise<void>
  release(): void
  /** A permit that can be released repeatedly, also when it was never acquired. */
  permit(): Permit
}

/** Can be acquired once. */
export interface Permit {
  acquire(): Promise<void>
  /** Does nothing unless the permit is held. */
  release(): void
}

/** @param permits maximum number of holders */
export function createSemaphore(permits: number): Semaphore {
  const waiting: (() => void)[] = []
  let free = permits
  const tryAcquire = (): boolean => {
    if (free === 0) return false
    free -= 1
    return true
  }
  const acquire = async (): Promise<void> => {
    if (!tryAcquire()) await new Promise<void>((resolve) => waiting.push(resolve))
  }
  const release = (): void => {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }
  return {
    tryAcquire,
    acquire,
    release,
    permit() {
      let isHeld = false
      return {
        async acquire() {
          await acquire()
          isHeld = true
        },
        release() {
          if (isHeld) release()
          isHeld = false
        },
      }
    },
  }
}
