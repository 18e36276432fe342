import { fileURLToPath } from 'node:url'
import type { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import {
  FUNCTION_VARIABLES,
  type FunctionName,
  SIGNED_FOR,
  VARIABLES,
} from '../../src/contract/environment.ts'
import type { Emulator } from '../emulator.ts'
import { allow, type Permission } from './permissions.ts'

/** Values for exactly the variables that one function reads. */
export type VariablesOf<Name extends FunctionName> = {
  readonly [Key in (typeof FUNCTION_VARIABLES)[Name][number]]: string
}

export interface EngineFunctionProps<Name extends FunctionName> {
  /** Folder below `lambdas/`, and key of the variables that the function reads. */
  readonly name: Name
  readonly variables: VariablesOf<Name>
  readonly memoryMib: number
  readonly timeout: Duration
  readonly logRetention: RetentionDays
  readonly removalPolicy: RemovalPolicy
  /** Where the SDK finds AWS, when it is an emulator. */
  readonly emulator?: Emulator
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Our defaults for every Lambda function: runtime, bundling, a role and a log group of its own. */
export class EngineFunction<Name extends FunctionName = FunctionName> extends Construct {
  readonly lambda: NodejsFunction
  readonly role: Role

  constructor(scope: Construct, id: string, props: EngineFunctionProps<Name>) {
    super(scope, id)
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: props.removalPolicy,
    })
    // A role of our own: the one that the CDK makes carries a managed policy for every log group of the account.
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    this.allow({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    })
    this.lambda = new NodejsFunction(this, 'Function', {
      entry: `${ROOT}lambdas/${props.name}/index.ts`,
      projectRoot: ROOT,
      depsLockFilePath: `${ROOT}package-lock.json`,
      runtime: Runtime.NODEJS_24_X,
      architecture: props.emulator?.architecture === 'x86_64' ? Architecture.X86_64 : Architecture.ARM_64,
      memorySize: props.memoryMib,
      timeout: props.timeout,
      role: this.role,
      logGroup,
      environment: { ...environmentOf(props.name, props.variables), ...endpointsOf(props.emulator) },
      // A switch of version 2 of the SDK, which would add a variable that nothing reads.
      awsSdkConnectionReuse: false,
      bundling: {
        // An ES module that imports `node:http` makes Node load its fetch client as well: 15 ms of every cold start.
        format: OutputFormat.CJS,
        target: 'node24',
        mainFields: ['module', 'main'],
        // Names stay, for stack traces. Source maps would give lines too, and cost 75 ms of every cold start.
        esbuildArgs: { '--minify-whitespace': true, '--minify-syntax': true },
        // The version we test with, not the one that the runtime brings; an emulator brings none.
        bundleAwsSDK: true,
        forceDockerBundling: false,
      },
    })
  }

  /** Gives the function one more permission. */
  allow(permission: Permission): void {
    allow(this.role, permission)
  }
}

function environmentOf<Name extends FunctionName>(
  name: Name,
  values: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const key of FUNCTION_VARIABLES[name]) {
    const value = values[key]
    if (value === undefined) throw new Error(`${name} reads ${VARIABLES[key]}, which has no value`)
    environment[VARIABLES[key]] = value
  }
  return environment
}

function endpointsOf(emulator: Emulator | undefined): Record<string, string> {
  if (emulator === undefined) return {}
  const { functions, clients, jobs } = emulator
  return {
    AWS_ENDPOINT_URL: functions.endpoint,
    AWS_ENDPOINT_URL_BATCH: functions.batchEndpoint,
    AWS_ENDPOINT_URL_S3: functions.s3Endpoint,
    [SIGNED_FOR.clients]: clients.s3Endpoint,
    [SIGNED_FOR.jobs]: jobs.s3Endpoint,
  }
}
