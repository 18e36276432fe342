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

/** Calls of stagers as the last part of an `execute-api` ARN: stage, any method, path. */
export const STAGING_ROUTES = `${API_STAGE}/*/${STAGING_PATH.replace('{id}', '*')}/*`

/** Access to the APIs of one installation. */
export type ApiAccess =
  | {
      readonly mode: 'private'
      /** VPC endpoints of callers; without one, all calls are refused. */
      readonly vpcEndpointIds: readonly string[]
      /** VPC endpoint of stagers, in the network of the jobs. */
      readonly stagerEndpointId: string
    }
  /** Callers by IAM; stagers, which have no credentials, through this VPC endpoint of the jobs' network. */
  | { readonly mode: 'iam'; readonly stagerEndpointId: string }
  /** No restriction; with an emulator only. */
  | { readonly mode: 'open' }

export interface EngineApiProps {
  readonly handler: IFunction
  readonly access: ApiAccess
  readonly stage: Pick<Stage, 'prefix' | 'throttle' | 'logRetentionDays' | 'keepData'>
}

/** Properties of one REST API. */
interface ApiSettings {
  readonly name: string
  readonly description: string
  /** VPC endpoints of a private API; absent for a regional one. */
  readonly onlyThrough?: readonly string[]
  readonly authorizationType: AuthorizationType
  /** Reason for which not every route requires IAM credentials. */
  readonly whyNotAuthorized: string
  /** Requests per second, and burst. */
  readonly throttle: { readonly rate: number; readonly burst: number }
}

/**
 * Three times the maximum rate of stagers: Fargate starts 20 runs per second and 100 at once, and each makes about 15 requests
 * (docs/scale.md). The stage's own limit is for callers. A run fails when its stager is throttled for half a minute.
 */
const STAGER_THROTTLE = { rate: 1000, burst: 2000 } as const

/** Fields of the access log. Headers and queries are omitted, because they carry secrets and signatures. */
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
 * REST APIs (version 1, since only these can be private) that send every request to one function. Stagers have a separate private
 * API with the staging routes only, because tasks share their network and can reach every route that the jobs' endpoint allows.
 * In mode `iam`, stagers could not reach the callers' API: it is regional, and a VPC endpoint leads to private APIs only
 * (https://repost.aws/knowledge-center/api-gateway-vpc-connections).
 */
export class EngineApi extends Construct {
  /** The API of callers. */
  readonly restApi: RestApi
  /** The API of stagers; with an emulator, that of callers. */
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
      // The metrics of an API have its name as dimension.
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
      // Passes bodies of every type unchanged.
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

  /** API Gateway writes logs with a role that an account has once per Region. */
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
          'The caller sends no credentials; the resource policy allows only named VPC endpoints',
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

/** Without endpoints the policy denies everything: API Gateway denies by default, but requires a statement. */
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
