import { build } from 'esbuild'

/*
 * Makes a program one file, for its image:
 *
 *   node local/bundle-program.ts <entry> <file>
 */
const [entry, outfile] = process.argv.slice(2)
if (entry === undefined || outfile === undefined) throw new Error('usage: bundle-program.ts <entry> <file>')

await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // As of the functions: names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  // Libraries in CommonJS call `require` for Node's own modules, which an ES module does not have.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
})
