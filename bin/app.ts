import { App, Validations } from 'aws-cdk-lib'
import { buildEngine } from '../lib/engine.ts'
import { EngineRules } from '../lib/rules.ts'
import { DEFAULT_STAGE, stageNamed } from '../lib/stages.ts'

const app = new App()
const name: unknown = app.node.tryGetContext('stage') ?? DEFAULT_STAGE
buildEngine(app, stageNamed(String(name), process.env))
Validations.of(app).addPlugins(new EngineRules(app))
