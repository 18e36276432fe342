import { build } from 'esbuild'

/*
 * Makes the stager's program one file, for its image:
 *
 *   node stager/bundle.ts <file>
 */
const [outfile] = process.argv.slice(2)
if (outfile === undefined) throw new Error('usage: bundle.ts <file>')

await build({
  entryPoints: [`${import.meta.dirname}/main.ts`],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Libraries in CommonJS call `require` for Node's own modules, which an ES module does not have.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
})
