import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const LAUNCHER = join(import.meta.dirname, '../../local/embedded/launcher')

/** Runs Python code with access to the launcher's modules. @returns its output */
async function python(...lines: readonly string[]): Promise<string> {
  const program = [`import sys; sys.path.insert(0, ${JSON.stringify(LAUNCHER)})`, ...lines].join('\n')
  const { stdout } = await promisify(execFile)('python3', ['-B', '-c', program])
  return stdout.trim()
}

describe('a refusal of the kernel', () => {
  const EPERM = 1
  const EACCES = 13
  const EINVAL = 22
  const ENOSPC = 28

  it.each([
    [
      'user namespaces are disabled',
      'user namespace',
      ENOSPC,
      { 'user/max_user_namespaces': 0 },
      'user.max_user_namespaces',
    ],
    [
      'Debian’s setting disables user namespaces',
      'user namespace',
      EPERM,
      { 'kernel/unprivileged_userns_clone': 0 },
      'kernel.unprivileged_userns_clone=1',
    ],
    [
      'AppArmor restricts user namespaces',
      'mount proc on /proc',
      EACCES,
      { 'kernel/apparmor_restrict_unprivileged_userns': 1 },
      'kernel.apparmor_restrict_unprivileged_userns=0',
    ],
    [
      'AppArmor refuses the user mapping',
      'map of users',
      EPERM,
      { 'kernel/apparmor_restrict_unprivileged_userns': 1 },
      'kernel.apparmor_restrict_unprivileged_userns=0',
    ],
    ['this is a container with a masked /proc', 'mount proc on /proc', EPERM, {}, 'unmask=ALL'],
    ['the root of a chroot is not a mount point', 'pivot_root', EINVAL, {}, 'mount --bind'],
  ])('is reported with the remedy: %s', async (_, step, number, settings, expected) => {
    const sentence = await python(
      'import refusals; from kernel import KernelError',
      `refusals._setting = ${JSON.stringify(settings)}.get`,
      'refusals._is_filtered = refusals._is_in_chroot = lambda: False',
      `print(refusals.explain(KernelError(${JSON.stringify(step)}, ${number})))`,
    )

    expect(sentence.split('\n')).toHaveLength(1)
    expect(sentence).toContain(expected)
  })
})

describe('a refusal by a seccomp filter', () => {
  it('is reported with the option that disables the filter', async () => {
    // The process gets a filter, as in a container.
    const sentence = await python(
      'import refusals; from kernel import *; from system_calls import filter_program',
      'prctl(PR_SET_NO_NEW_PRIVS, 1); install_seccomp(filter_program())',
      'refusals._setting = {}.get',
      'try: unshare(CLONE_NEWUSER, "user namespace")',
      'except KernelError as error: print(refusals.explain(error))',
    )

    expect(sentence).toContain('--security-opt seccomp=unconfined')
  })
})

describe('the mount point of a volume', () => {
  const placing = (path: string): Promise<string> =>
    python(
      'import os, tempfile, rootfs',
      'top = tempfile.mkdtemp(); root = top + "/root"; host = top + "/host"',
      'os.mkdir(root); os.mkdir(host); os.symlink(host, root + "/link"); os.mkdir(root + "/folder")',
      'try:',
      `    os.close(rootfs._make_place(${JSON.stringify(path)}, root)); made = True`,
      'except OSError: made = False',
      `print(made, os.path.isdir(root + ${JSON.stringify(path)}), os.listdir(host))`,
    )

  it('is created if it is missing', async () => {
    expect(await placing('/folder/a/b')).toBe('True True []')
  })

  it.each(['/link', '/link/a/b'])(
    'is refused if its path has a link of the image, which may lead to the host: %s',
    async (path) => {
      expect(await placing(path)).toMatch(/^False .* \[\]$/u)
    },
  )
})

const ALLOWED = 0x7fff0000
const ENOSYS = 0x00050000 | 38
const REFUSED = 0x00050000 | 1
const NEW_USERS = 0x10000000
const SIGCHLD = 17

/** Runs a classic BPF program on a struct seccomp_data. Supports only the instructions that our filter uses. */
function runFilter(program: Buffer, call: { arch: number; number: number; first?: number }): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(call.number, 0)
  data.writeUInt32LE(call.arch, 4)
  data.writeUInt32LE(call.first ?? 0, 16)
  let accumulator = 0
  for (let at = 0; at < program.length; at += 8) {
    const [code, whenTrue, whenFalse, value] = [
      program.readUInt16LE(at),
      program.readUInt8(at + 2),
      program.readUInt8(at + 3),
      program.readUInt32LE(at + 4),
    ]
    const jump = (isTrue: boolean): void => {
      at += 8 * (isTrue ? whenTrue : whenFalse)
    }
    if (code === 0x20) accumulator = data.readUInt32LE(value)
    else if (code === 0x15) jump(accumulator === value)
    else if (code === 0x35) jump(accumulator >= value)
    else if (code === 0x45) jump((accumulator & value) !== 0)
    else if (code === 0x06) return value
    else throw new Error(`unknown instruction ${code}`)
  }
  throw new Error('the program does not return')
}

describe.each([
  {
    machine: 'x86_64',
    arch: 0xc000003e,
    calls: { read: 0, clone: 56, clone3: 435, socket: 41, mount: 165, keyctl: 250, unshare: 272, bpf: 321 },
  },
  {
    machine: 'aarch64',
    arch: 0xc00000b7,
    calls: { read: 63, clone: 220, clone3: 435, socket: 198, mount: 40, keyctl: 219, unshare: 97, bpf: 280 },
  },
])('the filter of system calls on $machine', ({ machine, arch, calls }) => {
  const outcome = async (number: number, first?: number, from = arch): Promise<number> => {
    const hex = await python(
      'from system_calls import filter_program',
      `print(filter_program('${machine}').hex())`,
    )
    return runFilter(Buffer.from(hex, 'hex'), { arch: from, number, ...(first !== undefined && { first }) })
  }

  it.each(['mount', 'keyctl', 'unshare', 'bpf'] as const)('refuses %s', async (name) => {
    expect(await outcome(calls[name])).toBe(REFUSED)
  })

  it('allows calls that programs need', async () => {
    expect(await outcome(calls.read)).toBe(ALLOWED)
    expect(await outcome(calls.clone, SIGCHLD)).toBe(ALLOWED)
    expect(await outcome(calls.socket, 2)).toBe(ALLOWED)
  })

  it('refuses clone with a new namespace, and reports clone3 as not implemented', async () => {
    expect(await outcome(calls.clone, NEW_USERS | SIGCHLD)).toBe(REFUSED)
    expect(await outcome(calls.clone3)).toBe(ENOSYS)
  })

  it('refuses sockets to a hypervisor', async () => {
    expect(await outcome(calls.socket, 40)).toBe(REFUSED)
  })

  it('reports calls of another architecture as not implemented', async () => {
    expect(await outcome(calls.read, 0, 0x40000003)).toBe(ENOSYS)
  })
})
