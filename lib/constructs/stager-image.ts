import { Platform } from 'aws-cdk-lib/aws-ecr-assets'
import type { Construct } from 'constructs'
import { ProgramImage } from './program-image.ts'

/** The stager's image, for the jobs' architecture. */
export class StagerImage extends ProgramImage {
  /** @param nodeImage see {@link ProgramImage} */
  constructor(scope: Construct, id: string, nodeImage?: string) {
    super(scope, id, {
      program: 'stager',
      platform: Platform.LINUX_AMD64,
      ...(nodeImage === undefined ? {} : { nodeImage }),
    })
  }
}
