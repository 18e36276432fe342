import type { Stage } from '../settings.ts'

/** Two settings that contradict each other. The message continues a sentence that starts with the path. */
interface Conflict {
  readonly path: readonly string[]
  readonly error: string
}

interface Rule extends Conflict {
  isKept(settings: CheckedSettings): boolean
}

/** Settings that are each valid by themselves. */
type CheckedSettings = Omit<Stage, 'sweep' | 'emulator'>

const NO_SUCH_JOB = 'must be at least largest.vcpus, or no job of that size would ever start'

const RULES: readonly Rule[] = [
  {
    path: ['inputBucketKeys'],
    error: 'must be empty without inputBuckets: the keys encrypt their objects',
    isKept: ({ inputBuckets, inputBucketKeys }) => inputBuckets.length > 0 || inputBucketKeys.length === 0,
  },
  {
    path: ['attemptTimeoutHours'],
    error: 'must not be longer than runTimeoutHours, which ends the run',
    isKept: ({ attemptTimeoutHours, runTimeoutHours }) => attemptTimeoutHours <= runTimeoutHours,
  },
  {
    path: ['network', 'isolatedRouteTableIds'],
    error: 'must have one for each of isolatedSubnets, in the same order',
    isKept: ({ network }) =>
      network.kind === 'new' ||
      Object.keys(network.isolatedSubnets).length === network.isolatedRouteTableIds.length,
  },
  {
    path: ['network', 'internetSubnets'],
    error: 'must be in the zones of isolatedSubnets',
    isKept: ({ network }) =>
      network.kind === 'new' ||
      network.internetSubnets === undefined ||
      zonesOf(network.internetSubnets) === zonesOf(network.isolatedSubnets),
  },
  {
    path: ['network', 'internetSubnets'],
    error: 'is required for the internet queue (queues.internet)',
    isKept: ({ network, queues }) =>
      network.kind === 'new' || queues.internet === undefined || network.internetSubnets !== undefined,
  },
  {
    path: ['network', 'dnsFirewall'],
    error: 'must be false with an internet queue: its jobs could not resolve host names',
    isKept: ({ network, queues }) =>
      network.kind === 'existing' || queues.internet === undefined || !network.dnsFirewall,
  },
  {
    path: ['network', 'cidr'],
    error: 'must be /16 or /17 with an internet queue, which has subnets of its own',
    isKept: ({ network, queues }) =>
      network.kind === 'existing' || queues.internet === undefined || /\/1[67]$/u.test(network.cidr),
  },
  {
    path: ['access', 'vpcEndpointIds'],
    error: 'must not have the endpoint of the jobs (network.apiEndpointId): tasks could call every route',
    isKept: ({ access, network }) =>
      access.mode !== 'private' ||
      network.kind === 'new' ||
      network.apiEndpointId === undefined ||
      !access.vpcEndpointIds.includes(network.apiEndpointId),
  },
  {
    path: ['access', 'vpcEndpointIds'],
    error: "must have the execute-api endpoint of the edge's network",
    isKept: ({ access, edge }) =>
      edge === undefined || access.mode !== 'private' || access.vpcEndpointIds.length > 0,
  },
  {
    path: ['edge', 'vpc', 'id'],
    error: 'must not be the network of the jobs, whose endpoint leads to the API of stagers only',
    isKept: ({ network, edge }) => network.kind === 'new' || network.vpcId !== edge?.vpc.id,
  },
  {
    path: ['edge', 'memoryMib'],
    error:
      'must be a size that Fargate has for this cpu: 512, 1024 or 2048 for 256; 1024 to 4096 for 512; 2048 to 8192 for 1024; 4096 to 16384 for 2048; in steps of 1024',
    isKept: ({ edge }) => edge === undefined || isFargateSize(edge.cpu, edge.memoryMib),
  },
  {
    path: ['queues', 'ec2', 'maxVcpus'],
    error: NO_SUCH_JOB,
    isKept: ({ queues: { ec2 } }) => ec2 === undefined || ec2.largest.vcpus <= ec2.maxVcpus,
  },
  {
    path: ['queues', 'gpu', 'maxVcpus'],
    error: NO_SUCH_JOB,
    isKept: ({ queues: { gpu } }) => gpu === undefined || gpu.largest.vcpus <= gpu.maxVcpus,
  },
]

/** Returns all conflicts among the settings. */
export function conflictsIn(settings: CheckedSettings): readonly Conflict[] {
  return RULES.filter((rule) => !rule.isKept(settings))
}

function zonesOf(subnets: Readonly<Record<string, string>>): string {
  return Object.keys(subnets).sort().join()
}

/** Sizes of Fargate tasks: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html */
function isFargateSize(cpu: number, memoryMib: number): boolean {
  if (cpu === 256) return [512, 1024, 2048].includes(memoryMib)
  return memoryMib % 1024 === 0 && memoryMib >= cpu * 2 && memoryMib <= cpu * 8
}
