import type { Duration } from 'aws-cdk-lib'
import {
  AllocationStrategy,
  EcsMachineImageType,
  JobQueue,
  ManagedEc2EcsComputeEnvironment,
} from 'aws-cdk-lib/aws-batch'
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceType,
  type ISecurityGroup,
  type IVpc,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  MultipartBody,
  MultipartUserData,
  type SubnetSelection,
  UserData,
} from 'aws-cdk-lib/aws-ec2'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import type { MachineSettings } from '../stages.ts'
import { allow } from './permissions.ts'
import { cancelUnplaceable } from './time-limits.ts'

export interface MachineQueueProps {
  readonly vpc: IVpc
  readonly subnets: SubnetSelection
  readonly securityGroup: ISecurityGroup
  readonly settings: MachineSettings
  /** The machine image brings the driver. */
  readonly hasGpus: boolean
  readonly longestUnplaceable: Duration
}

/** What the agent of an instance asks of ECS (AWS's managed policy for it allows more, and the registry and every log group too). */
export const AGENT_ACTIONS = [
  'ecs:DeregisterContainerInstance',
  'ecs:DiscoverPollEndpoint',
  'ecs:Poll',
  'ecs:RegisterContainerInstance',
  'ecs:StartTelemetrySession',
  'ecs:SubmitAttachmentStateChanges',
  'ecs:SubmitContainerStateChange',
  'ecs:SubmitTaskStateChange',
  'ecs:UpdateContainerInstancesState',
] as const

/**
 * Run by root at a machine's first start, before the agent takes jobs. Containers of a job with several share the host's
 * network, so the hop limit does not keep them from the instance's credentials; a firewall rule by their control group does
 * (the agent names it `ecstasks`). A machine on which the rule cannot be set goes away again. Images and logs are for the
 * execution role, not for the instance's.
 */
const FIRST_START = [
  "trap 'shutdown --halt now' ERR",
  'set -euo pipefail',
  "printf '%s\\n' ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true ECS_AWSVPC_BLOCK_IMDS=true ECS_ENABLE_TASK_CPU_MEM_LIMIT=true ECS_IMAGE_PULL_BEHAVIOR=prefer-cached >> /etc/ecs/ecs.config",
  'systemctl start ecstasks.slice',
  'iptables --insert OUTPUT --destination 169.254.169.254/32 --match cgroup --path ecstasks.slice --jump REJECT',
  'iptables --insert FORWARD --destination 169.254.169.254/32 --jump REJECT',
] as const

/** A Batch queue that runs on EC2: for what Fargate is too small for, or GPUs. */
export class MachineQueue extends Construct {
  readonly queueArn: string

  constructor(scope: Construct, id: string, props: MachineQueueProps) {
    super(scope, id)
    const { settings } = props
    const computeEnvironment = new ManagedEc2EcsComputeEnvironment(this, 'ComputeEnvironment', {
      vpc: props.vpc,
      vpcSubnets: props.subnets,
      securityGroups: [props.securityGroup],
      instanceTypes: settings.instanceTypes.map((type) => new InstanceType(type)),
      useOptimalInstanceClasses: false,
      minvCpus: 0,
      maxvCpus: settings.maxVcpus,
      allocationStrategy: AllocationStrategy.BEST_FIT_PROGRESSIVE,
      images: [
        {
          imageType: props.hasGpus ? EcsMachineImageType.ECS_AL2023_NVIDIA : EcsMachineImageType.ECS_AL2023,
        },
      ],
      instanceRole: this.instanceRole(),
      launchTemplate: this.launchTemplate(settings),
    })
    const queue = new JobQueue(this, 'Queue', {
      computeEnvironments: [{ computeEnvironment, order: 1 }],
      jobStateTimeLimitActions: cancelUnplaceable(props.longestUnplaceable),
    })
    this.queueArn = queue.jobQueueArn
  }

  private instanceRole(): Role {
    const role = new Role(this, 'InstanceRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') })
    allow(role, {
      actions: AGENT_ACTIONS,
      resources: ['*'],
      because: 'The cluster of a compute environment is named by Batch',
    })
    return role
  }

  private launchTemplate({ diskGib }: MachineSettings): LaunchTemplate {
    const firstStart = UserData.forLinux()
    firstStart.addCommands(...FIRST_START)
    // Batch adds parts of its own.
    const userData = new MultipartUserData()
    userData.addPart(MultipartBody.fromUserData(firstStart))
    return new LaunchTemplate(this, 'LaunchTemplate', {
      userData,
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      httpPutResponseHopLimit: 1,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(diskGib, {
            encrypted: true,
            volumeType: EbsDeviceVolumeType.GP3,
            deleteOnTermination: true,
          }),
        },
      ],
    })
  }
}
