import { App, Validations } from 'aws-cdk-lib'
import { buildEngine } from '../lib/engine.ts'
import { EngineRules } from '../lib/rules.ts'
import { SettingsError } from '../lib/settings/errors.ts'
import { chooseStage } from '../lib/stages.ts'

try {
  const app = new App()
  const chosen = { stage: app.node.tryGetContext('stage'), settings: app.node.tryGetContext('settings') }
  buildEngine(app, chooseStage(chosen, process.env))
  Validations.of(app).addPlugins(new EngineRules(app))
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  console.error(error.message)
  // Not `exitCode`: the CDK would continue and write an empty app.
  process.exit(1)
}
