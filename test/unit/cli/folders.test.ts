import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packSlide } from '../../../cli/inputs/pack-slide.ts'
import { sendUpload } from '../../../cli/send-input-file.ts'
import { ServiceLostError } from '../../../cli/service/answer.ts'
import { openService } from '../../../cli/service/service.ts'
import { packBundle } from '../../../cli/task/build-task.ts'
import { fileSource } from '../../../cli/task/file-source.ts'
import { findFreePort } from '../../../local/ports.ts'
import { openZip } from '../../../src/archive/zip/read-zip.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { aDescriptorText, aTaskFolder } from '../../fixtures/task-folder.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folders-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const namesIn = async (zip: string): Promise<readonly string[]> =>
  (await openZip(await fileSource(zip))).entries.map(({ name }) => name).sort()

describe('the folder of a DICOM slide', () => {
  it.each([
    ['a plain path', (slide: string) => slide],
    ['a path with ./ at its start', (slide: string) => `./${relative(process.cwd(), slide)}`],
    ['a path with /. at its end', (slide: string) => `${slide}/.`],
    ['a path with two slashes', (slide: string) => `${dirname(slide)}//slide//`],
    ['a path with ..', (slide: string) => `${slide}/level/..`],
  ])('is packed with its file names for %s', async (_, pathOf) => {
    const slide = join(folder, 'slide')
    mkdirSync(join(slide, 'level'), { recursive: true })
    for (const name of ['a.dcm', 'level/b.dcm']) writeFileSync(join(slide, name), name)

    await packSlide(pathOf(slide), join(folder, 'slide.zip'))

    expect(await namesIn(join(folder, 'slide.zip'))).toEqual(['a.dcm', 'level/b.dcm'])
  })

  it('is packed with the files that its links lead to', async () => {
    const slide = join(folder, 'slide')
    mkdirSync(slide)
    writeFileSync(join(folder, 'stored'), 'bytes')
    symlinkSync(join(folder, 'stored'), join(slide, 'a.dcm'))
    symlinkSync(join(folder, 'missing'), join(slide, 'b.dcm'))

    await packSlide(slide, join(folder, 'slide.zip'))

    expect(await namesIn(join(folder, 'slide.zip'))).toEqual(['a.dcm'])
  })
})

describe('the folder of a task', () => {
  it('may have links to descriptor and image archive', async () => {
    const task = await aTaskFolder()
    for (const name of ['descriptor.yml', 'image.tar']) symlinkSync(join(task, name), join(folder, name))

    const { code, stdout } = await runCommand(['validate', folder])

    rmSync(task, { recursive: true })
    expect(stdout).toMatch(/^no problems in com\.example\.count/u)
    expect(code).toBe(0)
  })

  it.each(['Descriptor.YAML', 'descriptor.yaml', 'DESCRIPTOR.yml'])(
    'is packed with its descriptor named %s, as descriptor.yml',
    async (name) => {
      const task = join(folder, 'task')
      mkdirSync(task)
      writeFileSync(join(task, name), aDescriptorText())
      writeFileSync(join(task, 'Logo.PNG'), 'logo')
      writeFileSync(join(task, 'image.tar'), 'image')
      const zip = join(folder, 'bundle.zip')

      const named = { namespace: 'com.example.count', version: '1.0.0' }
      await packBundle(task, join(task, 'image.tar'), named, zip)

      expect(await namesIn(zip)).toEqual(['com.example.count-1.0.0.tar', 'descriptor.yml', 'logo.png'])
    },
  )
})

describe('--no-build', () => {
  async function aBuiltTask(): Promise<string> {
    const task = await aTaskFolder()
    renameSync(task, join(folder, 'task'))
    const built = join(folder, 'task')
    mkdirSync(join(built, '.cytomine-task'))
    const named = { namespace: 'com.example.count', version: '1.0.0' }
    await packBundle(built, join(built, 'image.tar'), named, join(built, '.cytomine-task/a.zip'))
    rmSync(join(built, 'image.tar'))
    writeFileSync(join(built, 'Dockerfile'), 'FROM scratch\n')
    return built
  }

  it('refuses a folder that has not been built', async () => {
    const task = await aBuiltTask()
    rmSync(join(task, '.cytomine-task'), { recursive: true })

    const { code, stderr } = await runCommand(['run', task, '--no-build', '-i', 'a=1', '-o', folder])

    expect(stderr).toBe(`${task} has not been built yet; omit --no-build\n`)
    expect(code).toBe(1)
  })

  it('refuses the build of another version', async () => {
    const task = await aBuiltTask()
    writeFileSync(join(task, 'descriptor.yml'), aDescriptorText({ version: '1.1.0' }))

    const { code, stderr } = await runCommand(['run', task, '--no-build', '-i', 'a=1', '-o', folder])

    expect(stderr).toMatch(
      /the last build .* is com\.example\.count 1\.0\.0, but .* 1\.1\.0; omit --no-build/u,
    )
    expect(code).toBe(1)
  })
})

describe('a large input file', () => {
  it('is reported as not sent when the service does not answer', async () => {
    const url = `http://127.0.0.1:${await findFreePort()}/`
    const service = await openService({ url, auth: 'none' })

    const sending = sendUpload(service, 'slide.tif', bufferSource(Buffer.from('bytes')))

    await expect(sending).rejects.toThrow(ServiceLostError)
    await expect(sending).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('slide.tif could not be sent to'),
    })
  })
})
