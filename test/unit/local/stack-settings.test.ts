import { describe, expect, it } from 'vitest'
import { reachedAt } from '../../../local/ports.ts'
import { knownHosts, pageOrigins, readStackSettings, variablesOf } from '../../../local/stack-settings.ts'
import { UserError } from '../../../local/user-error.ts'

describe('the settings of a local stack', () => {
  it('bind all servers to the loopback address by default', () => {
    expect(readStackSettings({})).toEqual({
      BATCH_BIND_ADDRESS: '127.0.0.1',
      FUNCTION_ARCHITECTURE: 'arm64',
      CONSOLE: 'full',
    })
  })

  it('treat an empty variable as unset, because compose files contain such variables', () => {
    expect(readStackSettings({ JOB_ADDRESS: '', BATCH_BIND_ADDRESS: '' })).toEqual(readStackSettings({}))
  })

  it.each([
    ['CLIENT_ADDRESS', 'http://localhost', /expected a host name/u],
    ['FUNCTION_ADDRESS', 'host.docker.internal:4566', /expected a host name/u],
    ['JOB_ADDRESS', 'a b', /expected a host name/u],
    ['BATCH_BIND_ADDRESS', 'localhost', /expected an IPv4 address/u],
    ['BATCH_BIND_ADDRESS', '127.0.0.256', /expected an IPv4 address/u],
    ['CONSOLE', 'on', /expected off, read-only or full/u],
    ['FUNCTION_ARCHITECTURE', 'riscv', /expected arm64 or x86_64/u],
    ['INPUT_BUCKETS', 'slides, scans', /expected names of buckets/u],
    ['AWS_ENDPOINT_URL', '127.0.0.1:4566', /expected a URL such as/u],
    ['REGISTRY_URL', 'ftp://127.0.0.1', /expected a URL such as/u],
  ])('are refused for %s "%s" in one line that names it', (name, value, expected) => {
    const read = () => readStackSettings({ [name]: value })

    expect(read).toThrow(UserError)
    expect(read).toThrow(expected)
    expect(read).toThrow(new RegExp(`^${name} is "${value}": [^\n]*\\.$`, 'u'))
  })

  it('are refused with one line for each wrong value', () => {
    const read = () => readStackSettings({ JOB_ADDRESS: '?', BATCH_BIND_ADDRESS: 'everywhere' })

    expect(read).toThrow(/^JOB_ADDRESS is "\?": .*\.\nBATCH_BIND_ADDRESS is "everywhere": .*\.$/u)
  })

  it('are passed to the stage', () => {
    const given = {
      ...{ JOB_ADDRESS: 'jobs', FUNCTION_ARCHITECTURE: 'x86_64', BATCH_BIND_ADDRESS: '0.0.0.0' },
      INPUT_BUCKETS: 'slides,scans',
    }

    expect(variablesOf(readStackSettings(given))).toEqual({
      JOB_ADDRESS: 'jobs',
      FUNCTION_ARCHITECTURE: 'x86_64',
      CONSOLE: 'full',
      INPUT_BUCKETS: 'slides,scans',
    })
  })

  it('include the host names under which the servers are reached', () => {
    const settings = readStackSettings({ FUNCTION_ADDRESS: '172.17.0.1', BATCH_BIND_ADDRESS: '0.0.0.0' })

    expect(knownHosts(settings)).toBe('172.17.0.1,127.0.0.1')
  })

  it('include the edge’s origins for the console, under the names of this machine and given ones', () => {
    expect(pageOrigins({ CONSOLE: 'full' }, 8080, 'engine.example.org')).toEqual([
      'http://127.0.0.1:8080',
      'http://localhost:8080',
      'http://[::1]:8080',
      'http://engine.example.org:8080',
    ])
  })

  it('have the loopback address for a server that listens on 0.0.0.0', () => {
    expect(reachedAt('0.0.0.0')).toBe('127.0.0.1')
    expect(reachedAt('172.17.0.1')).toBe('172.17.0.1')
  })
})
