import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ArrivingFile, readParts } from '../../../edge/read-parts.ts'
import { aForm, BOUNDARY, type FormPart } from './fake-service.ts'

interface ReadFile {
  readonly fileName: string | undefined
  readonly content: string
}

/** The body in chunks of these sizes, used in turn. */
function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let offset = 0, turn = 0; offset < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length
    yield bytes.subarray(offset, offset + size)
    offset += size
  }
}

async function read(chunks: Iterable<Buffer>, partCount = 2): Promise<ReadFile[]> {
  const headers = { 'content-type': `multipart/form-data; boundary="${BOUNDARY}"` }
  const files: ReadFile[] = []
  const take = async ({ fileName, bytes }: ArrivingFile): Promise<void> => {
    let content = ''
    for await (const chunk of bytes) {
      content += chunk.toString('latin1')
      // A slow reader, whose unread bytes must not be overwritten.
      await setImmediate()
    }
    files.push({ fileName, content })
  }
  const body = Object.assign(Readable.from(chunks, { objectMode: false }), { headers })
  await readParts(body, partCount, { take, controller: new AbortController() })
  return files
}

/** Bytes that start like a boundary. */
const almostBoundary = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  '\r\n-',
  '\r\n--',
  `--${BOUNDARY}`,
  `\r\n--${BOUNDARY.slice(0, -1)}`,
  `\r\n--${BOUNDARY.slice(0, 5)}\r\n--${BOUNDARY.slice(0, 9)}`,
  `\r\r\n\n--${BOUNDARY}--`,
  '\r\n\r\n',
)
const content = fc
  .array(
    fc.oneof(
      almostBoundary,
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    ),
    {
      maxLength: 12,
    },
  )
  // At the start it would be a delimiter, because the part's head ends with a line end.
  .map((pieces) => `x${pieces.join('')}`)
  .filter((whole) => !whole.includes(`\r\n--${BOUNDARY}`))
const text = fc.string({ unit: fc.constantFrom('a', ' ', '-', '\n', '\r\n'), maxLength: 60 })

describe('a multipart body', () => {
  it('results in the same files however it is divided into chunks', async () => {
    const contents = fc.array(fc.oneof(content, fc.constant('')), { minLength: 1, maxLength: 4 })
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 })

    await fc.assert(
      fc.asyncProperty(contents, sizes, text, text, async (files, chunkSizes, preamble, epilogue) => {
        const parts = files.map(
          (one, index): FormPart => ({
            fileName: `filename="${index}"`,
            content: Buffer.from(one, 'latin1'),
          }),
        )
        const body = aForm(parts, { preamble: preamble === '' ? '' : `${preamble}\r\n`, epilogue })

        expect(await read(cut(body, chunkSizes))).toEqual(
          files.slice(0, 2).map((one, index) => ({ fileName: String(index), content: one })),
        )
      }),
      { numRuns: 300, seed: 7578 },
    )
  })

  it('is refused when truncated at any position', async () => {
    const body = aForm([
      { fileName: 'filename="a"', content: 'first' },
      { fileName: 'filename="b"', content: 'second\r\n--' },
    ])
    // The line end after the last boundary is optional.
    const lengths = Array.from({ length: body.length - 2 }, (_, length) => length)

    const outcomes = await Promise.all(
      lengths.map((length) => read([body.subarray(0, length)]).then(() => 'read', String)),
    )

    expect(new Set(outcomes)).toEqual(new Set(['DomainError: payload is not multipart']))
  })

  it.each([
    { name: 'quoted boundary and lower-case names', head: 'content-disposition: form-data; filename="a"' },
    { name: 'name as second parameter', head: 'Content-Disposition: form-data; filename="a"; name="x"' },
    { name: 'no name', head: 'Content-Disposition:form-data; filename=a' },
    { name: 'folded line', head: 'Content-Disposition: form-data;\r\n filename="a"' },
    {
      name: 'further headers',
      head: 'X-A: b\r\nContent-Disposition: form-data; filename="a"\r\nContent-Length: 9',
    },
  ])('has files with $name', async ({ head }) => {
    const body = Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\nbytes\r\n--${BOUNDARY}--`)

    expect(await read(cut(body, [3]))).toEqual([{ fileName: 'a', content: 'bytes' }])
  })

  it('is refused when its first part has no file name, even as octet-stream', async () => {
    const head = 'Content-Disposition: form-data; name="a"\r\nContent-Type: application/octet-stream'
    const body = Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\nbytes\r\n--${BOUNDARY}--`)

    await expect(read([body])).rejects.toThrow('payload does not contain file but form field')
  })

  it('is read only as fast as it is consumed', async () => {
    const total = 400
    let given = 0
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const stalled = Promise.withResolvers<void>()
    const form = aForm([{ fileName: 'filename="a"', content: Buffer.alloc(total * 16 * 1024, 1) }])
    const chunks = function* (): Generator<Buffer> {
      for (const chunk of cut(form, [16 * 1024])) {
        given += 1
        yield chunk
      }
    }
    const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
    const body = Object.assign(Readable.from(chunks(), { objectMode: false }), { headers })
    body.once('pause', stalled.resolve)
    let size = 0
    const take = async ({ bytes }: ArrivingFile): Promise<void> => {
      await released
      for await (const chunk of bytes) size += chunk.length
    }

    const reading = readParts(body, 1, { take, controller: new AbortController() })
    await stalled.promise
    const givenWhileStalled = given
    release()
    await reading

    expect(givenWhileStalled).toBeLessThan(32)
    expect(size).toBe(total * 16 * 1024)
  })
})
