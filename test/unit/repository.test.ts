import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, matchesGlob } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const DOCUMENTS = globSync(['*.md', 'docs/**/*.md', 'bench/*.md', 'examples/**/*.md'])
const WORKFLOWS = globSync('.github/workflows/*.yml')

const text = (file: string): string => readFileSync(file, 'utf8')

/** Anchors of a document's headings, as GitHub makes them: lower case, without punctuation, numbered when repeated. */
function anchorsOf(document: string): ReadonlySet<string> {
  const anchors = new Map<string, number>()
  const outsideOfCode = document.replace(/^```.*?^```/gmsu, '')
  for (const [, heading = ''] of outsideOfCode.matchAll(/^#{1,6} +(.+?) *$/gmu)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/gu, '$1').toLowerCase()
    const anchor = words.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-')
    const before = anchors.get(anchor) ?? 0
    anchors.set(anchor, before + 1)
    if (before > 0) anchors.set(`${anchor}-${before}`, 1)
  }
  return new Set(anchors.keys())
}

describe('anchors of headings', () => {
  it('are in lower case, without punctuation and links, and numbered', () => {
    const document =
      '# `Run sets`, in short\n## See [the API](x.md)!\n```sh\n# no heading\n```\n## Run\n## Run\n'

    expect([...anchorsOf(document)]).toEqual(['run-sets-in-short', 'see-the-api', 'run', 'run-1'])
  })
})

describe('the documents', () => {
  it('include a README of fewer than 120 lines', () => {
    expect(text('README.md').split('\n').length).toBeLessThan(120)
  })

  it.each([...DOCUMENTS, ...WORKFLOWS])('name only commands that exist: %s', (file) => {
    const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
    const named = [...text(file).matchAll(/npm run ([a-z][a-z:-]*[a-z])/gu)].map(([, name]) => name ?? '')

    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
  })

  it.each(DOCUMENTS.filter((file) => !/^(?:docs\/adr|bench|examples)\//u.test(file)))(
    'have no paragraph of more than five lines: %s',
    (file) => {
      const paragraphs = text(file)
        .replaceAll(/^ *```.*?^ *```/gmsu, '')
        .split(/\n{2,}/u)
        // Tables and lists are no paragraphs.
        .filter((paragraph) => !/^ *(?:[|>#<-]|\d+\. )/u.test(paragraph))

      expect(paragraphs.filter((paragraph) => paragraph.trim().split('\n').length > 5)).toEqual([])
    },
  )

  it.each(DOCUMENTS)('link only to files that exist: %s', (file) => {
    const links = [...text(file).matchAll(/\]\((?!https?:|mailto:|#)([^)#]+)/gu)].map(
      ([, link]) => link ?? '',
    )

    expect(links.filter((link) => !existsSync(join(dirname(file), link)))).toEqual([])
  })

  it.each(DOCUMENTS)('link only to headings that exist: %s', (file) => {
    const links = [...text(file).matchAll(/\]\((?!https?:|mailto:)([^)#]*)#([^)]*)\)/gu)]
    const missing = links.filter(([, link = '', anchor = '']) => {
      const target = link === '' ? file : join(dirname(file), link)
      return existsSync(target) && !anchorsOf(text(target)).has(anchor)
    })

    expect(missing.map(([whole]) => whole)).toEqual([])
  })

  it.each(DOCUMENTS)('name only files that exist: %s', (file) => {
    const named = [
      ...text(file).matchAll(
        /`((?:src|lib|lambdas|edge|stager|local|cli|console|bench|test|docs|bin|examples)\/[\w./-]+)`/gu,
      ),
    ].map(([, name]) => name ?? '')

    expect(named.filter((name) => !existsSync(name))).toEqual([])
  })
})

/** A palette suffices for screenshots: `pngquant --force --ext .png <file>`. */
const MAX_PICTURE_BYTES = 200_000

describe('the pictures of the documents', () => {
  it.each(globSync('docs/images/*'))('have less than 200 kB: %s', (file) => {
    expect(statSync(file).size).toBeLessThan(MAX_PICTURE_BYTES)
  })
})

describe('the GitHub workflows', () => {
  it.each(WORKFLOWS)('have jobs and explicit permissions: %s', (file) => {
    const workflow = parse(text(file)) as { jobs: Record<string, { steps: unknown[] }>; permissions: object }

    expect(Object.values(workflow.jobs).every((job) => job.steps.length > 0)).toBe(true)
    expect(Object.keys(workflow.permissions)).toContain('contents')
  })

  it('run the CI script', () => {
    expect(text('.github/workflows/ci.yml')).toContain('.ci/run')
  })
})

/** Languages of biome. */
const CHECKED_BY_BIOME = /\.(?:[cm]?[jt]sx?|jsonc?|css|html|graphql|gql)$/u

describe('the pre-commit hook', () => {
  const { 'lint-staged': commands } = JSON.parse(text('package.json')) as {
    'lint-staged': Record<string, string>
  }

  it('checks every file that `npm run lint` checks', () => {
    const isElsewhere = (folder: string): boolean => /(?:^|\/)(?:node_modules|cdk\.out)$/u.test(folder)
    const files = globSync('**/*.*', { exclude: isElsewhere }).filter((file) => CHECKED_BY_BIOME.test(file))
    // lint-staged compares a pattern without a slash with the name of the file.
    const isStaged = (file: string): boolean =>
      Object.keys(commands).some((pattern) => matchesGlob(basename(file), pattern))

    const endings = new Set(files.map((file) => extname(file)))
    expect([...endings]).toEqual(expect.arrayContaining(['.ts', '.tsx', '.css', '.html', '.json', '.jsonc']))
    expect(files.filter((file) => !isStaged(file))).toEqual([])
  })

  it('ignores files that biome does not know', () => {
    expect(Object.values(commands)).toEqual([expect.stringContaining('--files-ignore-unknown=true')])
  })
})

const MAX_FILE_LINES = 300

describe('the code', () => {
  const files = globSync('{src,lib,lambdas,edge,stager,local,cli,bin}/**/*.ts')
  const others = globSync(['{console,bench,examples}/**/*.{ts,tsx}', '{local,examples}/**/*.py'])

  it('has only files of fewer than 300 lines', () => {
    const long = [...files, ...others].filter(
      (file) => text(file).trimEnd().split('\n').length >= MAX_FILE_LINES,
    )

    expect(long).toEqual([])
  })

  it('of src is in folders by feature, without ports.ts, dependencies.ts and use-cases/', () => {
    expect(globSync('src/**/{ports,dependencies}.ts')).toEqual([])
    expect(globSync('src/**/use-cases')).toEqual([])
  })
})

describe('the journeys at the end of the architecture', () => {
  const [, ...journeys] = (text('docs/architecture.md').split('## Journeys')[1] ?? '').split(/\n\*\*/u)

  /** Top folder of a program, or folder of a feature in `src/`. */
  const folderOf = (file: string): string => /^src\/[^/]+|^[^/]+/u.exec(file)?.[0] ?? ''

  it.each([
    { name: 'A bundle', files: 90, folders: 10 },
    { name: 'A run', files: 70, folders: 10 },
    { name: 'A setting, from', files: 4, folders: 1 },
    { name: 'A setting that', files: 4, folders: 3 },
    { name: 'A constraint', files: 25, folders: 7 },
  ])('$name passes through at most $files files in $folders folders', (limit) => {
    const journey = journeys.find((one) => one.startsWith(limit.name)) ?? ''
    const files = new Set([...journey.matchAll(/`([\w./-]+\.ts)`/gu)].map(([, file]) => file ?? ''))
    const folders = new Set([...files].map(folderOf))

    expect(files.size).toBeGreaterThan(0)
    expect(files.size).toBeLessThanOrEqual(limit.files)
    expect(folders.size).toBeLessThanOrEqual(limit.folders)
  })
})
