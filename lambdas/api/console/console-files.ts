import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

/** A file of the console as it is answered. */
export interface ConsoleFile {
  readonly text: string
  readonly contentType: string
  /** Strong validator: of the bytes, quoted. */
  readonly etag: string
}

/** The built console. Files are read when they are first asked for, and kept: some 2 MB altogether. */
export interface ConsoleFiles {
  /** The page itself, `index.html`. */
  page(): ConsoleFile
  /** @returns undefined when the build has no asset of this name */
  asset(name: string): ConsoleFile | undefined
}

/** Texts only: an answer of the function is one (ADR 11). */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
}

/** @param folder What `console/build.ts` wrote */
export function readConsoleFiles(folder: string): ConsoleFiles {
  const kept = new Map<string, ConsoleFile>()
  let assets: ReadonlySet<string> | undefined
  const read = (path: string): ConsoleFile => {
    const file = kept.get(path) ?? readFile(join(folder, path), path)
    kept.set(path, file)
    return file
  }
  return {
    page: () => read('index.html'),
    asset(name) {
      // A name of the listing, so that no other path is ever read.
      assets ??= new Set(readdirSync(join(folder, 'assets')))
      return assets.has(name) ? read(join('assets', name)) : undefined
    },
  }
}

function readFile(path: string, name: string): ConsoleFile {
  const contentType = CONTENT_TYPES[extname(name)]
  if (contentType === undefined) throw new Error(`the console has a file of no known type: ${name}`)
  const text = readFileSync(path, 'utf8')
  return {
    text,
    contentType,
    etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`,
  }
}
