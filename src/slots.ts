/** A number of places that work under way takes; who finds none waits in line. */
export interface Slots {
  tryTake(): boolean
  take(): Promise<void>
  give(): void
}

/** Bounds what several streams hold together. */
export function createSlots(size: number): Slots {
  const waiting: (() => void)[] = []
  let free = size
  const tryTake = (): boolean => {
    if (free === 0) return false
    free -= 1
    return true
  }
  return {
    tryTake,
    async take() {
      if (!tryTake()) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    give() {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    },
  }
}
