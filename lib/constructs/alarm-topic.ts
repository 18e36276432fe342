import { Aws, RemovalPolicy } from 'aws-cdk-lib'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import type { Stage } from '../settings.ts'

/** Topic of all alarms. Its e-mail address must be confirmed. More subscriptions can be added manually. */
export class AlarmTopic extends Construct {
  readonly topic: Topic

  constructor(scope: Construct, id: string, { alarmEmail }: Pick<Stage, 'alarmEmail'>) {
    super(scope, id)
    const alarms = new ServicePrincipal('cloudwatch.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    })
    // A customer managed key: alarms may not encrypt with the AWS managed key of SNS, and would fail silently
    // (https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns).
    const key = new Key(this, 'Key', {
      description: 'Messages of alarms',
      enableKeyRotation: true,
      // No stored data is encrypted with it.
      removalPolicy: RemovalPolicy.DESTROY,
    })
    key.grantEncryptDecrypt(alarms)
    this.topic = new Topic(this, 'Topic', { masterKey: key, enforceSSL: true })
    // The policy that requires TLS replaces the default one, which allowed the whole account.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [alarms],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
      }),
    )
    if (alarmEmail !== undefined) this.topic.addSubscription(new EmailSubscription(alarmEmail))
  }
}
