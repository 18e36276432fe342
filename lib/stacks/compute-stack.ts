import { Stack, type StackProps } from 'aws-cdk-lib'
import { Platform } from 'aws-cdk-lib/aws-ecr-assets'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import type { JobQueues } from '../../src/contract/job-queues.ts'
import { FargateQueue } from '../constructs/fargate-queue.ts'
import { JobNetwork } from '../constructs/job-network.ts'
import { MachineQueue } from '../constructs/machine-queue.ts'
import { allow } from '../constructs/permissions.ts'
import { ProgramImage } from '../constructs/program-image.ts'
import type { JobPlatform } from '../job-platform.ts'
import { largestJobOf } from '../settings/largest-job.ts'
import type { MachineSettings, Stage } from '../settings.ts'

export interface ComputeStackProps extends StackProps {
  readonly stage: Stage
  readonly bucket: Bucket
  readonly jobLogGroup: LogGroup
}

/** Network and queues of the jobs, and the role that starts containers. There is no job role: a task has no credentials. */
export class ComputeStack extends Stack {
  readonly platform: Required<JobPlatform>

  constructor(scope: Construct, id: string, { stage, bucket, jobLogGroup, ...props }: ComputeStackProps) {
    super(scope, id, props)
    const stagerImage = new ProgramImage(this, 'StagerImage', {
      program: 'stager',
      platform: Platform.LINUX_AMD64,
      stage,
    })
    const repositoryArns = [
      this.formatArn({ service: 'ecr', resource: 'repository', resourceName: `${stage.prefix}/*` }),
      stagerImage.repository.repositoryArn,
    ]
    const network = new JobNetwork(this, 'Network', {
      stage,
      bucket,
      repositoryArns,
      jobLogGroupArn: jobLogGroup.logGroupArn,
    })
    const executionRole = this.executionRole(repositoryArns, jobLogGroup)
    this.platform = {
      queues: this.addQueues(stage.queues, network),
      executionRoleArn: executionRole.roleArn,
      stagerImage: stagerImage.imageUri,
      apiEndpointId: network.apiEndpointId,
    }
  }

  private addQueues(queues: Stage['queues'], network: JobNetwork): JobQueues {
    const { longestUnplaceableMinutes, fargate, internet, ec2, gpu } = queues
    const isolated = {
      vpc: network.vpc,
      subnets: network.isolatedSubnets,
      securityGroup: network.jobSecurityGroup,
    }
    const { queueArn } = new FargateQueue(this, 'Queue', {
      ...isolated,
      ...fargate,
      longestUnplaceableMinutes,
    })
    const machines = (id: string, of: MachineSettings, hasGpus: boolean) => {
      const queue = new MachineQueue(this, id, {
        ...isolated,
        settings: of,
        hasGpus,
        longestUnplaceableMinutes,
      })
      return { arn: queue.queueArn, ...largestJobOf(of) }
    }
    return {
      fargate: { arn: queueArn },
      ...(internet === undefined || network.internet === undefined
        ? {}
        : {
            internet: {
              arn: new FargateQueue(this, 'InternetQueue', {
                vpc: network.vpc,
                ...network.internet,
                ...internet,
                capacity: fargate.capacity,
                longestUnplaceableMinutes,
              }).queueArn,
            },
          }),
      ...(ec2 === undefined ? {} : { ec2: machines('MachineQueue', ec2, false) }),
      ...(gpu === undefined ? {} : { gpu: { ...machines('GpuQueue', gpu, true), gpus: gpu.largest.gpus } }),
    }
  }

  /** Used by the container agent only, not by programs in the containers. */
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
