import { fileURLToPath } from 'node:url'
import { IgnoreMode } from 'aws-cdk-lib'
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets'
import type { Construct } from 'constructs'

/** What the image is built from; everything else of the repository neither enters nor changes it. */
const CONTEXT = ['stager', 'src', 'package.json', 'package-lock.json', 'tsconfig.json']

/** The stager's container image, built from this repository when a stage with compute is deployed. */
export class StagerImage extends DockerImageAsset {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      directory: fileURLToPath(new URL('../..', import.meta.url)),
      file: 'stager/Dockerfile',
      // The jobs' architecture, whatever machine deploys.
      platform: Platform.LINUX_AMD64,
      ignoreMode: IgnoreMode.DOCKER,
      exclude: ['*', ...CONTEXT.map((path) => `!${path}`)],
    })
  }
}
