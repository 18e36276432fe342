import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CommandError, usageError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'

/** Programs that build images, in the order in which they are tried. */
const PROGRAMS = ['docker', 'podman', 'buildah'] as const
type Program = (typeof PROGRAMS)[number]

/** Commands that exit with 0 if the program works. For docker, this includes its daemon. */
const PROBES: Readonly<Record<Program, readonly string[]>> = {
  docker: ['version', '--format', '{{.Server.Version}}'],
  podman: ['version'],
  buildah: ['version'],
}

/**
 * Commands that save an image to one file. podman and buildah 4 cannot write a docker-archive with a layer that was pulled with zstd
 * compression; an OCI archive can contain any layer.
 */
const SAVES: Readonly<Record<Program, (tag: string, file: string) => readonly string[]>> = {
  docker: (tag, file) => ['save', '--output', file, tag],
  podman: (tag, file) => ['save', '--format', 'oci-archive', '--uncompressed', '--output', file, tag],
  buildah: (tag, file) => ['push', '--disable-compression', tag, `oci-archive:${file}:${tag}`],
}

/** Platform of tasks. */
const PLATFORM = 'linux/amd64'

/** Builds images with a program of this machine. */
export interface ImageBuilder {
  readonly program: Program
  /**
   * Builds the folder's Dockerfile. The program's own output goes to stderr.
   * @throws CommandError
   */
  build(folder: string, tag: string): Promise<void>
  /** Writes the image as one archive that the service reads. @throws CommandError */
  save(tag: string, file: string): Promise<void>
}

/**
 * Finds a program that builds images.
 * @param wanted the only program to try
 * @throws CommandError when there is none
 */
export async function findBuilder(wanted?: string): Promise<ImageBuilder> {
  const chosen = PROGRAMS.find((program) => program === wanted)
  if (wanted !== undefined && chosen === undefined) {
    throw usageError(`"${wanted}" cannot build images; expected ${PROGRAMS.join(', ')}`)
  }
  for (const program of chosen === undefined ? PROGRAMS : [chosen]) {
    const works = await promisify(execFile)(program, [...PROBES[program]]).then(
      () => true,
      () => false,
    )
    if (works) return builderOf(program)
  }
  throw new CommandError(
    `${chosen === undefined ? 'none of docker, podman and buildah works' : `${chosen} does not work`} here; install one (on Debian and Ubuntu: apt install podman), or put an image archive (image.tar) into the folder of the task`,
    EXIT.unavailable,
  )
}

function builderOf(program: Program): ImageBuilder {
  return {
    program,
    build: (folder, tag) =>
      run(
        program,
        ['build', ...namedFile(program, folder), '--platform', PLATFORM, '--tag', tag, folder],
        'build the image',
      ),
    save: (tag, file) => run(program, SAVES[program](tag, file), 'save the image'),
  }
}

/** docker looks for a Dockerfile only, podman and buildah for a Containerfile too. */
function namedFile(program: Program, folder: string): readonly string[] {
  const file = join(folder, 'Containerfile')
  const isNeeded = program === 'docker' && !existsSync(join(folder, 'Dockerfile')) && existsSync(file)
  return isNeeded ? ['--file', file] : []
}

async function run(program: string, words: readonly string[], what: string): Promise<void> {
  const child = spawn(program, words, { stdio: ['ignore', 2, 2] })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return
  throw new CommandError(
    `${program} could not ${what}: it exited with ${code ?? 'a signal'}; see its output above`,
  )
}
