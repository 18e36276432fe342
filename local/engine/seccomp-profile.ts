import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod'

/** Path of podman's profile (containers-common). */
const PODMAN_PROFILES = ['/etc/containers/seccomp.json', '/usr/share/containers/seccomp.json'] as const

/**
 * System calls that podman's profile allows to containers without privileges, and docker's does not: new namespaces, mounts in them,
 * and the kernel's keys, which no namespace separates.
 */
const REFUSED: ReadonlySet<string> = new Set([
  ...['add_key', 'keyctl', 'request_key'],
  ...['mount', 'umount', 'umount2', 'pivot_root', 'setns', 'unshare'],
  ...['fsconfig', 'fsmount', 'fsopen', 'fspick', 'mount_setattr', 'move_mount', 'open_tree'],
])
/** System calls that stay allowed with certain arguments only. */
const BY_ARGUMENT: ReadonlySet<string> = new Set(['clone', 'clone3', 'socket'])

const ALLOW = 'SCMP_ACT_ALLOW'
/** All CLONE_NEW* flags that clone takes. */
const NEW_NAMESPACES = 0x7e020000
const AF_VSOCK = 40
const ENOSYS = 38

/** A seccomp profile as engines read it; other members are kept unchanged. */
const profileSchema = z.looseObject({
  syscalls: z.array(
    z.looseObject({
      names: z.array(z.string()),
      action: z.string(),
      includes: z.looseObject({ caps: z.array(z.string()).optional() }).nullish(),
    }),
  ),
})

/** The profile without the system calls that docker's refuses. Rules for containers with more capabilities are not changed. */
export function strictProfile(profile: unknown): object {
  const parsed = profileSchema.parse(profile)
  const kept = parsed.syscalls.map((rule) => {
    const isForAll = (rule.includes?.caps ?? []).length === 0 && rule.action === ALLOW
    const names = rule.names.filter((name) => {
      return !(isForAll && REFUSED.has(name)) && !BY_ARGUMENT.has(name)
    })
    return { ...rule, names }
  })
  const clone = { index: 0, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }
  const socket = { index: 0, value: AF_VSOCK, valueTwo: 0, op: 'SCMP_CMP_NE' }
  return {
    ...parsed,
    syscalls: [
      ...kept.filter(({ names }) => names.length > 0),
      { names: ['clone'], action: ALLOW, args: [clone] },
      // The flags of clone3 are in memory, which filters cannot read. The C library falls back to clone.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', args: [], errnoRet: ENOSYS },
      { names: ['socket'], action: ALLOW, args: [socket] },
    ],
  }
}

/**
 * Writes a stricter copy of podman's own profile.
 * @returns whether this machine has podman's profile
 */
export async function writeStrictProfile(file: string): Promise<boolean> {
  const source = PODMAN_PROFILES.find((path) => existsSync(path))
  if (source === undefined) return false
  const profile = strictProfile(JSON.parse(await readFile(source, 'utf8')))
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify(profile))
  return true
}
