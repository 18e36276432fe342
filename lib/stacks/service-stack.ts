import { ArnFormat, Aws, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'
import { EventBus } from 'aws-cdk-lib/aws-events'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import { queueArnsOf } from '../../src/contract/job-queues.ts'
import { ChangeTrigger } from '../constructs/change-trigger.ts'
import { DeliveryQueue } from '../constructs/delivery-queue.ts'
import { EventTrigger } from '../constructs/event-trigger.ts'
import { EngineFunction } from '../constructs/function.ts'
import type { FunctionContext, FunctionDefinition } from '../constructs/function-definition.ts'
import { grantsOn, useKey } from '../constructs/grants.ts'
import { Observability } from '../constructs/observability.ts'
import { API_STAGE, type ApiAccess, EngineApi } from '../constructs/rest-api.ts'
import { RunSetWorkflow, type SetStep } from '../constructs/run-set-workflow.ts'
import { RunWorkflow } from '../constructs/run-workflow.ts'
import type { EmulatorAddresses } from '../emulator.ts'
import { FUNCTIONS } from '../functions/index.ts'
import type { JobPlatform } from '../job-platform.ts'
import type { Stage } from '../settings.ts'

export interface ServiceStackProps extends StackProps {
  readonly stage: Stage
  readonly bucket: Bucket
  readonly table: Table
  readonly jobLogGroup: LogGroup
  readonly platform: JobPlatform
  /** Key of bucket and table; undefined for keys of AWS. */
  readonly keyArn?: string
}

/** All resources without state: API, functions, workflow, alarms (docs/architecture.md). */
export class ServiceStack extends Stack {
  /** Base URL of the API of callers, without a slash at its end. */
  readonly apiUrl: string
  readonly apiId: string
  /** Topic of the alarms; undefined with an emulator. */
  readonly alarmTopic?: ITopic
  private readonly functions: readonly EngineFunction[]
  private readonly deliveries: DeliveryQueue

  constructor(scope: Construct, id: string, props: ServiceStackProps) {
    const { stage, bucket, table, jobLogGroup, platform, keyArn, ...stackProps } = props
    super(scope, id, stackProps)
    this.functions = FUNCTIONS.map((definition) => new EngineFunction(this, { definition, stage }))
    const apis = new EngineApi(this, 'RestApi', {
      stage,
      handler: this.calledBy('api'),
      access: accessOf(stage, platform),
    })
    this.apiId = apis.restApi.restApiId
    this.apiUrl = apiUrlOf(this.apiId, stage.emulator?.clients)
    const stateMachineName = `${stage.prefix}-run`
    const setMachineName = `${stage.prefix}-run-set`
    const { eventBusName } = new EventBus(this, 'Events', {
      eventBusName: `${stage.prefix}-events`,
      description: 'State changes of runs, run sets and imports: docs/events.md',
    })
    this.deliveries = new DeliveryQueue(this, 'WebhookDeliveries')
    const context = this.functionContext(
      props,
      { stateMachineName, setMachineName, eventBusName },
      apiUrlOf(apis.stagerApi.restApiId, stage.emulator?.jobs),
    )
    for (const one of this.functions) {
      one.setVariables(one.definition.variables(context))
      for (const permission of one.definition.permissions(context)) one.allow(permission)
      if (keyArn !== undefined) one.allow(useKey(keyArn))
    }
    const functions = {
      SubmitJob: this.calledBy('SubmitJob'),
      CollectOutputs: this.calledBy('CollectOutputs'),
      FailRun: this.calledBy('FailRun'),
      WorkOnRunSet: this.calledBy('WorkOnRunSet'),
    }
    const { stateMachine } = new RunWorkflow(this, 'RunWorkflow', { stateMachineName, functions, stage })
    const setMachine = new RunSetWorkflow(this, 'RunSetWorkflow', {
      stateMachineName: setMachineName,
      functions,
      stage,
    }).stateMachine
    const deadLetters = this.addTriggers(context, table)

    if (stage.emulator === undefined) {
      const { alarmTopic } = new Observability(this, 'Observability', {
        stage,
        watched: {
          ...apis,
          functions: Object.fromEntries(
            this.functions.map(({ definition, lambda }) => [definition.name, lambda]),
          ),
          stateMachines: [stateMachine, setMachine],
          table,
          deadLetters,
        },
      })
      this.alarmTopic = alarmTopic
    }

    this.addOutputs({
      ApiUrl: this.apiUrl,
      BucketName: bucket.bucketName,
      TableName: table.tableName,
      StateMachineArn: context.values.stateMachineArn,
      SetMachineArn: context.values.setMachineArn,
      JobLogGroup: jobLogGroup.logGroupName,
      EventBusName: eventBusName,
      JobQueueArn: platform.queues.fargate.arn,
      ...Object.fromEntries(
        this.functions.map(({ node, lambda }) => [`${node.id}FunctionName`, lambda.functionName]),
      ),
    })
  }

  /** @throws Error when no function of `lib/functions/` has the trigger */
  private calledBy(trigger: 'api' | SetStep): IFunction {
    const found = this.functions.find(({ definition }) => definition.trigger === trigger)
    if (found === undefined) throw new Error(`no function in lib/functions has the trigger ${trigger}`)
    return found.lambda
  }

  private functionContext(
    { stage, bucket, table, jobLogGroup, platform }: ServiceStackProps,
    {
      stateMachineName,
      setMachineName,
      eventBusName,
    }: Readonly<Record<'stateMachineName' | 'setMachineName' | 'eventBusName', string>>,
    stagerApiUrl: string,
  ): FunctionContext {
    // Composed instead of `stateMachine.stateMachineArn`: the state machine refers to the functions, so that would be a circular reference.
    const machineArn = (resourceName: string): string =>
      this.formatArn({
        service: 'states',
        resource: 'stateMachine',
        resourceName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      })
    const [stateMachineArn, setMachineArn] = [machineArn(stateMachineName), machineArn(setMachineName)]
    return {
      stage,
      platform,
      stagerApiUrl,
      values: {
        installation: stage.prefix,
        resourceTags: JSON.stringify(this.tags.tagValues()),
        tableName: table.tableName,
        bucketName: bucket.bucketName,
        stateMachineArn,
        setMachineArn,
        jobLogGroup: jobLogGroup.logGroupName,
        eventBusName,
        deliveryQueueUrl: this.deliveries.queue.queueUrl,
        jobQueues: this.toJsonString(platform.queues),
        registryUrl:
          stage.emulator?.functions.registryUrl ??
          `https://${Aws.ACCOUNT_ID}.dkr.ecr.${Aws.REGION}.amazonaws.com`,
      },
      grants: grantsOn({
        prefix: stage.prefix,
        tableArn: table.tableArn,
        streamArn: streamArnOf(table),
        eventBusArn: this.formatArn({ service: 'events', resource: 'event-bus', resourceName: eventBusName }),
        deliveryQueueArn: this.deliveries.queue.queueArn,
        bucketArn: bucket.bucketArn,
        stateMachineName,
        stateMachineArn,
        setMachineName,
        setMachineArn,
        jobLogGroupArn: jobLogGroup.logGroupArn,
        jobQueueArns: queueArnsOf(platform.queues),
        jobExecutionRoleArn: platform.executionRoleArn,
      }),
    }
  }

  /** @returns the dead-letter queues of all triggers, by label */
  private addTriggers(context: FunctionContext, table: Table): Record<string, Queue> {
    const deadLetters: Record<string, Queue> = {}
    for (const { definition, lambda: target } of this.functions) {
      const { trigger } = definition
      if (typeof trigger === 'string') continue
      deadLetters[trigger.deadLetters] = this.triggerOf(trigger, { context, target, table }).deadLetters
    }
    return deadLetters
  }

  private triggerOf(
    trigger: Exclude<FunctionDefinition['trigger'], string>,
    props: { readonly context: FunctionContext; readonly target: IFunction; readonly table: Table },
  ): { readonly deadLetters: Queue } {
    const { context, target, table } = props
    if ('queue' in trigger) {
      this.deliveries.deliverBy(target)
      return this.deliveries
    }
    return 'rules' in trigger
      ? new EventTrigger(this, trigger.id, { target, rules: trigger.rules(context) })
      : new ChangeTrigger(this, trigger.id, {
          target,
          streamArn: streamArnOf(table),
          sortKeys: trigger.sortKeys,
        })
  }

  private addOutputs(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) new CfnOutput(this, name, { value })
  }
}

/** @throws Error for a table without a stream */
function streamArnOf({ tableStreamArn, node }: Table): string {
  if (tableStreamArn === undefined) throw new Error(`${node.path} has no stream`)
  return tableStreamArn
}

/** The stage's access, with the VPC endpoint of stagers if jobs have a network of their own. */
function accessOf({ access }: Stage, { apiEndpointId }: JobPlatform): ApiAccess {
  // Clients of the emulator have no credentials.
  return apiEndpointId === undefined ? { mode: 'open' } : { ...access, stagerEndpointId: apiEndpointId }
}

/** Base URL without a slash at its end; composed from the id, because `restApi.url` would refer to the deployment. */
function apiUrlOf(restApiId: string, emulator: EmulatorAddresses | undefined): string {
  return emulator === undefined
    ? `https://${restApiId}.execute-api.${Aws.REGION}.amazonaws.com/${API_STAGE}`
    : `${emulator.endpoint}/restapis/${restApiId}/${API_STAGE}/_user_request_`
}
