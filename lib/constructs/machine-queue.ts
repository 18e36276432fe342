import { Aws } from 'aws-cdk-lib'
import {
  AllocationStrategy,
  EcsMachineImageType,
  JobQueue,
  ManagedEc2EcsComputeEnvironment,
} from 'aws-cdk-lib/aws-batch'
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceInitiatedShutdownBehavior,
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
import type { MachineSettings } from '../settings.ts'
import { fairShare } from './fair-share.ts'
import { allow, type Permission } from './permissions.ts'
import { cancelUnplaceable } from './time-limits.ts'

export interface MachineQueueProps {
  readonly vpc: IVpc
  readonly subnets: SubnetSelection
  readonly securityGroup: ISecurityGroup
  readonly settings: MachineSettings
  /** Selects the machine image with the GPU driver. */
  readonly hasGpus: boolean
  readonly longestUnplaceableMinutes: number
}

const ofEcs = (resource: string) => `arn:${Aws.PARTITION}:ecs:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`

/**
 * Permissions of the ECS agent on an instance. AWS's managed policy also allows every log group and the whole registry. The
 * pattern matches the names of the clusters that Batch creates; the policy of its service-linked role allows no others:
 * https://docs.aws.amazon.com/aws-managed-policy/latest/reference/BatchServiceRolePolicy.html
 */
export const AGENT_PERMISSIONS: readonly Permission[] = [
  {
    actions: [
      'ecs:DeregisterContainerInstance',
      'ecs:RegisterContainerInstance',
      'ecs:SubmitAttachmentStateChanges',
      'ecs:SubmitContainerStateChange',
      'ecs:SubmitTaskStateChange',
    ],
    resources: [ofEcs('cluster/AWSBatch-*')],
    because: 'Batch chooses the rest of the name of the cluster',
  },
  {
    actions: ['ecs:Poll', 'ecs:StartTelemetrySession', 'ecs:UpdateContainerInstancesState'],
    resources: [ofEcs('container-instance/*')],
    because: 'ECS gives a machine its id when it registers',
  },
  {
    actions: ['ecs:DiscoverPollEndpoint'],
    resources: ['*'],
    because: 'The action has no resource level',
  },
]

/**
 * Commands that root runs at an instance's first start, before the agent accepts jobs. The containers of a job share the host's network, so
 * the hop limit does not protect the instance's credentials. A firewall rule for the agent's control group (`ecstasks`) does. If
 * the rule cannot be set, the instance powers off and EC2 terminates it; halting would not terminate it. Images and logs use the
 * execution role, not the instance's.
 */
const FIRST_START = [
  "trap 'shutdown --poweroff now' ERR",
  'set -euo pipefail',
  "printf '%s\\n' ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true ECS_AWSVPC_BLOCK_IMDS=true ECS_ENABLE_TASK_CPU_MEM_LIMIT=true ECS_IMAGE_PULL_BEHAVIOR=prefer-cached >> /etc/ecs/ecs.config",
  'systemctl start ecstasks.slice',
  'iptables --insert OUTPUT --destination 169.254.169.254/32 --match cgroup --path ecstasks.slice --jump REJECT',
  'iptables --insert FORWARD --destination 169.254.169.254/32 --jump REJECT',
] as const

/** Batch queue on EC2, for tasks that are too large for Fargate or request GPUs. */
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
      schedulingPolicy: fairShare(this),
      computeEnvironments: [{ computeEnvironment, order: 1 }],
      jobStateTimeLimitActions: cancelUnplaceable(props.longestUnplaceableMinutes),
    })
    this.queueArn = queue.jobQueueArn
  }

  private instanceRole(): Role {
    const role = new Role(this, 'InstanceRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') })
    for (const permission of AGENT_PERMISSIONS) allow(role, permission)
    return role
  }

  private launchTemplate({ diskGib }: MachineSettings): LaunchTemplate {
    const firstStart = UserData.forLinux()
    firstStart.addCommands(...FIRST_START)
    // Multipart, because Batch adds parts.
    const userData = new MultipartUserData()
    userData.addPart(MultipartBody.fromUserData(firstStart))
    return new LaunchTemplate(this, 'LaunchTemplate', {
      userData,
      instanceInitiatedShutdownBehavior: InstanceInitiatedShutdownBehavior.TERMINATE,
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
