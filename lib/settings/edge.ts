import * as z from 'zod'
import { isPeer } from '../constructs/peers.ts'
import { atLeastOne, id, subnets } from './values.ts'

const peer = z
  .string()
  .refine(isPeer, 'must be an IPv4 range, sg-… or pl-…')
  .meta({ examples: ['10.0.0.0/16', 'sg-0a1b2c3d', 'pl-0a1b2c3d'] })

/** Settings of the edge as a service in the network of Cytomine core. */
export const edge = z.strictObject({
  vpc: z.strictObject({
    id: id('vpc').describe('VPC of Cytomine core; not that of the jobs.'),
    subnets: subnets.describe(
      'Subnets by availability zone. They reach the API, S3, ECR and CloudWatch Logs through VPC endpoints or NAT.',
    ),
  }),
  clients: z
    .array(peer)
    .min(1)
    .describe('Clients that may call the edge: IPv4 ranges, security groups, prefix lists.'),
  reaches: z
    .array(peer)
    .min(1)
    .describe(
      'Peers that the edge may connect to at port 443: the range of the VPC endpoints and the prefix list of S3, or `0.0.0.0/0`.',
    ),
  desiredCount: atLeastOne.default(2).describe('Number of ECS tasks of the edge.'),
  cpu: z
    .literal([256, 512, 1024, 2048])
    .default(1024)
    .describe('CPU units of each edge; 1024 is one processor, and an edge uses at most one.'),
  memoryMib: z
    .int()
    .min(512)
    .default(2048)
    .describe('Memory of each edge, a size that Fargate has for `cpu`; an upload uses 64 MiB of it.'),
  clientSharePercent: z
    .int()
    .min(1)
    .max(100)
    .default(50)
    .describe(
      "Maximum percentage of an edge's body memory for one client address, with at least five uploads. Set 100 when all clients share one address.",
    ),
  hosts: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9.-]+$/u, 'must be a host name in lower case, without a port')
        .meta({ examples: ['engine.example.org'] }),
    )
    .describe(
      'Further host names of the edge, besides that of its load balancer; requests for other names get 403. If unset, any name is accepted. Set it if browsers use the edge, to prevent DNS rebinding.',
    )
    .exactOptional(),
  certificateArn: z
    .string()
    .regex(/^arn:[a-z-]+:acm:/u, 'must be an ARN of ACM')
    .meta({
      examples: ['arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f'],
    })
    .describe('Certificate of the load balancer. If unset, clients use HTTP.')
    .exactOptional(),
})
