import { execFile } from 'node:child_process'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const DETECTION = join(import.meta.dirname, '../../local/embedded/detect-embedded.ts')

/** Shell script that runs a command in a chroot of this machine's root, in which the kernel refuses user namespaces. */
const IN_CHROOT = 'mount --rbind / "$0" && cd / && exec chroot "$0" "$@"'

// Only root may call chroot.
describe.runIf(process.getuid?.() === 0)('in a chroot', () => {
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'chroot-'))
  })
  afterAll(() => rmdir(root))

  /** Detects the embedded engine in the chroot. @returns the result or the error */
  async function detect(...before: readonly string[]): Promise<string> {
    const program = `import { detectEmbedded } from ${JSON.stringify(DETECTION)}
      console.log(await detectEmbedded().then(({ limits }) => limits, ({ message }) => message))`
    const node = [process.execPath, '--input-type=module', '--eval', program]
    const words = ['--mount', '--propagation', 'private', 'sh', '-c', IN_CHROOT, root, ...before, ...node]
    return (await promisify(execFile)('unshare', words)).stdout.trim()
  }

  it('root runs containers, without a user namespace', async () => {
    expect(await detect()).toMatch(/^(?:control groups v[12]|polling)$/u)
  })

  it('another user gets an error that suggests root or a container', async () => {
    const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
    expect(await detect(...nobody)).toMatch(/: a chroot or .*: start as root, use a container/u)
  })
})
