import { Aws, Duration, Validations } from 'aws-cdk-lib'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { type IVpc, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2'
import { Platform } from 'aws-cdk-lib/aws-ecr-assets'
import {
  Capability,
  Cluster,
  ContainerImage,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LinuxParameters,
  LogDriver,
} from 'aws-cdk-lib/aws-ecs'
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  DesyncMitigationMode,
  TargetGroupLoadBalancingAlgorithmType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { EDGE_HEALTH_PATH } from '../../src/contract/environment.ts'
import type { EdgeSettings, Stage } from '../settings.ts'
import { EngineLogGroup } from './log-group.ts'
import { peerOf } from './peers.ts'
import { allow, explainWildcard } from './permissions.ts'
import { ProgramImage } from './program-image.ts'

/**
 * Measured (`npm run bench:edge`): 113 MB idle, 58 MB more with an upload. The maximum for connections, small bodies and events
 * is added to the idle memory (edge/limits.ts): 64 + 32 + 112 + 38 MiB.
 */
const OWN_MEMORY_MIB = 360
const UPLOAD_MEMORY_MIB = 64

export interface EdgeServiceProps {
  readonly stage: Pick<Stage, 'nodeImage' | 'logRetentionDays' | 'keepData'>
  readonly edge: EdgeSettings
  readonly vpc: IVpc
  /** Base URL of the API's stage, without `/app-engine/v1`. */
  readonly apiUrl: string
  /** ARN of the API if it requires IAM credentials. The role may call all stages, methods and paths. */
  readonly signsFor?: string
}

const CONTAINER_PORT = 8080

/** Maximum of a load balancer. No byte passes while a client waits for an import. */
const IDLE_TIMEOUT = Duration.seconds(4000)

/** Maximum of a target group: time for the uploads of a task that is being replaced. */
const DRAIN_TIME = Duration.hours(1)

/** Fargate's maximum from SIGTERM to SIGKILL. */
const STOP_TIMEOUT = Duration.seconds(120)

/**
 * The edge as a Fargate service behind an internal Application Load Balancer. Its idle time-out may be 4000 s, with TLS too; a
 * Network Load Balancer has 350 s for TLS listeners. It drains by requests, so an upload ends where it started while new requests
 * go to new tasks. It does not limit bodies.
 */
export class EdgeService extends Construct {
  /** Base URL for Cytomine core. */
  readonly url: string
  readonly balancer: ApplicationLoadBalancer
  readonly targets: ApplicationTargetGroup

  constructor(scope: Construct, id: string, props: EdgeServiceProps) {
    super(scope, id)
    const { edge, vpc } = props
    const balancerGroup = this.securityGroup('BalancerSecurityGroup', vpc, 'Load balancer of the edge')
    const taskGroup = this.securityGroup('TaskSecurityGroup', vpc, 'Tasks of the edge')
    for (const text of edge.reaches) {
      taskGroup.addEgressRule(peerOf(text), Port.HTTPS, 'API, S3, image and log')
    }

    const balancer = new ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc,
      vpcSubnets: { subnets: vpc.privateSubnets },
      internetFacing: false,
      securityGroup: balancerGroup,
      idleTimeout: IDLE_TIMEOUT,
      dropInvalidHeaderFields: true,
      // Refuses requests that two parsers could frame differently, in addition to the edge's own checks (docs/security.md).
      desyncMitigationMode: DesyncMitigationMode.STRICTEST,
    })

    const service = new FargateService(this, 'Service', {
      cluster: this.cluster(vpc),
      taskDefinition: this.taskDefinition(props, balancer.loadBalancerDnsName),
      desiredCount: edge.desiredCount,
      vpcSubnets: { subnets: vpc.privateSubnets },
      securityGroups: [taskGroup],
      assignPublicIp: false,
      // A new task accepts requests before an old one is drained.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      healthCheckGracePeriod: Duration.seconds(60),
    })
    const targets = new ApplicationTargetGroup(this, 'Targets', {
      vpc,
      protocol: ApplicationProtocol.HTTP,
      port: CONTAINER_PORT,
      targets: [service],
      deregistrationDelay: DRAIN_TIME,
      healthCheck: { path: EDGE_HEALTH_PATH, interval: Duration.seconds(15), timeout: Duration.seconds(5) },
      // An upload occupies a task for a long time, which round robin would ignore.
      loadBalancingAlgorithmType: TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
    })
    const { certificateArn } = edge
    const listener = balancer.addListener('Listener', {
      ...(certificateArn === undefined
        ? { protocol: ApplicationProtocol.HTTP }
        : {
            protocol: ApplicationProtocol.HTTPS,
            certificates: [Certificate.fromCertificateArn(this, 'Certificate', certificateArn)],
          }),
      defaultTargetGroups: [targets],
      open: false,
    })
    for (const text of edge.clients) {
      listener.connections.allowDefaultPortFrom(peerOf(text), 'Clients of the edge')
    }
    Validations.of(balancer).acknowledge({
      id: 'AwsSolutions-ELB2',
      reason:
        'Every call is in the access log of the API; that of a load balancer would need the Region at synthesis',
    })
    this.balancer = balancer
    this.targets = targets
    const scheme = certificateArn === undefined ? 'http' : 'https'
    this.url = `${scheme}://${balancer.loadBalancerDnsName}`
  }

  private securityGroup(id: string, vpc: IVpc, description: string): SecurityGroup {
    return new SecurityGroup(this, id, { vpc, description, allowAllOutbound: false })
  }

  private cluster(vpc: IVpc): ICluster {
    const cluster = new Cluster(this, 'Cluster', { vpc })
    Validations.of(cluster).acknowledge({
      id: 'AwsSolutions-ECS4',
      reason:
        'Load balancer and service have metrics of their own; Container Insights are billed per ECS task',
    })
    // The class allows `| undefined` where its interface does not, as with Vpc (job-network.ts).
    return cluster as ICluster
  }

  private taskDefinition(props: EdgeServiceProps, ownHost: string): FargateTaskDefinition {
    const { edge, apiUrl, signsFor, stage } = props
    const executionRole = this.ecsRole('ExecutionRole')
    explainWildcard(
      executionRole,
      '*',
      'A token is for the registry of the account; the action has no resource level',
    )
    const taskRole = this.ecsRole('TaskRole')
    if (signsFor !== undefined) {
      allow(taskRole, {
        actions: ['execute-api:Invoke'],
        resources: [`${signsFor}/*`],
        because: 'Stage, method and path of one API: the edge passes on every call',
      })
    }
    const definition = new FargateTaskDefinition(this, 'Task', {
      cpu: edge.cpu,
      memoryLimitMiB: edge.memoryMib,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.ARM64 },
      executionRole,
      taskRole,
    })
    const image = new ProgramImage(this, 'Image', {
      program: 'edge',
      platform: Platform.LINUX_ARM64,
      stage,
    })
    const linuxParameters = new LinuxParameters(this, 'LinuxParameters')
    linuxParameters.dropCapabilities(Capability.ALL)
    const logGroup = new EngineLogGroup(this, 'Log', stage)
    definition.addContainer('edge', {
      image: ContainerImage.fromDockerImageAsset(image),
      environment: {
        PORT: String(CONTAINER_PORT),
        API_URL: apiUrl,
        API_AUTH: signsFor === undefined ? 'none' : 'iam',
        UPLOADS_AT_ONCE: String(Math.floor((edge.memoryMib - OWN_MEMORY_MIB) / UPLOAD_MEMORY_MIB)),
        // All clients come from the addresses of the load balancer.
        BEHIND_LOAD_BALANCER: 'true',
        CLIENT_SHARE_PERCENT: String(edge.clientSharePercent),
        ...(edge.hosts === undefined ? {} : { HOSTS: [ownHost, ...edge.hosts].join(',') }),
        KEEP_ALIVE_SECONDS: String(IDLE_TIMEOUT.toSeconds() + 60),
        // Ends before the container is killed. Uploads that do not end in time are discarded.
        STOP_TIMEOUT_SECONDS: String(STOP_TIMEOUT.toSeconds() - 10),
      },
      portMappings: [{ containerPort: CONTAINER_PORT }],
      readonlyRootFilesystem: true,
      linuxParameters,
      stopTimeout: STOP_TIMEOUT,
      logging: LogDriver.awsLogs({ logGroup, streamPrefix: 'edge' }),
    })
    Validations.of(definition).acknowledge({
      id: 'AwsSolutions-ECS2',
      reason: 'Addresses and times, no secret: credentials come from the task role',
    })
    return definition
  }

  private ecsRole(id: string): Role {
    return new Role(this, id, {
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    })
  }
}
