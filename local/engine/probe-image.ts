import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import yauzl from 'yauzl'
import { PLACES } from '../places.ts'

const BUNDLE = PLACES.probeBundle

/** Image of this project, which is loaded instead of pulled. With `--check` its program prints `answer` and exits. */
export const PROBE = {
  image: 'localhost/add-and-echo:1.0.0',
  words: ['--check'],
  answer: 'ready',
} as const

/** Calls `use` with the probe image as a docker-archive, which is removed afterwards. */
export async function withProbeArchive(use: (archive: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'app-engine-'))
  try {
    const archive = join(folder, 'image.tar')
    const zip = await yauzl.openPromise(BUNDLE, { autoClose: false })
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName !== 'image.tar') continue
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(archive))
    }
    zip.close()
    await use(archive)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
