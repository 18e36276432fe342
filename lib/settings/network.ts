import * as z from 'zod'
import { cidr, id, subnets } from './values.ts'

/** Access to the API. */
export const access = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z
      .literal('private')
      .describe('Callers need no credentials and come through the endpoints of `vpcEndpointIds` only.'),
    vpcEndpointIds: z
      .array(id('vpce'))
      .default([])
      .describe(
        'VPC endpoints for `execute-api` that callers use. If empty, all calls are refused. Must not contain the endpoint of the jobs.',
      ),
  }),
  z.strictObject({
    mode: z.literal('iam').describe('Callers sign with IAM credentials that allow the call.'),
  }),
])

const s3PrefixListId = id('pl')
  .describe("Prefix list of S3 in the Region; needed outside the five Regions listed under 'Needed'.")
  .exactOptional()
/** Network of the jobs. */
export const network = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('new').describe('A VPC for jobs is created.'),
    cidr: cidr
      .refine((range) => /\/1[6-9]$/u.test(range), 'must be /16 to /19')
      .default('10.64.0.0/16')
      .describe(
        'Address range, /16 to /19; /16 or /17 with an internet queue. It is never peered, so it may overlap with others.',
      ),
    flowLog: z
      .boolean()
      .default(true)
      .describe('Logs refused connections, such as those of a task that tries to reach the internet.'),
    dnsFirewall: z
      .boolean()
      .default(false)
      .describe(
        'Restricts DNS lookups of jobs to names of AWS: a task could otherwise send data out through DNS. Not allowed with an internet queue.',
      ),
    s3PrefixListId,
  }),
  z.strictObject({
    kind: z
      .literal('existing')
      .describe('Jobs run in subnets of yours, see [An existing network](#an-existing-network).'),
    vpcId: id('vpc').describe('VPC of the subnets, for jobs only.'),
    cidr: cidr.describe('Address range of the VPC.'),
    isolatedSubnets: subnets.describe('Subnets without a route out, by availability zone.'),
    isolatedRouteTableIds: z
      .array(id('rtb'))
      .min(1)
      .describe(
        'Route tables of `isolatedSubnets`, in the same order, without an endpoint for S3: the stack adds one.',
      ),
    internetSubnets: subnets
      .describe('Subnets with a route out, in the same zones; needed for the internet queue.')
      .exactOptional(),
    apiEndpointId: id('vpce')
      .describe('Endpoint for `execute-api`, when the VPC has its own interface endpoints with private DNS.')
      .exactOptional(),
    s3PrefixListId,
  }),
])
