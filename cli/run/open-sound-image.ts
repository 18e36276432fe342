import { addAbortSignal } from 'node:stream'
import { documentedTag } from '../../src/import/open-bundle.ts'
import type { ByteSource } from '../../src/shared/byte-source.ts'
import type { TaskDescriptor } from '../../src/task/task.ts'
import { userLayerMemory } from '../image/layer-memory.ts'
import { type OpenImage, openImage } from '../image/open-image.ts'
import { CommandError } from '../terminal/command-error.ts'
import { checkOpenedImage } from '../validate/check-image.ts'

/**
 * Opens the image of a task, and refuses it for the same faults as `validate` and `upload`. Only layers that no earlier check has read
 * are read.
 * @throws CommandError with all faults; TarFormatError, OciFormatError; the reason of `signal`
 */
export async function openSoundImage(
  source: ByteSource,
  descriptor: TaskDescriptor,
  signal: AbortSignal,
): Promise<OpenImage> {
  const stoppable: ByteSource = {
    sizeBytes: source.sizeBytes,
    read: async (start, length) => addAbortSignal(signal, await source.read(start, length)),
  }
  const image = await openImage(stoppable, documentedTag(descriptor))
  const { findings } = await checkOpenedImage(image, {
    mountPoints: [descriptor.inputFolder, descriptor.outputFolder],
    layers: userLayerMemory(),
  })
  const problems = findings.filter(({ severity }) => severity === 'problem')
  if (problems.length === 0) return image
  throw new CommandError(problems.map(({ part, message }) => `problem  ${part}: ${message}`).join('\n'))
}
