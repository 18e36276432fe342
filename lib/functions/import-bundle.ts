import { Aws, Duration } from 'aws-cdk-lib'
import { eventSourceOf, IMPORT_REQUESTED } from '../../src/contract/environment.ts'
import { PREFIXES } from '../../src/contract/storage-keys.ts'
import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { KEYS, PUT_OBJECTS, REPLACE_ITEMS, withoutResource } from '../constructs/grants.ts'

/** Imports a bundle: image to the registry, job definition, task. */
export const importBundle: FunctionDefinition = {
  name: 'import-bundle',
  // Two processors (1769 MiB each): one computes digests, the other decompresses and compresses. The import itself uses
  // about 250 MB (`npm run bench:import`).
  memoryMib: 3538,
  timeout: Duration.minutes(15),
  variables: ({ values, stage, platform }) => ({
    installation: values.installation,
    resourceTags: values.resourceTags,
    tableName: values.tableName,
    bucketName: values.bucketName,
    registryUrl: values.registryUrl,
    repositoryPrefix: stage.prefix,
    jobDefinitionPrefix: stage.prefix,
    jobExecutionRoleArn: platform.executionRoleArn,
    jobLogGroup: values.jobLogGroup,
    attemptTimeoutSeconds: String(Math.ceil(stage.attemptTimeoutHours * 3600)),
    stagerImage: platform.stagerImage,
    jobLogRegion: Aws.REGION,
    defaultRamBytes: String(stage.defaultRamGib * 1024 ** 3),
    jobQueues: values.jobQueues,
  }),
  permissions: ({ grants }) => [
    grants.items([...REPLACE_ITEMS, 'dynamodb:Query']),
    grants.objects(['s3:DeleteObject', 's3:GetObject'], KEYS.uploads),
    grants.objects(['s3:DeleteObject', 's3:GetObject', ...PUT_OBJECTS], KEYS.installs),
    grants.objects(['s3:DeleteObject', 's3:PutObject'], KEYS.taskDefinitions),
    grants.list(KEYS.uploads, KEYS.installs, KEYS.taskDefinitions),
    grants.requestImports,
    grants.registryToken,
    grants.images([
      'ecr:BatchCheckLayerAvailability',
      'ecr:BatchDeleteImage',
      'ecr:BatchGetImage',
      'ecr:CompleteLayerUpload',
      'ecr:CreateRepository',
      'ecr:GetDownloadUrlForLayer',
      'ecr:InitiateLayerUpload',
      'ecr:PutImage',
      'ecr:TagResource',
      'ecr:UploadLayerPart',
    ]),
    grants.jobDefinitions([
      'batch:DeregisterJobDefinition',
      'batch:RegisterJobDefinition',
      'batch:TagResource',
    ]),
    withoutResource(['batch:DescribeJobDefinitions'], 'The action has no resource level'),
    grants.passJobExecutionRole,
  ],
  trigger: {
    id: 'UploadedBundle',
    deadLetters: 'Imports',
    rules: ({ values }) => ({
      Rule: {
        description: 'An upload is complete: import it',
        pattern: {
          source: ['aws.s3'],
          detailType: ['Object Created'],
          detail: { bucket: { name: [values.bucketName] }, object: { key: [{ prefix: PREFIXES.uploads }] } },
        },
      },
      Requested: {
        description: 'An installation from a store, or the rest of a long import: continue it',
        pattern: {
          source: [eventSourceOf(values.installation)],
          detailType: [IMPORT_REQUESTED.detailType],
        },
      },
    }),
  },
}
