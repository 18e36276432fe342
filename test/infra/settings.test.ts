import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSettings, stageNamed, stageOf } from '../../lib/stages.ts'

const EDGE = {
  vpc: { id: 'vpc-0a1b2cee', subnets: { 'eu-west-1a': 'subnet-0a1b2caa', 'eu-west-1b': 'subnet-0a1b2cbb' } },
  clients: ['10.0.0.0/16'],
  reaches: ['pl-0123456789abcdef0', 'sg-0123456789abcdef0'],
}
const EXISTING = {
  kind: 'existing',
  vpcId: 'vpc-0a1b2caa',
  cidr: '10.0.0.0/16',
  isolatedSubnets: { 'eu-west-1a': 'subnet-0a1b2caa', 'eu-west-1b': 'subnet-0a1b2cbb' },
  isolatedRouteTableIds: ['rtb-0a1b2caa', 'rtb-0a1b2cbb'],
  apiEndpointId: 'vpce-0a1b2caa',
}
const MACHINES = {
  instanceTypes: ['r7i.8xlarge'],
  maxVcpus: 64,
  diskGib: 100,
  largest: { vcpus: 32, memoryGib: 256 },
}

function aFile(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'settings-')), 'lab.json')
  writeFileSync(path, text)
  return path
}

describe('settings of a stage', () => {
  it('have the defaults of production', () => {
    const stage = stageOf({ name: 'production' })

    expect(JSON.stringify(stage)).toBe(JSON.stringify(stageNamed('production', {})))
  })

  it('can be read from a file', () => {
    const path = aFile('{"name": "lab", "prefix": "lab-engine", "keepData": false, "runTimeoutHours": 72}')

    const stage = readSettings(path)

    expect(stage).toMatchObject({ name: 'lab', prefix: 'lab-engine', keepData: false })
    expect(stage.runTimeoutHours).toBe(72)
  })

  it.each<readonly [name: string, settings: unknown, words: string | RegExp]>([
    ['a missing name', {}, 'name'],
    ['a setting that does not exist', { name: 'x', cidr: '10.0.0.0/8' }, 'cidr'],
    ['a prefix that AWS would refuse', { name: 'x', prefix: 'My_Engine' }, '3 to 28 lower-case letters'],
    ['an invalid endpoint', { name: 'x', access: { mode: 'private', vpcEndpointIds: ['x'] } }, 'vpce-'],
    ['an open API', { name: 'x', access: { mode: 'open' } }, 'access.mode'],
    ['an invalid address range', { name: 'x', network: { kind: 'new', cidr: '10.0.0.0' } }, 'network.cidr'],
    [
      'attempts that outlast the run',
      { name: 'x', runTimeoutHours: 1 },
      'must not be longer than runTimeoutHours',
    ],
    [
      'a retention that CloudWatch does not offer',
      { name: 'x', logRetentionDays: 42 },
      'must be one of 1, 3, 5',
    ],
    [
      'a time limit of queues below the minimum of Batch',
      { name: 'x', queues: { longestUnplaceableMinutes: 5 } },
      'longestUnplaceable',
    ],
    [
      'an internet queue in a network without internet access',
      {
        name: 'x',
        queues: { internet: { maxVcpus: 4 } },
        network: {
          kind: 'existing',
          vpcId: 'vpc-0a1b2caa',
          cidr: '10.0.0.0/16',
          isolatedSubnets: { 'eu-west-1a': 'subnet-0a1b2caa', 'eu-west-1b': 'subnet-0a1b2cbb' },
          isolatedRouteTableIds: ['rtb-0a1b2caa', 'rtb-0a1b2cbb'],
        },
      },
      'is required for the internet queue',
    ],
    [
      'subnets without route tables and in other zones',
      {
        name: 'x',
        network: {
          kind: 'existing',
          vpcId: 'vpc-0a1b2caa',
          cidr: '10.0.0.0/16',
          isolatedSubnets: { 'eu-west-1a': 'subnet-0a1b2caa', 'eu-west-1b': 'subnet-0a1b2cbb' },
          isolatedRouteTableIds: ['rtb-0a1b2caa'],
          internetSubnets: { 'eu-west-1b': 'subnet-0a1b2caa', 'eu-west-1c': 'subnet-0a1b2cbb' },
        },
      },
      /one for each of isolatedSubnets[\s\S]*in the zones of isolatedSubnets/u,
    ],
    [
      'a DNS firewall together with the internet queue',
      { name: 'x', network: { kind: 'new', dnsFirewall: true }, queues: { internet: { maxVcpus: 4 } } },
      'must be false with an internet queue',
    ],
    [
      'an edge without two zones',
      { name: 'x', edge: { vpc: { id: 'vpc-0a1b2caa', subnets: {} } } },
      'two availability zones',
    ],
    [
      'the endpoint of jobs as an endpoint of callers',
      { name: 'x', access: { mode: 'private', vpcEndpointIds: ['vpce-0a1b2caa'] }, network: EXISTING },
      'tasks could call every route',
    ],
    [
      'an edge in the network of jobs',
      {
        name: 'x',
        access: { mode: 'iam' },
        network: EXISTING,
        edge: { ...EDGE, vpc: { ...EDGE.vpc, id: 'vpc-0a1b2caa' } },
      },
      'must not be the network of the jobs',
    ],
    ['an edge that may not call the API', { name: 'x', edge: EDGE }, "endpoint of the edge's network"],
    [
      'a size that Fargate does not offer',
      { name: 'x', access: { mode: 'iam' }, edge: { ...EDGE, cpu: 2048 } },
      '4096 to 16384 for 2048',
    ],
    [
      'an invalid client of the edge',
      { name: 'x', edge: { ...EDGE, clients: ['everybody'] } },
      'sg-… or pl-…',
    ],
    ['a prefix that ECR would refuse', { name: 'x', prefix: 'my--engine' }, 'two hyphens'],
    [
      'a network that is too small',
      { name: 'x', network: { kind: 'new', cidr: '10.0.0.0/20' } },
      '/16 to /19',
    ],
    [
      'a network that is too small for the internet queue',
      { name: 'x', network: { kind: 'new', cidr: '10.0.0.0/18' }, queues: { internet: { maxVcpus: 4 } } },
      '/16 or /17',
    ],
    ...['c7g.large', 'm8gd.large', 'a1.large', 'g5g.xlarge', 'im4gn.large'].map(
      (type) =>
        [
          `machines of the type ${type}, which cannot run the images,`,
          { name: 'x', queues: { ec2: { ...MACHINES, instanceTypes: [type] } } },
          'ARM',
        ] as const,
    ),
    [
      'machines that exceed maxVcpus',
      { name: 'x', queues: { ec2: { ...MACHINES, maxVcpus: 16 } } },
      'no job of that size would ever start',
    ],
    [
      'the alias of a key',
      { name: 'x', encryption: { key: 'existing', arn: 'arn:aws:kms:eu-west-1:123456789012:alias/a' } },
      'must be the ARN of a key',
    ],
    [
      'the alias of a key of input buckets',
      {
        name: 'x',
        inputBuckets: ['slides'],
        inputBucketKeys: ['arn:aws:kms:eu-west-1:123456789012:alias/a'],
      },
      'must be the ARN of a key',
    ],
    [
      'keys of input buckets without a bucket',
      {
        name: 'x',
        inputBucketKeys: ['arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f'],
      },
      'must be empty without inputBuckets',
    ],
    [
      'tags that do not fit into the variables of functions',
      {
        name: 'x',
        tags: Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${index}`, 'x'.repeat(200)])),
      },
      '2048 bytes',
    ],
    ['an image without a digest', { name: 'x', nodeImage: 'node:24-slim' }, 'must end with a digest'],
  ])('refuse %s with a message', (_, settings, words) => {
    expect(() => stageOf(settings)).toThrow(words)
  })

  it.each(['r7i.8xlarge', 'g5.2xlarge', 'g4dn.xlarge', 'p4d.24xlarge', 'u-6tb1.56xlarge', 'm7i-flex.large'])(
    'accept machines of the type %s',
    (type) => {
      const stage = stageOf({ name: 'x', queues: { ec2: { ...MACHINES, instanceTypes: [type] } } })

      expect(stage.queues.ec2?.instanceTypes).toEqual([type])
    },
  )

  it('accept sizes of Fargate for the edge', () => {
    const sizes = [
      [256, 2048],
      [512, 1024],
      [1024, 8192],
      [2048, 4096],
    ] as const

    for (const [cpu, memoryMib] of sizes) {
      expect(() =>
        stageOf({ name: 'x', access: { mode: 'iam' }, edge: { ...EDGE, cpu, memoryMib } }),
      ).not.toThrow()
    }
  })

  it('report all invalid values at once', () => {
    const read = () => stageOf({ name: 'X', prefix: 'X', logRetentionDays: 42 })

    expect(read).toThrow(/name[\s\S]*prefix|prefix[\s\S]*name/u)
    expect(read).toThrow('must be one of')
  })

  it('are documented with valid examples', () => {
    const text = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8')
    const [small, network] = [...text.matchAll(/```json\n([\s\S]*?)```/gu)].map(([, json = '']) => json)

    expect(stageOf(JSON.parse(small ?? ''))).toMatchObject({ prefix: 'lab-engine' })
    const ids = (network ?? '').replaceAll('-…', '-0a1b2caa')
    expect(stageOf({ name: 'x', network: JSON.parse(ids) }).network).toHaveProperty('vpcId', 'vpc-0a1b2caa')
  })

  it('may name their schema, which editors use', () => {
    expect(stageOf({ $schema: '../docs/settings.schema.json', name: 'production' })).toEqual(
      stageNamed('production', {}),
    )
  })

  it.each<readonly [what: string, settings: unknown, line: string]>([
    ['a missing name', {}, 'lab.json: name is missing'],
    [
      'an invalid value',
      { name: 'x', logRetentionDays: 42 },
      'lab.json: logRetentionDays (42) must be one of 1, 3, 5',
    ],
    ['a wrong type', { name: 'x', keepData: 'yes' }, 'lab.json: keepData ("yes") must be of type boolean'],
    [
      'a number that is too large',
      { name: 'x', defaultRamGib: 1000 },
      'lab.json: defaultRamGib (1000) must be at most 240',
    ],
    ['a setting that does not exist', { name: 'x', cidr: 1 }, 'lab.json: the file has no setting cidr'],
    [
      'a choice that does not exist',
      { name: 'x', access: { mode: 'open' } },
      'lab.json: access.mode ("open") must',
    ],
    [
      'two settings that contradict each other',
      { name: 'x', runTimeoutHours: 1 },
      'lab.json: attemptTimeoutHours must not be longer than runTimeoutHours',
    ],
  ])('report %s in one line', (_, settings, line) => {
    const read = () => stageOf(settings, 'lab.json')

    expect(read).toThrow(new RegExp(`^${RegExp.escape(line)}[^\n]*$`, 'u'))
  })
})
