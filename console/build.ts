import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'vite'

/*
 * Builds the console's pages and copies them: node console/build.ts [<folder>] Builds are cached below .local/console by the hash
 * of their sources.
 */
const ROOT = dirname(import.meta.dirname)
const KEPT = join(ROOT, '.local', 'console')

/** All files that a build depends on. */
const SOURCES = [
  'console/**/*.{ts,tsx,css,html,json}',
  'src/contract/*.ts',
  'docs/openapi.yaml',
  'package-lock.json',
]

function hashOfSources(): string {
  const hash = createHash('sha256')
  for (const file of globSync(SOURCES, { cwd: ROOT }).sort())
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}

/** @returns the folder of the build */
async function builtFolder(): Promise<string> {
  const folder = join(KEPT, hashOfSources())
  if (existsSync(folder)) return folder
  mkdirSync(KEPT, { recursive: true })
  const unfinished = `${folder}.${process.pid}`
  await build({
    configFile: join(import.meta.dirname, 'vite.config.ts'),
    build: { outDir: unfinished, emptyOutDir: true },
    logLevel: 'warn',
  })
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    // Another process has completed the same build.
    if (!existsSync(folder)) throw error
    rmSync(unfinished, { recursive: true })
  }
  forgetOthers(folder)
  return folder
}

/** Removes builds of earlier sources, except those in progress of other processes. */
function forgetOthers(kept: string): void {
  for (const name of globSync('*', { cwd: KEPT })) {
    const folder = join(KEPT, name)
    if (folder !== kept && !name.includes('.')) rmSync(folder, { recursive: true, force: true })
  }
}

const [target] = process.argv.slice(2)
const folder = await builtFolder()
if (target !== undefined) cpSync(folder, target, { recursive: true })
else writeFileSync(process.stdout.fd, `${folder}\n`)
