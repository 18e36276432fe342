import * as z from 'zod'

/** Schema of a variable with a number, whose message is a clause of one sentence. */
export function numberFrom(min: number, max: number, noun = 'number') {
  const error = `it must be a ${noun} from ${min} to ${max}`
  return z.coerce.number({ error }).min(min, { error }).max(max, { error })
}

/** Schema of a variable with a whole number. */
export function integerFrom(min: number, max: number) {
  const noun = 'whole number'
  return numberFrom(min, max, noun).int({ error: `it must be a ${noun} from ${min} to ${max}` })
}
