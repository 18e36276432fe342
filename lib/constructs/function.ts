import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda'
import { type ICommandHooks, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'
import { Construct } from 'constructs'
import { SIGNED_FOR, VARIABLES } from '../../src/contract/environment.ts'
import type { Stage } from '../settings.ts'
import type { FunctionAssets, FunctionDefinition } from './function-definition.ts'
import { EngineLogGroup } from './log-group.ts'
import { allow, type Permission } from './permissions.ts'

export interface EngineFunctionProps {
  readonly definition: FunctionDefinition
  readonly stage: Pick<Stage, 'console' | 'emulator' | 'logRetentionDays' | 'keepData'>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Lambda function with the project's defaults: runtime, bundling, a separate role and log group. */
export class EngineFunction extends Construct {
  readonly definition: FunctionDefinition
  readonly lambda: NodejsFunction
  readonly role: Role

  constructor(scope: Construct, { definition, stage }: EngineFunctionProps) {
    super(scope, idOf(definition))
    this.definition = definition
    const logGroup = new EngineLogGroup(this, 'Logs', stage)
    // The CDK's default role has a managed policy for every log group of the account.
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    this.allow({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    })
    this.lambda = new NodejsFunction(this, 'Function', {
      entry: `${ROOT}lambdas/${definition.name}/index.ts`,
      projectRoot: ROOT,
      depsLockFilePath: `${ROOT}package-lock.json`,
      runtime: Runtime.NODEJS_24_X,
      architecture: stage.emulator?.architecture === 'x86_64' ? Architecture.X86_64 : Architecture.ARM_64,
      memorySize: definition.memoryMib,
      timeout: definition.timeout,
      role: this.role,
      logGroup,
      environment: endpointsOf(stage),
      // Off, because it adds a variable for version 2 of the SDK, which is not used.
      awsSdkConnectionReuse: false,
      bundling: {
        // CommonJS, because for an ES module that imports `node:http` Node also loads its fetch client: 15 ms of every cold start.
        format: OutputFormat.CJS,
        target: 'node24',
        mainFields: ['module', 'main'],
        // Keeps names for stack traces. Source maps would add line numbers, but 75 ms to every cold start.
        esbuildArgs: { '--minify-whitespace': true, '--minify-syntax': true },
        // Bundles the tested version instead of the runtime's; an emulator has none.
        bundleAwsSDK: true,
        forceDockerBundling: false,
        // CommonJS has no `import.meta`.
        define: { 'import.meta.dirname': '__dirname' },
        commandHooks: hooksFor(definition.assets?.(stage) ?? []),
      },
    })
  }

  /** Adds a permission to the function's role. */
  allow(permission: Permission): void {
    allow(this.role, permission)
  }

  /** Sets variables of the function. */
  setVariables(values: Readonly<Partial<Record<keyof typeof VARIABLES, string>>>): void {
    for (const key of Object.keys(values) as (keyof typeof values)[]) {
      const value = values[key]
      if (value !== undefined) this.lambda.addEnvironment(VARIABLES[key], value)
    }
  }
}

/** Creates the files beside the code. They are part of the hash of the function's asset, like the code. */
function hooksFor(assets: readonly FunctionAssets[]): ICommandHooks {
  return {
    beforeBundling: () => [],
    beforeInstall: () => [],
    afterBundling: (_, outputFolder) =>
      assets.map(({ folder, command }) => command(join(outputFolder, folder))),
  }
}

/** Construct id of a function: `FailRun` for `fail-run`. */
export function idOf({ name }: Pick<FunctionDefinition, 'name'>): string {
  return name.replaceAll(/(?:^|-)(\w)/gu, (_, letter: string) => letter.toUpperCase())
}

/** Addresses of an emulator, for the SDK and for presigned URLs. */
function endpointsOf({ emulator }: EngineFunctionProps['stage']): Record<string, string> {
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
