import { ArnFormat, Aws, CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import { type FunctionName, IMPORT_REQUESTED } from '../../src/contract/environment.ts'
import { queueArnsOf } from '../../src/contract/job-queues.ts'
import { PREFIXES } from '../../src/contract/storage-keys.ts'
import { EventTrigger } from '../constructs/event-trigger.ts'
import { EngineFunction, type VariablesOf } from '../constructs/function.ts'
import { permissionsOf, useKey } from '../constructs/function-permissions.ts'
import { Observability } from '../constructs/observability.ts'
import type { Permission } from '../constructs/permissions.ts'
import { API_STAGE, type ApiAccess, EngineApi } from '../constructs/rest-api.ts'
import { RunWorkflow } from '../constructs/run-workflow.ts'
import { type EmulatorAddresses, hostsOf } from '../emulator.ts'
import type { JobPlatform, Stage } from '../stages.ts'

export interface ServiceStackProps extends StackProps {
  readonly stage: Stage
  readonly bucket: Bucket
  readonly table: Table
  readonly jobLogGroup: LogGroup
  readonly platform: JobPlatform
  /** What bucket and table are encrypted with, if it is no key of AWS. */
  readonly keyArn?: string
}

/** Memory (and with it processor time) and longest time of one call. */
const SIZES: Readonly<Record<FunctionName, { readonly memoryMib: number; readonly timeout: Duration }>> = {
  // API Gateway waits 29 seconds. 1769 MiB come with one whole processor; the largest JSON document was measured to take half of it.
  api: { memoryMib: 1769, timeout: Duration.seconds(29) },
  // Twice the 1769 MiB that come with one whole processor: one makes digests, the other decompresses and compresses. Of the
  // memory itself some 250 MB are used (`npm run bench:import`).
  'import-bundle': { memoryMib: 3538, timeout: Duration.minutes(15) },
  'submit-job': { memoryMib: 256, timeout: Duration.minutes(1) },
  'record-job-state': { memoryMib: 256, timeout: Duration.seconds(30) },
  'collect-outputs': { memoryMib: 1024, timeout: Duration.minutes(15) },
  'fail-run': { memoryMib: 256, timeout: Duration.seconds(30) },
  // As long as the time between two sweeps of production: about 100 000 runs.
  'sweep-runs': { memoryMib: 512, timeout: Duration.minutes(5) },
}

/** Everything without state, wired as in the picture of docs/architecture.md. */
export class ServiceStack extends Stack {
  /** Base URL of the API of callers, without a slash at its end. */
  readonly apiUrl: string
  readonly apiId: string
  /** Where alarms report to; left out where there are none. */
  readonly alarmTopic?: ITopic

  constructor(scope: Construct, id: string, props: ServiceStackProps) {
    const { stage, bucket, table, jobLogGroup, platform, keyArn, ...stackProps } = props
    super(scope, id, stackProps)
    const stateMachineName = `${stage.prefix}-run`
    // Composed, never asked of the machine: it names the functions, and the circle would close.
    const stateMachineArn = this.formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: stateMachineName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    })
    const permissions = permissionsOf({
      prefix: stage.prefix,
      tableArn: table.tableArn,
      bucketArn: bucket.bucketArn,
      stateMachineName,
      stateMachineArn,
      jobLogGroupArn: jobLogGroup.logGroupArn,
      jobQueueArns: queueArnsOf(platform.queues),
      jobExecutionRoleArn: platform.executionRoleArn,
    })
    const add = <Name extends FunctionName>(functionId: string, name: Name, variables: VariablesOf<Name>) =>
      this.addFunction(functionId, {
        stage,
        name,
        variables,
        permissions: keyArn === undefined ? permissions[name] : [...permissions[name], useKey(keyArn)],
      })

    const installation = stage.prefix
    const resourceTags = JSON.stringify(this.tags.tagValues())
    const jobQueues = this.toJsonString(platform.queues)
    const { tableName } = table
    const { bucketName } = bucket
    const registryUrl =
      stage.emulator?.functions.registryUrl ?? `https://${Aws.ACCOUNT_ID}.dkr.ecr.${Aws.REGION}.amazonaws.com`

    const api = add('Api', 'api', {
      installation,
      tableName,
      bucketName,
      stateMachineArn,
      jobLogGroup: jobLogGroup.logGroupName,
      registryUrl,
      // API Gateway answers for its own hosts only; an emulator for whatever name leads to it.
      knownHosts: stage.emulator === undefined ? '*' : hostsOf(stage.emulator).join(','),
    })
    const { restApi, stagerApi } = new EngineApi(this, 'RestApi', {
      name: installation,
      handler: api,
      access: accessOf(stage, platform),
      throttle: stage.throttle,
      logRetention: stage.logRetention,
      removalPolicy: stage.removalPolicy,
    })
    this.apiId = restApi.restApiId
    this.apiUrl = apiUrlOf(this.apiId, stage.emulator?.clients)

    const importBundle = add('ImportBundle', 'import-bundle', {
      installation,
      resourceTags,
      tableName,
      bucketName,
      registryUrl,
      repositoryPrefix: stage.prefix,
      jobDefinitionPrefix: stage.prefix,
      jobExecutionRoleArn: platform.executionRoleArn,
      jobLogGroup: jobLogGroup.logGroupName,
      attemptTimeoutSeconds: String(stage.attemptTimeout.toSeconds()),
      stagerImage: platform.stagerImage,
      jobLogRegion: Aws.REGION,
      defaultRamBytes: String(stage.defaultRam.toBytes()),
      jobQueues,
    })
    const imports = new EventTrigger(this, 'UploadedBundle', {
      description: 'An upload is complete: import it',
      pattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [bucketName] }, object: { key: [{ prefix: PREFIXES.uploads }] } },
      },
      target: importBundle,
    })
    imports.addRule('Requested', {
      description: 'An install, or the rest of a long import: go on with it',
      pattern: {
        source: [IMPORT_REQUESTED.sourceOf(installation)],
        detailType: [IMPORT_REQUESTED.detailType],
      },
    })

    const submitJob = add('SubmitJob', 'submit-job', {
      installation,
      resourceTags,
      tableName,
      stateMachineArn,
      jobLogGroup: jobLogGroup.logGroupName,
      jobQueues,
      stagerApiUrl: `${apiUrlOf(stagerApi.restApiId, stage.emulator?.jobs)}/app-engine/v1/`,
    })
    const collectOutputs = add('CollectOutputs', 'collect-outputs', { installation, tableName, bucketName })
    const failRun = add('FailRun', 'fail-run', { installation, tableName })
    const { stateMachine } = new RunWorkflow(this, 'RunWorkflow', {
      stateMachineName,
      submitJob,
      collectOutputs,
      failRun,
      runTimeout: stage.runTimeout,
      logRetention: stage.logRetention,
      removalPolicy: stage.removalPolicy,
    })

    const recordJobState = add('RecordJobState', 'record-job-state', {
      installation,
      tableName,
      bucketName,
      stateMachineArn,
      jobLogGroup: jobLogGroup.logGroupName,
    })
    const jobStates = new EventTrigger(this, 'JobStateChange', {
      description: 'A job of our queue changed its state, or cannot be placed: record it',
      pattern: {
        source: ['aws.batch'],
        detailType: ['Batch Job State Change', 'Batch Job Queue Blocked'],
        detail: { jobQueue: queueArnsOf(platform.queues) },
      },
      target: recordJobState,
    })

    const sweepRuns = add('SweepRuns', 'sweep-runs', {
      installation,
      tableName,
      bucketName,
      registryUrl,
      stateMachineArn,
      jobQueues,
      jobLogGroup: jobLogGroup.logGroupName,
      sweepGraceSeconds: String(stage.sweep.grace.toSeconds()),
      sweepStepLimitSeconds: String(stage.sweep.stepLimit.toSeconds()),
      sweepLateWriteSeconds: String(stage.sweep.lateWrites.toSeconds()),
    })
    const sweeps = new EventTrigger(this, 'Sweep', {
      description: 'From time to time: look after runs whose events were lost',
      every: stage.sweep.every,
      target: sweepRuns,
    })

    if (stage.emulator === undefined) {
      const { alarmTopic } = new Observability(this, 'Observability', {
        installation,
        watched: {
          restApi,
          stagerApi,
          functions: {
            api: api.lambda,
            'import-bundle': importBundle.lambda,
            'submit-job': submitJob.lambda,
            'record-job-state': recordJobState.lambda,
            'collect-outputs': collectOutputs.lambda,
            'fail-run': failRun.lambda,
            'sweep-runs': sweepRuns.lambda,
          },
          stateMachine,
          table,
          deadLetters: {
            Imports: imports.deadLetters,
            JobStates: jobStates.deadLetters,
            Sweeps: sweeps.deadLetters,
          },
        },
        longestSilence: stage.runTimeout.plus(stage.sweep.stepLimit),
        ...(stage.alarmEmail === undefined ? {} : { alarmEmail: stage.alarmEmail }),
      })
      this.alarmTopic = alarmTopic
    }

    this.addOutputs({
      ApiUrl: this.apiUrl,
      BucketName: bucketName,
      TableName: tableName,
      StateMachineArn: stateMachineArn,
      JobLogGroup: jobLogGroup.logGroupName,
      JobQueueArn: platform.queues.fargate.arn,
      ApiFunctionName: api.lambda.functionName,
      ImportBundleFunctionName: importBundle.lambda.functionName,
      SubmitJobFunctionName: submitJob.lambda.functionName,
      RecordJobStateFunctionName: recordJobState.lambda.functionName,
      CollectOutputsFunctionName: collectOutputs.lambda.functionName,
      FailRunFunctionName: failRun.lambda.functionName,
      SweepRunsFunctionName: sweepRuns.lambda.functionName,
    })
  }

  private addFunction<Name extends FunctionName>(
    id: string,
    props: {
      readonly stage: Stage
      readonly name: Name
      readonly variables: VariablesOf<Name>
      readonly permissions: readonly Permission[]
    },
  ): EngineFunction<Name> {
    const { stage, name, variables } = props
    const created = new EngineFunction(this, id, {
      name,
      variables,
      ...SIZES[name],
      logRetention: stage.logRetention,
      removalPolicy: stage.removalPolicy,
      ...(stage.emulator === undefined ? {} : { emulator: stage.emulator }),
    })
    for (const permission of props.permissions) created.allow(permission)
    return created
  }

  private addOutputs(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) new CfnOutput(this, name, { value })
  }
}

/**
 * The stage's access and, where jobs have a network of their own, the endpoint through which their stagers come.
 * @throws Error when the settings would open the API to everybody or lock the jobs out.
 */
function accessOf({ access, emulator }: Stage, { apiEndpointId }: JobPlatform): ApiAccess {
  if (access.mode === 'open') {
    if (emulator !== undefined) return access
    throw new Error('access "open" is for an emulator: on AWS, choose "private" or "iam"')
  }
  const own = apiEndpointId === undefined ? {} : { stagerEndpointId: apiEndpointId }
  if (access.mode === 'private') return { ...access, ...own }
  if (apiEndpointId !== undefined) return { mode: 'iam', stagerEndpointId: apiEndpointId }
  throw new Error(
    'access "iam" with jobs that have no VPC endpoint for execute-api (apiEndpointId): they cannot sign, and come through that only',
  )
}

/** Base URL without a slash at its end; composed from the id, because `restApi.url` would refer to the deployment. */
function apiUrlOf(restApiId: string, emulator: EmulatorAddresses | undefined): string {
  return emulator === undefined
    ? `https://${restApiId}.execute-api.${Aws.REGION}.amazonaws.com/${API_STAGE}`
    : `${emulator.endpoint}/restapis/${restApiId}/${API_STAGE}/_user_request_`
}
