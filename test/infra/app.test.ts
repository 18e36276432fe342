import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'app-'))

afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the app like `cdk synth`. `context` contains the options that `-c` passes. */
function runApp(context: Readonly<Record<string, string>>) {
  const { status, stderr } = spawnSync(process.execPath, ['bin/app.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, CDK_OUTDIR: join(folder, 'cdk.out'), CDK_CONTEXT_JSON: JSON.stringify(context) },
  })
  return { status, stderr }
}

function aFile(text: string): string {
  const path = join(folder, 'lab.json')
  writeFileSync(path, text)
  return path
}

describe('the CDK app', () => {
  it.each<readonly [what: string, context: () => Record<string, string>, words: RegExp]>([
    ['a file that does not exist', () => ({ settings: 'nowhere.json' }), /nowhere\.json does not exist/u],
    ['a file that is not JSON', () => ({ settings: aFile('{') }), /lab\.json is not JSON/u],
    ['a wrong value', () => ({ settings: aFile('{"name": "X"}') }), /lab\.json: name \("X"\) must have/u],
    ['a stage that does not exist', () => ({ stage: 'staging' }), /unknown stage "staging"/u],
  ])('fails with a message of one line for %s', (_, context, words) => {
    const { status, stderr } = runApp(context())

    expect(stderr).toMatch(words)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(status).toBe(1)
    expect(existsSync(join(folder, 'cdk.out', 'manifest.json'))).toBe(false)
  })
})
