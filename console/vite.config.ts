import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vite'
import { parse } from 'yaml'

/** Makes `docs/openapi.yaml` a JSON module, so that browsers do not parse YAML. */
const openApiDocument: Plugin = {
  name: 'openapi-document',
  resolveId: (id) => (id === 'virtual:openapi' ? '\0virtual:openapi' : undefined),
  load(id) {
    if (id !== '\0virtual:openapi') return undefined
    const file = join(import.meta.dirname, '..', 'docs', 'openapi.yaml')
    const text = JSON.stringify(JSON.stringify(parse(readFileSync(file, 'utf8'))))
    return `export default JSON.parse(${text})`
  },
}

/** Static files with relative addresses: the path before `ui/` differs between installations. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [openApiDocument],
  build: {
    target: 'es2022',
    // Assets are separate files: the page's policy forbids inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
  worker: { format: 'es' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
})
