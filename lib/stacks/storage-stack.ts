import { ArnFormat, Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib'
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { type IKey, Key } from 'aws-cdk-lib/aws-kms'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  CfnBucket,
  type CorsRule,
  HttpMethods,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { TABLE } from '../../src/contract/environment.ts'
import { PREFIXES } from '../../src/contract/storage-keys.ts'
import { EngineLogGroup, removalPolicyOf } from '../constructs/log-group.ts'
import type { Stage } from '../settings.ts'

export interface StorageStackProps extends StackProps {
  readonly stage: Stage
}

/** All resources with state: the bucket, the table and the logs of tasks. Deployed first; ids never change. */
export class StorageStack extends Stack {
  readonly bucket: Bucket
  readonly table: Table
  /** Log group of the jobs' containers. */
  readonly jobLogGroup: LogGroup
  /** Key of bucket, table and job logs; undefined for keys of AWS. */
  readonly key: IKey | undefined

  constructor(scope: Construct, id: string, { stage, ...props }: StorageStackProps) {
    super(scope, id, { ...props, terminationProtection: stage.keepData })
    const removalPolicy = removalPolicyOf(stage)

    this.key = this.keyOf(stage)
    const encryptionKey = this.key === undefined ? {} : { encryptionKey: this.key }
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: this.key === undefined ? BucketEncryption.S3_MANAGED : BucketEncryption.KMS,
      // A bucket key reduces the calls to KMS.
      ...(this.key === undefined ? {} : { ...encryptionKey, bucketKeyEnabled: true }),
      // Not versioned: an object is written once under a unique key, and deleted data must not remain.
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      removalPolicy,
      ...(stage.console === 'off' ? {} : { cors: [consoleRule(stage)] }),
      lifecycleRules: [
        // Aborts multipart uploads of clients, and of copies and archives whose function was stopped.
        { id: 'forget-unfinished-parts', abortIncompleteMultipartUploadAfter: Duration.days(1) },
        {
          id: 'forget-uploads',
          prefix: PREFIXES.uploads,
          expiration: Duration.days(7),
        },
        {
          id: 'forget-installs',
          prefix: PREFIXES.installs,
          expiration: Duration.days(7),
        },
      ],
    })
    sendEvents(this.bucket)
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Objects are reached by presigned URLs of the API, whose access log shows who requested them',
    })

    this.table = new Table(this, 'Table', {
      partitionKey: { name: TABLE.partitionKey, type: AttributeType.STRING },
      sortKey: { name: TABLE.sortKey, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...(this.key === undefined ? {} : { encryption: TableEncryption.CUSTOMER_MANAGED, ...encryptionKey }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: TABLE.timeToLive,
      // Events compare the states before and after a change.
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      deletionProtection: stage.keepData,
      removalPolicy,
    })
    this.table.addGlobalSecondaryIndex({
      indexName: TABLE.unfinishedIndex.name,
      partitionKey: { name: TABLE.unfinishedIndex.partitionKey, type: AttributeType.STRING },
      sortKey: { name: TABLE.unfinishedIndex.sortKey, type: AttributeType.STRING },
      projectionType: ProjectionType.ALL,
    })
    this.table.addGlobalSecondaryIndex({
      indexName: TABLE.runIndex.name,
      partitionKey: { name: TABLE.runIndex.partitionKey, type: AttributeType.STRING },
      sortKey: { name: TABLE.runIndex.sortKey, type: AttributeType.STRING },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: [...TABLE.runIndex.attributes],
    })

    this.jobLogGroup = new EngineLogGroup(this, 'JobLogs', stage, encryptionKey)
  }

  private keyOf({ encryption, keepData }: Stage): IKey | undefined {
    if (encryption.key === 'aws') return undefined
    if (encryption.key === 'existing') return Key.fromKeyArn(this, 'Key', encryption.arn)
    const key = new Key(this, 'Key', {
      description: 'Cytomine App Engine: data and logs of tasks',
      enableKeyRotation: true,
      removalPolicy: removalPolicyOf({ keepData }),
    })
    key.grantEncryptDecrypt(
      new ServicePrincipal(`logs.${this.region}.amazonaws.com`, {
        conditions: {
          ArnLike: {
            'kms:EncryptionContext:aws:logs:arn': this.formatArn({
              service: 'logs',
              resource: 'log-group',
              resourceName: '*',
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
        },
      }),
    )
    return key
  }
}

/**
 * Enables S3's events for EventBridge in the properties of the bucket. The construct's property would use a custom resource, a further
 * function that the emulator cannot run.
 */
function sendEvents(bucket: Bucket): void {
  const { defaultChild } = bucket.node
  if (!(defaultChild instanceof CfnBucket)) throw new Error('a bucket is made of one AWS::S3::Bucket')
  defaultChild.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } }
}

/**
 * Allows pages of any origin to read and write objects, because the console's origin depends on the deployment. Every request
 * needs a presigned URL, which only callers of the API get, so the origin gives no protection.
 */
function consoleRule({ console }: Pick<Stage, 'console'>): CorsRule {
  return {
    allowedOrigins: ['*'],
    allowedMethods: [HttpMethods.GET, HttpMethods.HEAD, ...(console === 'full' ? [HttpMethods.PUT] : [])],
    allowedHeaders: ['content-type', 'range'],
    exposedHeaders: ['accept-ranges', 'content-length', 'content-range', 'content-type', 'etag'],
    maxAge: 3000,
  }
}
