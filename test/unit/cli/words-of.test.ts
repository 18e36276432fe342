import { expect, it } from 'vitest'
import { wordsOf } from '../../../cli/terminal/words-of.ts'

it.each([
  [
    'a time limit names it',
    Object.assign(new Error('The operation was aborted', { cause: new Error('aborted due to timeout') }), {
      name: 'AbortError',
    }),
    'aborted due to timeout',
  ],
  [
    'a host of which no address answers names the first one',
    new AggregateError([
      new Error('connect ECONNREFUSED ::1:9'),
      new Error('connect ECONNREFUSED 127.0.0.1:9'),
    ]),
    'connect ECONNREFUSED ::1:9',
  ],
  [
    'a failed call of fetch names the cause',
    new TypeError('fetch failed', { cause: new Error('other side closed') }),
    'fetch failed (other side closed)',
  ],
])('the text of an error about %s', (_, error, words) => {
  expect(wordsOf(error)).toBe(words)
})
