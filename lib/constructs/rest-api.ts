import { type RemovalPolicy, Validations } from 'aws-cdk-lib'
import {
  AccessLogFormat,
  AuthorizationType,
  CfnAccount,
  EndpointType,
  type IResource,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway'
import {
  AnyPrincipal,
  ManagedPolicy,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Access } from '../stages.ts'
import type { EngineFunction } from './function.ts'

/** Name of the only stage of the REST API: first part of the path on AWS. */
export const API_STAGE = 'api'

export interface EngineApiProps {
  /** Tells the metrics of this API from those of another in the account. */
  readonly name: string
  readonly handler: EngineFunction<'api'>
  readonly access: Access
  readonly throttle: { readonly rate: number; readonly burst: number }
  readonly logRetention: RetentionDays
  readonly removalPolicy: RemovalPolicy
}

/** What an access log says of a request: no header and no query, since those carry secrets and signatures. */
const ACCESS_LOG = JSON.stringify({
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  caller: '$context.identity.userArn',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  bytes: '$context.responseLength',
  milliseconds: '$context.responseLatency',
  error: '$context.error.message',
  integrationError: '$context.integration.error',
})

const WHY_NOT_AUTHORIZED = {
  private: 'The caller sends no credentials; the resource policy lets only named VPC endpoints in',
  iam: 'Signed by IAM, but for the staging routes, which carry the secret of their run',
  open: 'An emulator on the machine of its user',
} as const

/** The front door: a REST API of version 1 (only that can be private) that hands every request to one function. */
export class EngineApi extends Construct {
  readonly restApi: RestApi

  constructor(scope: Construct, id: string, props: EngineApiProps) {
    super(scope, id)
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: props.logRetention,
      removalPolicy: props.removalPolicy,
    })
    const { access } = props
    this.restApi = new RestApi(this, 'RestApi', {
      restApiName: props.name,
      description: 'Cytomine App Engine',
      endpointTypes: [access.mode === 'private' ? EndpointType.PRIVATE : EndpointType.REGIONAL],
      ...(access.mode === 'private' ? { policy: onlyThrough(access.vpcEndpointIds) } : {}),
      // Bodies pass as they are, whatever their type.
      binaryMediaTypes: ['*/*'],
      cloudWatchRole: false,
      deployOptions: {
        stageName: API_STAGE,
        throttlingRateLimit: props.throttle.rate,
        throttlingBurstLimit: props.throttle.burst,
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: AccessLogFormat.custom(ACCESS_LOG),
        loggingLevel: MethodLoggingLevel.ERROR,
        dataTraceEnabled: false,
        metricsEnabled: true,
      },
      defaultIntegration: new LambdaIntegration(props.handler.lambda, { allowTestInvoke: false }),
      defaultMethodOptions: {
        authorizationType: access.mode === 'iam' ? AuthorizationType.IAM : AuthorizationType.NONE,
      },
    })
    this.restApi.root.addMethod('ANY')
    this.restApi.root.addProxy({ anyMethod: true })
    if (access.mode === 'iam') addStagingRoutes(this.restApi.root)
    this.restApi.deploymentStage.node.addDependency(this.allowLogging(props.removalPolicy))
    this.acknowledgeRules(access)
  }

  /** API Gateway writes logs with a role that the account has once in each region. */
  private allowLogging(removalPolicy: RemovalPolicy): CfnAccount {
    const role = new Role(this, 'LoggingRole', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs'),
      ],
    })
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason: 'The policy that API Gateway documents for this role; the role serves all APIs of the account',
    })
    // Kept with the data: other APIs of the account would lose their logs with it.
    role.applyRemovalPolicy(removalPolicy)
    const account = new CfnAccount(this, 'LoggingAccount', { cloudWatchRoleArn: role.roleArn })
    account.applyRemovalPolicy(removalPolicy)
    return account
  }

  private acknowledgeRules(access: Access): void {
    const notAuthorized = WHY_NOT_AUTHORIZED[access.mode]
    Validations.of(this.restApi).acknowledge(
      {
        id: 'AwsSolutions-APIG2',
        reason: 'The function validates every request against the schemas of the contract',
      },
      {
        id: 'AwsSolutions-APIG3',
        reason: 'Not on the internet without credentials; a stage may add a web ACL',
      },
      { id: 'AwsSolutions-APIG4', reason: notAuthorized },
      { id: 'AwsSolutions-COG4', reason: `No user pool: people log in to Cytomine. ${notAuthorized}` },
    )
  }
}

function onlyThrough(vpcEndpointIds: readonly string[]): PolicyDocument {
  if (vpcEndpointIds.length === 0) throw new Error('a private API needs at least one VPC endpoint id')
  return new PolicyDocument({
    statements: [
      new PolicyStatement({
        principals: [new AnyPrincipal()],
        actions: ['execute-api:Invoke'],
        resources: ['execute-api:/*'],
        conditions: { StringEquals: { 'aws:SourceVpce': [...vpcEndpointIds] } },
      }),
    ],
  })
}

/**
 * Opens `/app-engine/v1/task-runs/{id}/staging/…`: the stager has no credentials to sign with and shows the run's secret.
 * A resource hides what a greedy sibling would have taken, so each level on the way gets the default method again.
 */
function addStagingRoutes(root: IResource): void {
  let resource = root
  for (const segment of ['app-engine', 'v1', 'task-runs', '{id}']) {
    resource = resource.addResource(segment)
    resource.addMethod('ANY')
    // Beside `{id}`, API Gateway takes no second variable.
    if (segment !== 'task-runs') resource.addProxy({ anyMethod: true })
  }
  resource
    .addResource('staging')
    .addProxy({ anyMethod: true, defaultMethodOptions: { authorizationType: AuthorizationType.NONE } })
}
