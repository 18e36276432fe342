import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { detectEngine } from '../../../../local/detect-engine.ts'
import { PROBE } from '../../../../local/engine/probe-image.ts'

const parent = mkdtempSync(join(tmpdir(), 'engines-'))
let programs: string
let count = 0

beforeEach(() => {
  count += 1
  programs = join(parent, String(count))
  mkdirSync(programs)
})
afterAll(() => rmSync(parent, { recursive: true }))

/** Installs a fake container engine, whose containers print the probe's answer, or which fails with a message. */
function install(name: string, failure?: string): void {
  const container = failure === undefined ? `echo ${PROBE.answer}` : `echo "${failure}" >&2; exit 125`
  const script = `#!/bin/sh
for word; do
  case $word in
    --version) echo "${name} version 1.0"; exit 0 ;;
    load) exit 0 ;;
    run) ${container}; exit 0 ;;
  esac
done
exit 1
`
  writeFileSync(join(programs, name), script)
  chmodSync(join(programs, name), 0o755)
}

async function detect(wanted?: string) {
  vi.stubEnv('PATH', programs)
  try {
    const { settings, reason } = await detectEngine({ instance: 'test', wanted })
    return { kind: settings.kind, reason }
  } finally {
    vi.unstubAllEnvs()
  }
}

describe('the search for a container engine', () => {
  it('chooses docker before podman', async () => {
    install('podman')
    install('docker')

    expect(await detect()).toEqual({ kind: 'docker', reason: 'the first one tried' })
  })

  it('chooses podman when docker does not work, and reports why', async () => {
    install('podman')
    install('docker', 'no daemon')

    const { kind, reason } = await detect()

    expect(kind).toBe('podman')
    expect(reason).toMatch(/^docker: .*no daemon/u)
  })

  it('chooses podman when ENGINE names it', async () => {
    install('podman')
    install('docker')

    expect(await detect('podman')).toEqual({ kind: 'podman', reason: 'chosen with ENGINE' })
  })

  it('chooses no other engine than the one that ENGINE names', async () => {
    install('docker')

    await expect(detect('podman')).rejects.toThrow(
      'ENGINE is podman, which does not work here: not installed.',
    )
  })

  it('reports the problem of each engine when none works', async () => {
    install('docker', 'no daemon')

    await expect(detect()).rejects.toThrow(
      /^No container engine works here: docker: .*no daemon.*; podman: not installed; embedded: .*[Pp]ython/u,
    )
  })

  it('lists the possible values when ENGINE has another one', async () => {
    await expect(detect('lxc')).rejects.toThrow('ENGINE is "lxc": expected docker, podman or embedded')
  })
})
