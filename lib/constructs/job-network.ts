import { Aws, CfnMapping, Validations } from 'aws-cdk-lib'
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import {
  CfnFirewallDomainList,
  CfnFirewallRuleGroup,
  CfnFirewallRuleGroupAssociation,
} from 'aws-cdk-lib/aws-route53resolver'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { PREFIXES } from '../../src/contract/storage-keys.ts'
import type { NetworkSettings, Stage } from '../settings.ts'
import { EngineLogGroup } from './log-group.ts'
import { AGENT_PERMISSIONS } from './machine-queue.ts'
import { STAGING_ROUTES } from './rest-api.ts'

export interface JobNetworkProps {
  readonly stage: Pick<Stage, 'network' | 'queues' | 'logRetentionDays' | 'keepData'>
  /** The only bucket of the installation that is reachable. */
  readonly bucket: Bucket
  /** ARNs of the repositories that images may be pulled from. */
  readonly repositoryArns: readonly string[]
  /** The only log group that may be written to. */
  readonly jobLogGroupArn: string
}

/**
 * AWS's prefix lists of S3, which a security group must name and CloudFormation cannot look up. Deploying to another
 * Region fails with the name of this mapping: add the id that `aws ec2 describe-managed-prefix-lists` shows there
 * for `com.amazonaws.<region>.s3`.
 */
const S3_PREFIX_LISTS = {
  'eu-central-1': { id: 'pl-6ea54007' },
  'eu-west-1': { id: 'pl-6da54004' },
  'us-east-1': { id: 'pl-63a5400a' },
  'us-west-1': { id: 'pl-6ba54002' },
  'us-west-2': { id: 'pl-68a54001' },
}

/** The order is fixed: a group that is added later must not move the address ranges of another. */
const SUBNET_GROUPS = {
  jobs: { name: 'jobs', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 20 },
  nat: { name: 'nat', subnetType: SubnetType.PUBLIC, cidrMask: 26 },
  internet: { name: 'internet', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
} as const

/** Names that jobs may look up with a DNS firewall: those of AWS and of the VPC. */
const ALLOWED_NAMES = ['*.amazonaws.com.', '*.aws.', '*.internal.']

/**
 * Network of the jobs: subnets without a route out. The policies of the VPC endpoints allow only the task's image, its log group,
 * the API and the run prefixes of the bucket, even with credentials that the author has put into the image.
 */
export class JobNetwork extends Construct {
  readonly vpc: IVpc
  /** Subnets without a route out. */
  readonly isolatedSubnets: SubnetSelection
  readonly jobSecurityGroup: SecurityGroup
  /** For jobs of the internet queue; undefined without one. */
  readonly internet: { readonly subnets: SubnetSelection; readonly securityGroup: SecurityGroup } | undefined
  /** Endpoint through which the stager calls the API. */
  readonly apiEndpointId: string

  constructor(scope: Construct, id: string, props: JobNetworkProps) {
    super(scope, id)
    const { network, queues } = props.stage
    this.vpc = network.kind === 'new' ? this.newVpc(network, props.stage) : this.existingVpc(network)
    this.isolatedSubnets = { subnets: this.vpc.isolatedSubnets }
    this.jobSecurityGroup = new SecurityGroup(this, 'JobSecurityGroup', {
      vpc: this.vpc,
      description: 'Jobs, which reach VPC endpoints and S3',
      allowAllOutbound: false,
    })
    this.jobSecurityGroup.addEgressRule(
      Peer.prefixList(this.s3PrefixListId(network)),
      Port.HTTPS,
      'S3, through its gateway endpoint',
    )
    this.internet = queues.internet === undefined ? undefined : this.internetAccess()
    this.addS3Endpoint(props.bucket)
    this.apiEndpointId =
      network.kind === 'existing' && network.apiEndpointId !== undefined
        ? this.reachEndpointsAt(network.cidr, network.apiEndpointId)
        : this.addEndpoints(props)
  }

  private newVpc(network: NetworkSettings & { readonly kind: 'new' }, stage: JobNetworkProps['stage']): IVpc {
    const { jobs, nat, internet } = SUBNET_GROUPS
    const hasInternet = stage.queues.internet !== undefined
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(network.cidr),
      maxAzs: 2,
      natGateways: hasInternet ? 1 : 0,
      subnetConfiguration: hasInternet ? [jobs, { ...nat, mapPublicIpOnLaunch: false }, internet] : [jobs],
    })
    // Logs rejected connections only, which reveals tasks that try to connect outside.
    if (network.flowLog) {
      vpc.addFlowLog('FlowLog', {
        trafficType: FlowLogTrafficType.REJECT,
        destination: FlowLogDestination.toCloudWatchLogs(
          new EngineLogGroup(this, 'RefusedConnections', stage),
        ),
      })
    } else {
      Validations.of(vpc).acknowledge({
        id: 'AwsSolutions-VPC7',
        reason: 'The stage has no flow log; refused connections of jobs are not recorded',
      })
    }
    if (network.dnsFirewall) this.addDnsFirewall(vpc)
    // The class says `vpnGatewayId?: string | undefined`, its interface only `?: string`: the same, but not to the compiler.
    return vpc as IVpc
  }

  private existingVpc(network: NetworkSettings & { readonly kind: 'existing' }): IVpc {
    const { internetSubnets = {} } = network
    const zones = Object.keys(network.isolatedSubnets)
    return Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: network.vpcId,
      vpcCidrBlock: network.cidr,
      availabilityZones: zones,
      isolatedSubnetIds: Object.values(network.isolatedSubnets),
      isolatedSubnetRouteTableIds: network.isolatedRouteTableIds,
      ...(Object.keys(internetSubnets).length === 0
        ? {}
        : { privateSubnetIds: zones.map((zone) => internetSubnets[zone] ?? '') }),
    })
  }

  private s3PrefixListId({ s3PrefixListId }: NetworkSettings): string {
    if (s3PrefixListId !== undefined) return s3PrefixListId
    const prefixLists = new CfnMapping(this, 'S3PrefixLists', { mapping: S3_PREFIX_LISTS })
    return prefixLists.findInMap(Aws.REGION, 'id')
  }

  private internetAccess(): NonNullable<JobNetwork['internet']> {
    const securityGroup = new SecurityGroup(this, 'InternetSecurityGroup', {
      vpc: this.vpc,
      description: 'Jobs whose descriptor asks for the internet',
      allowAllOutbound: true,
    })
    return { subnets: { subnets: this.vpc.privateSubnets }, securityGroup }
  }

  private get jobSecurityGroups(): readonly SecurityGroup[] {
    return [this.jobSecurityGroup, ...(this.internet === undefined ? [] : [this.internet.securityGroup])]
  }

  /** Existing endpoints have addresses anywhere in the range of the VPC. */
  private reachEndpointsAt(cidr: string, apiEndpointId: string): string {
    this.jobSecurityGroup.addEgressRule(Peer.ipv4(cidr), Port.HTTPS, 'VPC endpoints')
    return apiEndpointId
  }

  /** @returns the id of the endpoint through which the API is reached */
  private addEndpoints(props: JobNetworkProps): string {
    const securityGroup = new SecurityGroup(this, 'EndpointSecurityGroup', {
      vpc: this.vpc,
      description: 'VPC endpoints, reached by jobs',
      allowAllOutbound: false,
    })
    for (const group of this.jobSecurityGroups) {
      // A group with open egress accepts no egress rule.
      if (group === this.jobSecurityGroup)
        group.connections.allowTo(securityGroup, Port.HTTPS, 'VPC endpoints')
      else securityGroup.connections.allowFrom(group, Port.HTTPS, 'Jobs with a way out')
    }
    const add = (
      id: string,
      service: InterfaceVpcEndpointAwsService,
      statements: readonly PolicyStatement[],
    ) => this.addEndpoint(id, service, securityGroup, statements)
    const registry = registryStatements(props.repositoryArns)
    add('RegistryApiEndpoint', InterfaceVpcEndpointAwsService.ECR, registry)
    add('RegistryEndpoint', InterfaceVpcEndpointAwsService.ECR_DOCKER, registry)
    add('LogsEndpoint', InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS, [
      ownAccountOnly(['logs:CreateLogStream', 'logs:PutLogEvents'], [props.jobLogGroupArn]),
    ])
    if (props.stage.queues.ec2 !== undefined || props.stage.queues.gpu !== undefined) {
      const agents = AGENT_PERMISSIONS.map(({ actions, resources }) => ownAccountOnly(actions, resources))
      add('EcsEndpoint', InterfaceVpcEndpointAwsService.ECS, agents)
      add('EcsAgentEndpoint', InterfaceVpcEndpointAwsService.ECS_AGENT, agents)
      add('EcsTelemetryEndpoint', InterfaceVpcEndpointAwsService.ECS_TELEMETRY, agents)
    }
    return add('ApiEndpoint', InterfaceVpcEndpointAwsService.APIGATEWAY, [
      // The stager calls without credentials; the API's own policy and the run's secret authorize it. The policy cannot name the
      // API: the API's policy names this endpoint, which would be a circular reference.
      anyone(
        ['execute-api:Invoke'],
        [`arn:${Aws.PARTITION}:execute-api:${Aws.REGION}:${Aws.ACCOUNT_ID}:*/${STAGING_ROUTES}`],
      ),
    ]).vpcEndpointId
  }

  /** Routes and security groups do not apply to AWS's resolver, so DNS needs a separate firewall. */
  private addDnsFirewall(vpc: Vpc): void {
    const allowed = new CfnFirewallDomainList(this, 'AllowedNames', { domains: ALLOWED_NAMES })
    const all = new CfnFirewallDomainList(this, 'AllNames', { domains: ['*'] })
    const rules = new CfnFirewallRuleGroup(this, 'DnsRules', {
      firewallRules: [
        { action: 'ALLOW', firewallDomainListId: allowed.attrId, priority: 1 },
        { action: 'BLOCK', blockResponse: 'NXDOMAIN', firewallDomainListId: all.attrId, priority: 2 },
      ],
    })
    new CfnFirewallRuleGroupAssociation(this, 'DnsFirewall', {
      firewallRuleGroupId: rules.attrId,
      vpcId: vpc.vpcId,
      // AWS reserves priorities up to 100.
      priority: 101,
    })
  }

  /** For isolated jobs only; those of the internet queue reach S3 by their route. */
  private addS3Endpoint(bucket: Bucket): void {
    const endpoint = new GatewayVpcEndpoint(this, 'S3Endpoint', {
      vpc: this.vpc,
      service: GatewayVpcEndpointAwsService.S3,
      subnets: [this.isolatedSubnets],
    })
    // Presigned: the principal is the function that signed, or the registry for its layers.
    endpoint.addToPolicy(anyone(['s3:GetObject'], [bucket.arnForObjects(`${PREFIXES.runInputs}*`)]))
    endpoint.addToPolicy(anyone(['s3:PutObject'], [bucket.arnForObjects(`${PREFIXES.runOutputs}*`)]))
    const layers = `arn:${Aws.PARTITION}:s3:::prod-${Aws.REGION}-starport-layer-bucket/*`
    endpoint.addToPolicy(anyone(['s3:GetObject'], [layers]))
  }

  private addEndpoint(
    id: string,
    service: InterfaceVpcEndpointAwsService,
    securityGroup: SecurityGroup,
    statements: readonly PolicyStatement[],
  ): InterfaceVpcEndpoint {
    const endpoint = new InterfaceVpcEndpoint(this, id, {
      vpc: this.vpc,
      service,
      subnets: this.isolatedSubnets,
      securityGroups: [securityGroup],
      privateDnsEnabled: true,
      // Only the jobs' security group, not the whole address range.
      open: false,
    })
    for (const statement of statements) endpoint.addToPolicy(statement)
    return endpoint
  }
}

function registryStatements(repositoryArns: readonly string[]): readonly PolicyStatement[] {
  return [
    ownAccountOnly(['ecr:GetAuthorizationToken'], ['*']),
    ownAccountOnly(
      ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      repositoryArns,
    ),
  ]
}

function anyone(actions: readonly string[], resources: readonly string[]): PolicyStatement {
  return new PolicyStatement({
    principals: [new AnyPrincipal()],
    actions: [...actions],
    resources: [...resources],
  })
}

/** Refuses credentials of other accounts, which an image could contain to send data out through this endpoint. */
function ownAccountOnly(actions: readonly string[], resources: readonly string[]): PolicyStatement {
  const statement = anyone(actions, resources)
  statement.addCondition('StringEquals', { 'aws:PrincipalAccount': Aws.ACCOUNT_ID })
  return statement
}
