import { describe, expect, it } from 'vitest'
import { strictProfile } from '../../../../local/engine/seccomp-profile.ts'

const allow = (names: readonly string[], rest: object = {}) => ({ names, action: 'SCMP_ACT_ALLOW', ...rest })

/** Rules for a system call in a container without capabilities. */
function rulesFor(profile: object, call: string): readonly { readonly action: string }[] {
  const { syscalls } = profile as {
    readonly syscalls: readonly {
      names: string[]
      action: string
      includes?: { caps?: string[] }
    }[]
  }
  return syscalls.filter(({ names, includes }) => names.includes(call) && !includes?.caps?.length)
}

describe('podman’s seccomp profile with stricter rules', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['kept'],
    syscalls: [
      allow(['read', 'unshare', 'mount', 'keyctl', 'clone', 'clone3', 'socket'], { args: [], includes: {} }),
      allow(['unshare'], { includes: { caps: ['CAP_SYS_ADMIN'] } }),
      allow(['socket'], { args: [{ index: 2, value: 9, op: 'SCMP_CMP_NE' }] }),
    ],
  }

  it.each(['unshare', 'mount', 'keyctl'])('has no rule that allows %s in every container', (call) => {
    expect(rulesFor(strictProfile(profile), call)).toEqual([])
  })

  it('allows new processes but no new namespaces', () => {
    expect(rulesFor(strictProfile(profile), 'clone')).toMatchObject([
      { action: 'SCMP_ACT_ALLOW', args: [{ op: 'SCMP_CMP_MASKED_EQ', valueTwo: 0 }] },
    ])
    expect(rulesFor(strictProfile(profile), 'clone3')).toMatchObject([{ action: 'SCMP_ACT_ERRNO' }])
  })

  it('allows all sockets except those of hypervisors', () => {
    expect(rulesFor(strictProfile(profile), 'socket')).toMatchObject([
      { args: [{ index: 0, value: 40, op: 'SCMP_CMP_NE' }] },
    ])
  })

  it('keeps all other rules', () => {
    const strict = strictProfile(profile)

    expect(strict).toMatchObject({ defaultAction: 'SCMP_ACT_ERRNO', architectures: ['kept'] })
    expect(rulesFor(strict, 'read')).toHaveLength(1)
    expect(JSON.stringify(strict)).toContain('CAP_SYS_ADMIN')
  })
})
