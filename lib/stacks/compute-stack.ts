import { Stack, type StackProps } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import type { JobQueues } from '../../src/contract/job-queues.ts'
import { FargateQueue } from '../constructs/fargate-queue.ts'
import { JobNetwork } from '../constructs/job-network.ts'
import { MachineQueue } from '../constructs/machine-queue.ts'
import { allow } from '../constructs/permissions.ts'
import { StagerImage } from '../constructs/stager-image.ts'
import type { BatchSettings, JobPlatform, MachineSettings, Stage } from '../stages.ts'

export interface ComputeStackProps extends StackProps {
  readonly stage: Stage
  readonly settings: BatchSettings
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
    const stagerImage = new StagerImage(this, 'StagerImage', stage.nodeImage)
    const repositoryArns = [
      this.formatArn({ service: 'ecr', resource: 'repository', resourceName: `${stage.prefix}/*` }),
      stagerImage.repository.repositoryArn,
    ]
    const network = new JobNetwork(this, 'Network', {
      settings: settings.network,
      hasInternet: settings.internet !== undefined,
      hasMachines: settings.ec2 !== undefined || settings.gpu !== undefined,
      bucket,
      repositoryArns,
      jobLogGroupArn: jobLogGroup.logGroupArn,
      logRetention: stage.logRetention,
      removalPolicy: stage.removalPolicy,
    })
    const executionRole = this.executionRole(repositoryArns, jobLogGroup)
    this.platform = {
      queues: this.addQueues(settings, network),
      executionRoleArn: executionRole.roleArn,
      stagerImage: stagerImage.imageUri,
      apiEndpointId: network.apiEndpointId,
    }
  }

  private addQueues(settings: BatchSettings, network: JobNetwork): JobQueues {
    const { longestUnplaceable, fargate, internet, ec2, gpu } = settings
    const isolated = {
      vpc: network.vpc,
      subnets: network.isolatedSubnets,
      securityGroup: network.jobSecurityGroup,
    }
    const { queueArn } = new FargateQueue(this, 'Queue', { ...isolated, ...fargate, longestUnplaceable })
    const machines = (id: string, of: MachineSettings, hasGpus: boolean) => {
      const queue = new MachineQueue(this, id, { ...isolated, settings: of, hasGpus, longestUnplaceable })
      return { arn: queue.queueArn, ...machineOf(of) }
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
                longestUnplaceable,
              }).queueArn,
            },
          }),
      ...(ec2 === undefined ? {} : { ec2: machines('MachineQueue', ec2, false) }),
      ...(gpu === undefined ? {} : { gpu: { ...machines('GpuQueue', gpu, true), gpus: gpu.largest.gpus } }),
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

/** System and agent of a machine keep some memory to themselves; a job that wants more than the rest is never placed. */
const KEPT_MEMORY_SHARE = 0.06
/** System, agent and one copy of the images. */
const KEPT_DISK_GIB = 20

/** What one job can have of the largest machine. */
function machineOf({ largest, diskGib }: MachineSettings) {
  return {
    vcpus: largest.vcpus,
    memoryMib: Math.floor(largest.memoryGib * 1024 * (1 - KEPT_MEMORY_SHARE)),
    diskGib: Math.max(1, diskGib - KEPT_DISK_GIB),
  }
}
