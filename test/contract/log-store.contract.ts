import { beforeEach, describe, expect, it } from 'vitest'
import { LogPositionError, type LogStore } from '../../src/run/log-store.ts'

interface LogStoreHarness {
  readonly logs: LogStore
  /** Creates a stream with these lines. */
  write(logStreamName: string, lines: readonly string[]): Promise<void>
  /** Appends lines to an existing stream. */
  append(logStreamName: string, lines: readonly string[]): Promise<void>
}

const STREAM = 'task/task/1'

/** Contract of every log store. `setUp` returns an empty one for each test. */
export function describeLogStore(adapter: string, setUp: () => Promise<LogStoreHarness>): void {
  describe(`log store (${adapter})`, () => {
    let harness: LogStoreHarness
    let logs: LogStore

    beforeEach(async () => {
      harness = await setUp()
      logs = harness.logs
    })

    it('reads a stream in order, one line per event', async () => {
      await harness.write(STREAM, ['first', '', 'third é'])

      expect(await logs.read(STREAM, 1000)).toBe('first\n\nthird é\n')
    })

    it('returns no text of a stream that was removed', async () => {
      await harness.write(STREAM, ['line'])

      await logs.remove(STREAM)
      await logs.remove(STREAM)

      expect(await logs.read(STREAM, 1000)).toBe('')
    })

    it('returns no text of a stream that does not exist', async () => {
      await harness.write('another stream', ['line'])

      expect(await logs.read(STREAM, 1000)).toBe('')
    })

    it('reads the newest bytes of a long stream', async () => {
      const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`)
      await harness.write(STREAM, lines)

      const tail = await logs.read(STREAM, 100)

      expect(Buffer.byteLength(tail)).toBe(100)
      expect(`${lines.join('\n')}\n`.endsWith(tail)).toBe(true)
    })

    it('reads all pages of a long stream', async () => {
      // More events than fit in one page of CloudWatch Logs.
      const lines = Array.from({ length: 25_000 }, (_, index) => String(index))
      await harness.write(STREAM, lines)

      expect(await logs.read(STREAM, 1_000_000)).toBe(`${lines.join('\n')}\n`)
    })

    describe('followed from its newest lines', () => {
      it('returns the newest lines first, and none when there are no newer ones', async () => {
        const lines = Array.from({ length: 250 }, (_, index) => `line ${index}`)
        await harness.write(STREAM, lines)

        const first = await logs.readAfter(STREAM, undefined, 100)
        const second = await logs.readAfter(STREAM, first?.next, 100)

        expect(first).toMatchObject({ text: `${lines.slice(150).join('\n')}\n`, isCut: true })
        expect(second).toMatchObject({ text: '', isCut: false })
      })

      it('returns the lines that were written since the last call', async () => {
        await harness.write(STREAM, ['one'])
        const first = await logs.readAfter(STREAM, undefined, 100)
        const none = await logs.readAfter(STREAM, first?.next, 100)
        await harness.append(STREAM, ['two', 'three', 'four'])

        const second = await logs.readAfter(STREAM, none?.next, 2)
        const third = await logs.readAfter(STREAM, second?.next, 2)

        expect([first, none, second, third].map((page) => page?.text)).toEqual([
          'one\n',
          '',
          'two\nthree\n',
          'four\n',
        ])
        expect(first?.isCut).toBe(false)
      })

      it('is undefined while the stream does not exist', async () => {
        expect(await logs.readAfter(STREAM, undefined, 100)).toBeUndefined()
      })

      it('refuses an invalid position', async () => {
        await harness.write(STREAM, ['line'])

        await expect(logs.readAfter(STREAM, 'nothing', 100)).rejects.toThrow(LogPositionError)
      })
    })

    it('does not split a character', async () => {
      await harness.write(STREAM, ['ééé'])

      expect(await logs.read(STREAM, 4)).toBe('é\n')
    })
  })
}
