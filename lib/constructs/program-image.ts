import { fileURLToPath } from 'node:url'
import { IgnoreMode } from 'aws-cdk-lib'
import { DockerImageAsset, type Platform } from 'aws-cdk-lib/aws-ecr-assets'
import type { Construct } from 'constructs'
import type { Stage } from '../settings.ts'

export interface ProgramImageProps {
  /** Folder of the program with its Dockerfile. */
  readonly program: 'edge' | 'stager'
  /** Platform of the machines that run it. */
  readonly platform: Platform
  readonly stage: Pick<Stage, 'nodeImage'>
}

/** Build context beside the program's folder; other files do not change the image. */
const CONTEXT = ['local/bundle-program.ts', 'src', 'package.json', 'package-lock.json', 'tsconfig.json']

/** A program's container image, built from this repository when a stage that runs it is deployed. */
export class ProgramImage extends DockerImageAsset {
  constructor(scope: Construct, id: string, { program, platform, stage }: ProgramImageProps) {
    super(scope, id, {
      directory: fileURLToPath(new URL('../..', import.meta.url)),
      file: `${program}/Dockerfile`,
      platform,
      ignoreMode: IgnoreMode.DOCKER,
      exclude: ['*', ...[program, ...CONTEXT].map((path) => `!${path}`)],
      ...(stage.nodeImage === undefined ? {} : { buildArgs: { NODE_IMAGE: stage.nodeImage } }),
    })
  }
}
