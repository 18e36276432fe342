import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

/** A file of the console and its headers. */
export interface ConsoleFile {
  readonly text: string
  readonly contentType: string
  /** Strong validator: quoted digest of the bytes. */
  readonly etag: string
}

/** Files of the built console. Each is read at its first request and cached; about 2 MB in total. */
export interface ConsoleFiles {
  /** The page, `index.html`. */
  page(): ConsoleFile
  /** @returns undefined when the build has no asset of this name */
  asset(name: string): ConsoleFile | undefined
}

/** Texts only, because the function sends only texts (ADR 11). */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
}

/** @param folder output of `console/build.ts` */
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
      // Only names of the listing are read, so no other path is accessible.
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
