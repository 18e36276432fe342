import { describe, expect, it } from 'vitest'
import { checkDicomFolder } from '../../../src/inputs/check-file-value.ts'
import { postOutputs } from '../../../src/outputs/post-outputs.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { anOutput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aDicom } from '../../fixtures/images.ts'
import { type RawEntry, rawZip } from '../../fixtures/raw-zip.ts'

const UNIX_LINK = 0o120777 * 0x10000

/** Archives that leave the folder, hide content or are inconsistent; `file` is a valid entry. */
const cases: [what: string, archive: (file: RawEntry) => Buffer][] = [
  ['a name that leads upwards', (file) => rawZip([file, { ...file, name: '../up' }])],
  ['a name that leads upwards from a folder', (file) => rawZip([{ ...file, name: `${file.name}/../../up` }])],
  ['a name that leads upwards by backslashes', (file) => rawZip([{ ...file, name: '..\\up' }])],
  ['an absolute name', (file) => rawZip([file, { ...file, name: '/etc/passwd' }])],
  ['a name on a drive', (file) => rawZip([file, { ...file, name: 'C:\\up' }])],
  ['a name with NUL', (file) => rawZip([file, { ...file, name: `${file.name}\0` }])],
  ['the same name twice', (file) => rawZip([file, file])],
  [
    'a symbolic link',
    (file) => rawZip([{ ...file, record: (record) => record.writeUInt32LE(UNIX_LINK, 38) }]),
  ],
  ['an encrypted file', (file) => rawZip([{ ...file, flags: 1 }])],
  ['an unsupported compression', (file) => rawZip([{ ...file, method: 14 }])],
  ['files that share bytes', (file) => rawZip([file, { ...file, name: 'other', offset: 0 }])],
  ['another archive before it', (file) => rawZip([file], { before: rawZip([file]) })],
  ['another archive in its comment', (file) => rawZip([file], { comment: rawZip([]) })],
  [
    'another name in the header of a file',
    (file) => rawZip([{ ...file, local: (header) => header.write('x', 30) }]),
  ],
  ['invalid compressed bytes', (file) => rawZip([{ ...file, method: 8, packed: Buffer.from([255, 255]) }])],
]

describe('a WSI-DICOM zip', () => {
  const file: RawEntry = { name: 'slide/1.dcm', body: aDicom() }

  it('is accepted when it is valid', async () => {
    await expect(
      checkDicomFolder(bufferSource(rawZip([file])), { id: 'image' }, 'slide'),
    ).resolves.toBeUndefined()
  })

  it.each(cases)('is refused with %s', async (_, archive) => {
    await expect(
      checkDicomFolder(bufferSource(archive(file)), { id: 'image' }, 'slide'),
    ).rejects.toMatchObject({ name: 'DomainError', error: 'INTERNAL_PARAMETER_TYPE_ERROR', status: 400 })
  })
})

describe('a posted archive of outputs', () => {
  const file: RawEntry = { name: 'sum', body: '5' }

  async function posted(archive: Buffer) {
    const engine = await anEngine({
      task: aTask({ outputs: [anOutput({ name: 'sum' })] }),
      run: { state: 'RUNNING', job: { attempt: 1, jobName: 'job' } },
    })
    const answer = postOutputs(engine, RUN_ID, 'secret-of-the-run', async () => archive)
    return { engine, answer }
  }

  it('is accepted when it is valid', async () => {
    const { answer } = await posted(rawZip([file]))

    await expect(answer).resolves.toBeUndefined()
  })

  it.each(cases)('is refused with %s, and the run remains RUNNING', async (_, archive) => {
    const { engine, answer } = await posted(archive(file))

    await expect(answer).rejects.toMatchObject({
      name: 'DomainError',
      error: 'INTERNAL_INVALID_OUTPUT',
      status: 400,
    })
    expect((await engine.runs.find(RUN_ID))?.state).toBe('RUNNING')
  })

  it('is refused when its content does not match its checksum, whatever the compression', async () => {
    const wrong: RawEntry = {
      name: 'sum',
      body: '5',
      local: (header) => header.writeUInt32LE(7, 14),
      record: (record) => record.writeUInt32LE(7, 16),
    }
    for (const entries of [
      [wrong],
      [
        { ...wrong, name: 'sum/0' },
        { name: 'sum/1', body: '6' },
      ],
    ]) {
      const { engine, answer } = await posted(rawZip(entries))

      await expect(answer).rejects.toMatchObject({ error: 'INTERNAL_INVALID_OUTPUT' })
      expect((await engine.runs.find(RUN_ID))?.state).toBe('RUNNING')
    }
  })
})
