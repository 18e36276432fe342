import { App, Validations } from 'aws-cdk-lib'
import { buildEngine } from '../lib/engine.ts'
import { EngineRules } from '../lib/rules.ts'
import { readSettings } from '../lib/settings.ts'
import { DEFAULT_STAGE, stageNamed } from '../lib/stages.ts'

const app = new App()
const name: unknown = app.node.tryGetContext('stage')
const settings: unknown = app.node.tryGetContext('settings')
if (name !== undefined && settings !== undefined) throw new Error('give one of -c stage=… and -c settings=…')
const stage =
  settings === undefined
    ? stageNamed(String(name ?? DEFAULT_STAGE), process.env)
    : readSettings(String(settings))
buildEngine(app, stage)
Validations.of(app).addPlugins(new EngineRules(app))
