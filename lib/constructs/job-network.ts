import type { RemovalPolicy } from 'aws-cdk-lib'
import { Aws, CfnMapping } from 'aws-cdk-lib'
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { PREFIXES } from '../../src/runtime/environment.ts'

export interface JobNetworkProps {
  readonly cidr: string
  /** The only bucket of ours that is reachable. */
  readonly bucket: Bucket
  /** ARNs of the repositories that images may be pulled from. */
  readonly repositoryArns: readonly string[]
  /** The only log group that may be written to. */
  readonly jobLogGroupArn: string
  readonly logRetention: RetentionDays
  readonly removalPolicy: RemovalPolicy
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

/**
 * Where jobs run: subnets with no route out. What a task can reach, even with credentials that its author packed into it,
 * is what the policies of the endpoints name: its image, its log group, the API and the bucket's run prefixes.
 */
export class JobNetwork extends Construct {
  readonly vpc: IVpc
  readonly jobSecurityGroup: SecurityGroup
  /** Endpoint through which the stager calls the API. */
  readonly apiEndpoint: InterfaceVpcEndpoint
  private readonly endpointSecurityGroup: SecurityGroup

  constructor(scope: Construct, id: string, props: JobNetworkProps) {
    super(scope, id)
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(props.cidr),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'jobs', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 20 }],
    })
    // The class says `vpnGatewayId?: string | undefined`, its interface only `?: string`: the same, but not to the compiler.
    this.vpc = vpc as IVpc
    // Refused connections only: a task that tries to get out shows here.
    this.vpc.addFlowLog('FlowLog', {
      trafficType: FlowLogTrafficType.REJECT,
      destination: FlowLogDestination.toCloudWatchLogs(
        new LogGroup(this, 'RefusedConnections', {
          retention: props.logRetention,
          removalPolicy: props.removalPolicy,
        }),
      ),
    })
    this.endpointSecurityGroup = new SecurityGroup(this, 'EndpointSecurityGroup', {
      vpc: this.vpc,
      description: 'VPC endpoints, reached by jobs',
      allowAllOutbound: false,
    })
    this.jobSecurityGroup = new SecurityGroup(this, 'JobSecurityGroup', {
      vpc: this.vpc,
      description: 'Jobs, which reach VPC endpoints and S3',
      allowAllOutbound: false,
    })
    this.jobSecurityGroup.connections.allowTo(this.endpointSecurityGroup, Port.HTTPS, 'VPC endpoints')
    const prefixLists = new CfnMapping(this, 'S3PrefixLists', { mapping: S3_PREFIX_LISTS })
    this.jobSecurityGroup.addEgressRule(
      Peer.prefixList(prefixLists.findInMap(Aws.REGION, 'id')),
      Port.HTTPS,
      'S3, through its gateway endpoint',
    )

    this.addS3Endpoint(props.bucket)
    this.addRegistryEndpoints(props.repositoryArns)
    this.addEndpoint('LogsEndpoint', InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS, [
      ownAccountOnly(['logs:CreateLogStream', 'logs:PutLogEvents'], [props.jobLogGroupArn]),
    ])
    this.apiEndpoint = this.addEndpoint('ApiEndpoint', InterfaceVpcEndpointAwsService.APIGATEWAY, [
      // The stager calls without credentials; the API's own policy and the run's secret decide.
      anyone(['execute-api:Invoke'], [`arn:${Aws.PARTITION}:execute-api:${Aws.REGION}:${Aws.ACCOUNT_ID}:*`]),
    ])
  }

  private addS3Endpoint(bucket: Bucket): void {
    const endpoint = this.vpc.addGatewayEndpoint('S3Endpoint', { service: GatewayVpcEndpointAwsService.S3 })
    // Presigned: the principal is the function that signed, or the registry for its layers.
    endpoint.addToPolicy(anyone(['s3:GetObject'], [bucket.arnForObjects(`${PREFIXES.runInputs}*`)]))
    endpoint.addToPolicy(anyone(['s3:PutObject'], [bucket.arnForObjects(`${PREFIXES.runOutputs}*`)]))
    const layers = `arn:${Aws.PARTITION}:s3:::prod-${Aws.REGION}-starport-layer-bucket/*`
    endpoint.addToPolicy(anyone(['s3:GetObject'], [layers]))
  }

  private addRegistryEndpoints(repositoryArns: readonly string[]): void {
    const statements = [
      ownAccountOnly(['ecr:GetAuthorizationToken'], ['*']),
      ownAccountOnly(
        ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        repositoryArns,
      ),
    ]
    this.addEndpoint('RegistryApiEndpoint', InterfaceVpcEndpointAwsService.ECR, statements)
    this.addEndpoint('RegistryEndpoint', InterfaceVpcEndpointAwsService.ECR_DOCKER, statements)
  }

  private addEndpoint(
    id: string,
    service: InterfaceVpcEndpointAwsService,
    statements: readonly PolicyStatement[],
  ): InterfaceVpcEndpoint {
    const endpoint = new InterfaceVpcEndpoint(this, id, {
      vpc: this.vpc,
      service,
      subnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [this.endpointSecurityGroup],
      privateDnsEnabled: true,
      // Only the jobs' security group, not the whole address range.
      open: false,
    })
    for (const statement of statements) endpoint.addToPolicy(statement)
    return endpoint
  }
}

function anyone(actions: readonly string[], resources: readonly string[]): PolicyStatement {
  return new PolicyStatement({
    principals: [new AnyPrincipal()],
    actions: [...actions],
    resources: [...resources],
  })
}

/** Keeps credentials of another account, packed into an image, from carrying data out through our endpoint. */
function ownAccountOnly(actions: readonly string[], resources: readonly string[]): PolicyStatement {
  const statement = anyone(actions, resources)
  statement.addCondition('StringEquals', { 'aws:PrincipalAccount': Aws.ACCOUNT_ID })
  return statement
}
