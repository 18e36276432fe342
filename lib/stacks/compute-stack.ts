import { Stack, type StackProps } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { FargateQueue } from '../constructs/fargate-queue.ts'
import { JobNetwork } from '../constructs/job-network.ts'
import { allow } from '../constructs/permissions.ts'
import { StagerImage } from '../constructs/stager-image.ts'
import type { FargateSettings, JobPlatform, Stage } from '../stages.ts'

export interface ComputeStackProps extends StackProps {
  readonly stage: Stage
  readonly settings: FargateSettings
  readonly bucket: Bucket
  readonly jobLogGroup: LogGroup
}

/** Where jobs run: network, queue and the role that starts containers. No job role: a task has no credentials at all. */
export class ComputeStack extends Stack {
  readonly platform: Required<JobPlatform>

  constructor(
    scope: Construct,
    id: string,
    { stage, settings, bucket, jobLogGroup, ...props }: ComputeStackProps,
  ) {
    super(scope, id, props)
    const stagerImage = new StagerImage(this, 'StagerImage')
    const repositoryArns = [
      this.formatArn({ service: 'ecr', resource: 'repository', resourceName: `${stage.prefix}/*` }),
      stagerImage.repository.repositoryArn,
    ]
    const network = new JobNetwork(this, 'Network', {
      cidr: settings.cidr,
      bucket,
      repositoryArns,
      jobLogGroupArn: jobLogGroup.logGroupArn,
      logRetention: stage.logRetention,
      removalPolicy: stage.removalPolicy,
    })
    const queue = new FargateQueue(this, 'Queue', {
      network,
      maxVcpus: settings.maxVcpus,
      longestUnplaceable: settings.longestUnplaceable,
    })
    const executionRole = this.executionRole(repositoryArns, jobLogGroup)
    this.platform = {
      queueArn: queue.queueArn,
      executionRoleArn: executionRole.roleArn,
      stagerImage: stagerImage.imageUri,
      apiEndpointId: network.apiEndpoint.vpcEndpointId,
    }
  }

  /** Used by the container agent, never by what runs in the containers. */
  private executionRole(repositoryArns: readonly string[], jobLogGroup: LogGroup): Role {
    const role = new Role(this, 'ExecutionRole', {
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    })
    allow(role, {
      actions: ['ecr:GetAuthorizationToken'],
      resources: ['*'],
      because: 'A token is for the registry of the account; the action has no resource level',
    })
    allow(role, {
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      resources: repositoryArns,
      because: 'One repository for each task, made by imports',
    })
    allow(role, {
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [jobLogGroup.logGroupArn],
    })
    return role
  }
}
