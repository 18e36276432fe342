import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { portTakenSentence } from '../../../local/ports.ts'
import { readSettings } from '../../../local/settings.ts'
import { UserError } from '../../../local/user-error.ts'

describe('the start of the local stack', () => {
  it('reports in one sentence that the port is in use, and what to change', () => {
    const sentence = portTakenSentence(8080)

    expect(sentence).toMatch(/^Port 8080 is in use .* PORT\.$/u)
  })

  it('names every wrong setting', () => {
    const shape = { PORT: z.coerce.number().int(), NAME: z.string(), FINE: z.string() }

    const read = () => readSettings(shape, { PORT: 'http', FINE: 'yes' })

    expect(read).toThrow(UserError)
    expect(read).toThrow(/PORT is "http": .*NAME is not set: /u)
  })
})
