import { type PolicyValidationPluginReport, Stack, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
// Not exported by the package's index. The id of a finding contains the resource in exactly this form.
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js'
import type { IConstruct } from 'constructs'
import { wildcardReasons } from './constructs/permissions.ts'

/**
 * The AWS Solutions rules. Wildcards with a reason are acknowledged here, one finding each, because the name of a resource in another
 * stack is resolved late in synthesis.
 */
export class EngineRules extends AwsSolutionsChecks {
  override validateScope(scope: IConstruct): PolicyValidationPluginReport {
    for (const { construct, resource, reason } of wildcardReasons(scope.node.root)) {
      const spelt = flattenCfnReference(Stack.of(construct).resolve(resource))
      Validations.of(construct).acknowledge({ id: `AwsSolutions-IAM5[Resource::${spelt}]`, reason })
    }
    return super.validateScope(scope)
  }
}
