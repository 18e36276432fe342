import { build } from 'esbuild'

/* Bundles a program into one file, for its image: node local/bundle-program.ts <entry> <file> */
const [entry, outfile] = process.argv.slice(2)
if (entry === undefined || outfile === undefined) throw new Error('usage: bundle-program.ts <entry> <file>')

await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Like the functions: names are kept for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  // CommonJS libraries call `require` for Node's own modules, which an ES module does not have.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
})
