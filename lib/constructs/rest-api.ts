import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import {
  AccessLogFormat,
  AuthorizationType,
  CfnAccount,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway'
import {
  AnyPrincipal,
  Effect,
  ManagedPolicy,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Stage } from '../settings.ts'
import { addGatewayAnswers } from './gateway-answers.ts'
import { EngineLogGroup } from './log-group.ts'

/** Name of the only stage of the REST API: first part of the path on AWS. */
export const API_STAGE = 'api'

const STAGING_PATH = 'app-engine/v1/task-runs/{id}/staging'

/** Stage, methods and paths that stagers call, as the ARN of such a request ends. */
export const STAGING_ROUTES = `${API_STAGE}/*/${STAGING_PATH.replace('{id}', '*')}/*`

/** Who may call the APIs of one installation. */
export type ApiAccess =
  | {
      readonly mode: 'private'
      /** Endpoints of callers; nobody can call without one. */
      readonly vpcEndpointIds: readonly string[]
      /** Endpoint of stagers, in the network of the jobs. */
      readonly stagerEndpointId: string
    }
  /** Callers by IAM; stagers, which have no credentials, through this VPC endpoint of the jobs' network. */
  | { readonly mode: 'iam'; readonly stagerEndpointId: string }
  /** Anyone who can reach it; with an emulator only. */
  | { readonly mode: 'open' }

export interface EngineApiProps {
  readonly handler: IFunction
  readonly access: ApiAccess
  readonly stage: Pick<Stage, 'prefix' | 'throttle' | 'logRetentionDays' | 'keepData'>
}

/** One of the REST APIs. */
interface ApiSettings {
  readonly name: string
  readonly description: string
  /** Makes it private, for these VPC endpoints; a regional API has none. */
  readonly onlyThrough?: readonly string[]
  readonly authorizationType: AuthorizationType
  /** Why not every route asks for IAM credentials. */
  readonly whyNotAuthorized: string
  /** Requests a second, and at once. */
  readonly throttle: { readonly rate: number; readonly burst: number }
}

/**
 * Three times what stagers can ask for: Fargate starts 20 runs a second and 100 at once, and each makes some 15 requests (docs/scale.md). The
 * stage's own limit is for callers: stagers that it refused for half a minute would make their runs fail.
 */
const STAGER_THROTTLE = { rate: 1000, burst: 2000 } as const

/** Fields of the access log. No header and no query: they carry secrets and signatures. */
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

/**
 * REST APIs (version 1, which alone can be private) that send every request to one function.
 *
 * Stagers have a private API of their own, with the staging routes and nothing else. Tasks share their network, and would reach
 * whatever route the jobs' endpoint opens. Where callers sign, stagers could not reach the callers' API either: that is regional,
 * and such an endpoint leads to private APIs only (https://repost.aws/knowledge-center/api-gateway-vpc-connections).
 */
export class EngineApi extends Construct {
  /** The API of callers. */
  readonly restApi: RestApi
  /** The API of stagers; with an emulator the same one. */
  readonly stagerApi: RestApi
  private readonly props: EngineApiProps
  private readonly accessLog: LogGroup
  private readonly logging: CfnAccount

  constructor(scope: Construct, id: string, props: EngineApiProps) {
    super(scope, id)
    this.props = props
    const { access, stage } = props
    this.accessLog = new EngineLogGroup(this, 'AccessLog', stage)
    this.logging = this.allowLogging()
    this.restApi = this.addApi('RestApi', {
      // Metrics of an API carry its name.
      name: stage.prefix,
      description: 'Cytomine App Engine',
      throttle: stage.throttle,
      ...callersOf(access),
    })
    this.restApi.root.addMethod('ANY')
    this.restApi.root.addProxy({ anyMethod: true })
    const stagerEndpointId = access.mode === 'open' ? undefined : access.stagerEndpointId
    this.stagerApi = stagerEndpointId === undefined ? this.restApi : this.addStagerApi(stagerEndpointId)
  }

  private addStagerApi(vpcEndpointId: string): RestApi {
    const api = this.addApi('StagerApi', {
      name: `${this.props.stage.prefix}-stager`,
      description: 'Cytomine App Engine: staging routes, for jobs',
      throttle: STAGER_THROTTLE,
      onlyThrough: [vpcEndpointId],
      authorizationType: AuthorizationType.NONE,
      whyNotAuthorized:
        'Only through the endpoint of the jobs, on routes that carry the secret of their run: jobs have no credentials',
    })
    api.root.resourceForPath(`/${STAGING_PATH}`).addProxy({ anyMethod: true })
    return api
  }

  private addApi(id: string, settings: ApiSettings): RestApi {
    const { onlyThrough, authorizationType, throttle } = settings
    const { handler } = this.props
    const api = new RestApi(this, id, {
      restApiName: settings.name,
      description: settings.description,
      endpointTypes: [onlyThrough === undefined ? EndpointType.REGIONAL : EndpointType.PRIVATE],
      ...(onlyThrough === undefined ? {} : { policy: policyFor(onlyThrough) }),
      // Bodies pass as they are, whatever their type.
      binaryMediaTypes: ['*/*'],
      cloudWatchRole: false,
      deployOptions: {
        stageName: API_STAGE,
        throttlingRateLimit: throttle.rate,
        throttlingBurstLimit: throttle.burst,
        accessLogDestination: new LogGroupLogDestination(this.accessLog),
        accessLogFormat: AccessLogFormat.custom(ACCESS_LOG),
        loggingLevel: MethodLoggingLevel.ERROR,
        dataTraceEnabled: false,
        metricsEnabled: true,
      },
      defaultIntegration: new LambdaIntegration(handler, { allowTestInvoke: false }),
      defaultMethodOptions: { authorizationType },
    })
    api.deploymentStage.node.addDependency(this.logging)
    addGatewayAnswers(api)
    acknowledgeRules(api, settings.whyNotAuthorized)
    return api
  }

  /** API Gateway writes logs with a role that the account has once in each region. */
  private allowLogging(): CfnAccount {
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
    // Retained with `keepData: false` too: the setting of the account refers to this role, and without it all APIs of the account
    // lose their logs.
    role.applyRemovalPolicy(RemovalPolicy.RETAIN)
    const account = new CfnAccount(this, 'LoggingAccount', { cloudWatchRoleArn: role.roleArn })
    account.applyRemovalPolicy(RemovalPolicy.RETAIN)
    return account
  }
}

/** Endpoint and authorization of the callers' API. */
function callersOf(
  access: ApiAccess,
): Pick<ApiSettings, 'onlyThrough' | 'authorizationType' | 'whyNotAuthorized'> {
  switch (access.mode) {
    case 'private':
      return {
        onlyThrough: access.vpcEndpointIds,
        authorizationType: AuthorizationType.NONE,
        whyNotAuthorized:
          'The caller sends no credentials; the resource policy lets only named VPC endpoints in',
      }
    case 'iam':
      return {
        authorizationType: AuthorizationType.IAM,
        whyNotAuthorized: 'Every route is authorized, by IAM',
      }
    case 'open':
      return {
        authorizationType: AuthorizationType.NONE,
        whyNotAuthorized: 'An emulator on the machine of its user',
      }
  }
}

function acknowledgeRules(api: RestApi, whyNotAuthorized: string): void {
  Validations.of(api).acknowledge(
    {
      id: 'AwsSolutions-APIG2',
      reason: 'The function validates every request against the schemas of the contract',
    },
    {
      id: 'AwsSolutions-APIG3',
      reason: 'Not on the internet without credentials; a stage may add a web ACL',
    },
    { id: 'AwsSolutions-APIG4', reason: whyNotAuthorized },
    { id: 'AwsSolutions-COG4', reason: `No user pool: people log in to Cytomine. ${whyNotAuthorized}` },
  )
}

/** API Gateway denies what no statement allows, but a policy needs a statement. */
function policyFor(vpcEndpointIds: readonly string[]): PolicyDocument {
  const invoke = {
    principals: [new AnyPrincipal()],
    actions: ['execute-api:Invoke'],
    resources: ['execute-api:/*'],
  }
  const statement =
    vpcEndpointIds.length === 0
      ? { ...invoke, effect: Effect.DENY }
      : { ...invoke, conditions: { StringEquals: { 'aws:SourceVpce': [...vpcEndpointIds] } } }
  return new PolicyDocument({ statements: [new PolicyStatement(statement)] })
}
