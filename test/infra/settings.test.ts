import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RemovalPolicy } from 'aws-cdk-lib'
import { describe, expect, it } from 'vitest'
import { readSettings, SETTING_NAMES, stageOf } from '../../lib/settings.ts'
import { stageNamed } from '../../lib/stages.ts'

function aFile(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'settings-')), 'lab.json')
  writeFileSync(path, text)
  return path
}

describe('settings of a stage', () => {
  it('are production, unless they say something else', () => {
    const stage = stageOf({ name: 'production' })

    expect(JSON.stringify(stage)).toBe(JSON.stringify(stageNamed('production', {})))
  })

  it('come from a file', () => {
    const path = aFile('{"name": "lab", "prefix": "lab-engine", "keepData": false, "runTimeoutHours": 72}')

    const stage = readSettings(path)

    expect(stage).toMatchObject({ name: 'lab', prefix: 'lab-engine', removalPolicy: RemovalPolicy.DESTROY })
    expect(stage.runTimeout.toHours()).toBe(72)
  })

  it.each([
    ['a name that is missing', {}, 'name'],
    ['a setting that does not exist', { name: 'x', cidr: '10.0.0.0/8' }, 'cidr'],
    ['a prefix that AWS would refuse', { name: 'x', prefix: 'My_Engine' }, '3 to 28 lower-case letters'],
    ['an endpoint that is none', { name: 'x', access: { mode: 'private', vpcEndpointIds: ['x'] } }, 'vpce-'],
    ['an open API', { name: 'x', access: { mode: 'open' } }, 'access.mode'],
    [
      'an address range that is none',
      { name: 'x', network: { kind: 'new', cidr: '10.0.0.0' } },
      'network.cidr',
    ],
    [
      'attempts that outlast the run',
      { name: 'x', runTimeoutHours: 1 },
      'must not be longer than runTimeoutHours',
    ],
    ['a retention that CloudWatch has not', { name: 'x', logRetentionDays: 42 }, 'must be one of 1, 3, 5'],
    [
      'a queue limit below Batch’s',
      { name: 'x', queues: { longestUnplaceableMinutes: 5 } },
      'longestUnplaceable',
    ],
    [
      'an internet queue without a way out',
      {
        name: 'x',
        queues: { internet: { maxVcpus: 4 } },
        network: {
          kind: 'existing',
          vpcId: 'vpc-0a',
          cidr: '10.0.0.0/16',
          isolatedSubnets: { 'eu-west-1a': 'subnet-0a', 'eu-west-1b': 'subnet-0b' },
          isolatedRouteTableIds: ['rtb-0a', 'rtb-0b'],
        },
      },
      'must be there for the internet queue',
    ],
    [
      'subnets without route tables and in other zones',
      {
        name: 'x',
        network: {
          kind: 'existing',
          vpcId: 'vpc-0a',
          cidr: '10.0.0.0/16',
          isolatedSubnets: { 'eu-west-1a': 'subnet-0a', 'eu-west-1b': 'subnet-0b' },
          isolatedRouteTableIds: ['rtb-0a'],
          internetSubnets: { 'eu-west-1b': 'subnet-0a', 'eu-west-1c': 'subnet-0b' },
        },
      },
      /one for each of isolatedSubnets[\s\S]*in the zones of isolatedSubnets/u,
    ],
    [
      'a DNS firewall around the internet queue',
      { name: 'x', network: { kind: 'new', dnsFirewall: true }, queues: { internet: { maxVcpus: 4 } } },
      'would keep jobs of the internet queue from finding anything',
    ],
    ['one zone', { name: 'x', edge: { vpc: { id: 'vpc-0a', subnets: {} } } }, 'two availability zones'],
    ['an image without a digest', { name: 'x', nodeImage: 'node:24-slim' }, 'must end with a digest'],
  ])('refuse %s in words', (_, settings, words) => {
    expect(() => stageOf(settings)).toThrow(words)
  })

  it('name all that is wrong at once', () => {
    const read = () => stageOf({ name: 'X', prefix: 'X', logRetentionDays: 42 })

    expect(read).toThrow(/name[\s\S]*prefix|prefix[\s\S]*name/u)
    expect(read).toThrow('must be one of')
  })

  it('are explained with examples that work', () => {
    const text = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8')
    const [small, network] = [...text.matchAll(/```json\n([\s\S]*?)```/gu)].map(([, json = '']) => json)

    expect(stageOf(JSON.parse(small ?? ''))).toMatchObject({ prefix: 'lab-engine' })
    const ids = (network ?? '').replaceAll('-…', '-0a')
    expect(stageOf({ name: 'x', network: JSON.parse(ids) }).jobs).toHaveProperty('network.vpcId', 'vpc-0a')
  })

  it('are all explained', () => {
    const text = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8')

    for (const name of SETTING_NAMES) expect(text).toContain(`\`${name}`)
  })

  it('say which file is wrong', () => {
    expect(() => readSettings(aFile('{'))).toThrow(/lab\.json is no JSON/u)
    expect(() => readSettings(aFile('{}'))).toThrow(/lab\.json: settings/u)
  })
})
