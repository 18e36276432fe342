/** A number of places that work under way takes; who finds none waits in line. */
export interface Slots {
  tryTake(): boolean
  take(): Promise<void>
  give(): void
  /** For one that may never come to take its place, or give it back twice. */
  place(): Place
}

/** One place, to be taken once. */
export interface Place {
  take(): Promise<void>
  /** Nothing happens when it was not taken, or was given back. */
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
  const take = async (): Promise<void> => {
    if (!tryTake()) await new Promise<void>((resolve) => waiting.push(resolve))
  }
  const give = (): void => {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }
  return {
    tryTake,
    take,
    give,
    place() {
      let isTaken = false
      return {
        async take() {
          await take()
          isTaken = true
        },
        give() {
          if (isTaken) give()
          isTaken = false
        },
      }
    },
  }
}
