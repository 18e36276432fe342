import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { VERSION } from '../version.ts'

/*
 * Makes the folder of the package cytomine-task, ready for `npm pack`:
 *
 *   node cli/package/build.ts [folder]      (.local/cytomine-task)
 */

const PROJECT = join(import.meta.dirname, '../..')
const target = process.argv[2] ?? join(PROJECT, '.local/cytomine-task')
/** Maximum size of the bundled program, in bytes. */
const MAX_BYTES = 2 * 1024 * 1024

rmSync(target, { recursive: true, force: true })
mkdirSync(join(target, 'dist'), { recursive: true })
const SHARED: BuildOptions = {
  absWorkingDir: PROJECT,
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  // CommonJS, so that an export that Node 20 lacks fails only where it is used, and not when the program starts.
  format: 'cjs',
  target: 'node20',
  define: { 'import.meta.dirname': '__dirname' },
  legalComments: 'none',
}
await build({
  ...SHARED,
  entryPoints: [join(PROJECT, 'cli/package/start.ts')],
  outfile: join(target, 'dist/cytomine-task.cjs'),
})
const { metafile } = await build({
  ...SHARED,
  entryPoints: [join(PROJECT, 'cli/package/main.ts')],
  outfile: join(target, 'dist/program.cjs'),
  metafile: true,
  plugins: [
    {
      name: 'places of the package',
      setup: (options) =>
        options.onResolve({ filter: /\/places\.ts$/ }, () => ({
          path: join(PROJECT, 'cli/package/places.ts'),
        })),
    },
  ],
})
const { size } = statSync(join(target, 'dist/program.cjs'))
if (size > MAX_BYTES) throw new Error(`the program has ${size} bytes; the maximum is ${MAX_BYTES}`)
cpSync(join(PROJECT, 'local/embedded/launcher'), join(target, 'dist/launcher'), {
  recursive: true,
  filter: (path) => !path.includes('__pycache__'),
})
cpSync(join(PROJECT, 'examples/add-and-echo/add-and-echo.zip'), join(target, 'dist/probe.zip'))
cpSync(join(PROJECT, 'LICENSE'), join(target, 'LICENSE'))
cpSync(join(PROJECT, 'cli/package/README.md'), join(target, 'README.md'))
writeFileSync(join(target, 'THIRD-PARTY.txt'), licencesOf(metafile))
writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)
console.log(`${target}: cytomine-task ${VERSION}, ${size} bytes`)

function manifest(): object {
  return {
    name: 'cytomine-task',
    version: VERSION,
    description: 'Creates, checks, runs and publishes tasks for the Cytomine App Engine',
    license: 'Apache-2.0',
    bin: { 'cytomine-task': 'dist/cytomine-task.cjs' },
    files: ['dist', 'THIRD-PARTY.txt'],
    engines: { node: '>=20' },
  }
}

/** Licences of all packages in the program; most of them require their text to be included. */
function licencesOf({ inputs }: Metafile): string {
  const folders = new Set(
    Object.keys(inputs).flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//u.exec(path)?.[1] ?? []),
  )
  return [...folders].sort().map(licenceOf).join('\n')
}

function licenceOf(folder: string): string {
  const read = (name: string): string | undefined => {
    try {
      return readFileSync(join(PROJECT, folder, name), 'utf8')
    } catch {
      return undefined
    }
  }
  const { name, version, license } = JSON.parse(read('package.json') ?? '{}') as Record<string, string>
  const text = ['LICENSE', 'LICENSE.md', 'license', 'LICENCE', 'LICENSE.txt'].map(read).find(Boolean)
  return `${name} ${version} (${license})\n\n${text ?? ''}\n`
}
