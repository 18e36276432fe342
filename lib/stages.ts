import { readFileSync } from 'node:fs'
import { type DeployEnvironment, emulatorOf } from './emulator.ts'
import { conflictsIn } from './settings/conflicts.ts'
import { describeIssue, nameSetting, SettingsError } from './settings/errors.ts'
import { type Stage, settingsSchema, stageSchema } from './settings.ts'

/** The stage that is deployed without `-c stage` or `-c settings`. */
export const DEFAULT_STAGE = 'production'

const STAGES: Readonly<Record<string, (environment: DeployEnvironment) => Stage>> = {
  local,
  production: () => stageOf({ name: 'production' }),
}

/** Accepted names for `-c stage=…`. */
export const STAGE_NAMES: readonly string[] = Object.keys(STAGES)

/**
 * Returns the stage that `-c stage=…` or `-c settings=…` selects.
 * @throws SettingsError when both are set, or one is invalid
 */
export function chooseStage(
  context: { readonly stage?: unknown; readonly settings?: unknown },
  environment: DeployEnvironment,
): Stage {
  const { stage, settings } = context
  if (stage !== undefined && settings !== undefined)
    throw new SettingsError('-c stage and -c settings exclude each other: give one of them')
  return settings === undefined
    ? stageNamed(String(stage ?? DEFAULT_STAGE), environment)
    : readSettings(String(settings))
}

/**
 * Reads the stage of a settings file.
 * @throws SettingsError when the file cannot be read, is not JSON, or has invalid settings
 */
export function readSettings(path: string): Stage {
  return stageOf(parseFile(path), path)
}

/**
 * Validates settings and returns their stage.
 * @param source name of the settings in messages
 * @throws SettingsError with all problems
 */
export function stageOf(settings: unknown, source = 'settings'): Stage {
  const parsed = settingsSchema.safeParse(settings, { error: describeIssue })
  const problems = parsed.success
    ? conflictsIn(parsed.data).map(({ path, error }) => `${nameSetting(path, settings)} ${error}`)
    : parsed.error.issues.map(({ path, message }) => `${nameSetting(path, settings)} ${message}`.trim())
  if (!parsed.success || problems.length > 0)
    throw new SettingsError(problems.map((problem) => `${source}: ${problem}`).join('\n'))
  const { $schema: _, ...checked } = parsed.data
  return stageSchema.parse(checked)
}

/**
 * Returns a stage of this file. The local one reads its emulator from variables (lib/emulator.ts).
 * @throws SettingsError naming the known stages, or the invalid variable
 */
export function stageNamed(name: string, environment: DeployEnvironment): Stage {
  const make = Object.hasOwn(STAGES, name) ? STAGES[name] : undefined
  if (make === undefined)
    throw new SettingsError(
      `unknown stage "${name}": choose one of ${STAGE_NAMES.join(', ')} with -c stage=…, or none for ${DEFAULT_STAGE}`,
    )
  return make(environment)
}

/** Deployed to an emulator: no compute stack, and callers need no credentials, since clients of the local stage have none. */
function local(environment: DeployEnvironment): Stage {
  return {
    ...stageOf({
      name: 'local',
      keepData: false,
      logRetentionDays: 7,
      throttle: { rate: 1000, burst: 1000 },
      console: environment.CONSOLE ?? 'full',
      inputBuckets: (environment.INPUT_BUCKETS ?? '').split(',').filter((bucket) => bucket !== ''),
    }),
    // EventBridge's shortest period. Nothing is throttled and jobs stop at once, so the other times are short as well.
    sweep: { everyMinutes: 1, graceSeconds: 30, stepLimitSeconds: 300, lateWriteSeconds: 30 },
    emulator: emulatorOf(environment),
  }
}

function parseFile(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new SettingsError(
      code === 'ENOENT'
        ? `${path} does not exist: give the path of a settings file`
        : `${path} cannot be read: ${message}`,
    )
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SettingsError(`${path} is not JSON: ${(error as Error).message}`)
  }
}
