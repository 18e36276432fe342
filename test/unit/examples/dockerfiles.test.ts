import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { EDGE_HEALTH_PATH } from '../../../src/contract/environment.ts'

interface Instruction {
  readonly word: string
  readonly rest: string
  /** Whether the preceding line is a comment. */
  readonly isExplained: boolean
}

/** Instructions of a Dockerfile, continuation lines joined. */
function read(program: string): Instruction[] {
  const lines = readFileSync(`${program}/Dockerfile`, 'utf8')
    .replace(/\\\n\s*/gu, '')
    .split('\n')
  return lines.flatMap((line, index) => {
    const [, word, rest] = /^([A-Z]+)\s+(.*)$/u.exec(line) ?? []
    const isExplained = lines[index - 1]?.startsWith('#') ?? false
    return word === undefined || rest === undefined ? [] : [{ word, rest, isExplained }]
  })
}

/** Instructions of the image itself, after the last FROM. */
function finalStage(program: string): Instruction[] {
  const all = read(program)
  return all.slice(all.findLastIndex(({ word }) => word === 'FROM') + 1)
}

describe.each(['edge', 'stager'])('the Dockerfile of the %s', (program) => {
  it('uses the same base image in all stages, which an argument can pin', () => {
    const [first, ...others] = read(program)

    expect(first).toMatchObject({
      word: 'ARG',
      rest: expect.stringMatching(/^NODE_IMAGE=node:24[^@]+@sha256:[0-9a-f]{64}$/u),
    })
    expect(others.filter(({ word }) => word === 'FROM').map(({ rest }) => rest)).toEqual([
      expect.stringMatching(/ \$\{NODE_IMAGE\} AS build$/u),
      // Without a platform, because the machine's own architecture is the target.
      '$' + '{NODE_IMAGE}',
    ])
  })

  it('runs no install script of a package', () => {
    const installs = read(program).filter(({ word, rest }) => word === 'RUN' && /\bnpm\b|\bnpx\b/u.test(rest))

    expect(installs.map(({ rest }) => rest)).toEqual(['npm ci --ignore-scripts'])
  })

  it('copies one file of the project into the image, and runs no command in the last stage', () => {
    const stage = finalStage(program)

    expect(stage.filter(({ word }) => word === 'COPY' || word === 'ADD').map(({ rest }) => rest)).toEqual([
      `--from=build /build/${program}.mjs /${program}.mjs`,
    ])
    // A command could not run for another architecture.
    expect(stage.filter(({ word }) => word === 'RUN')).toEqual([])
  })

  it('sets a user: a number, or root with the reason', () => {
    const users = finalStage(program).filter(({ word }) => word === 'USER')

    expect(users).toHaveLength(1)
    for (const { rest, isExplained } of users) {
      if (rest === 'root') expect(isExplained).toBe(true)
      else expect(rest).toMatch(/^[1-9]\d*:[1-9]\d*$/u)
    }
  })

  it('starts the program without a shell, which would not forward signals', () => {
    const [entry] = finalStage(program).filter(({ word }) => word === 'ENTRYPOINT')

    expect(JSON.parse(entry?.rest ?? '')).toContain(`/${program}.mjs`)
  })
})

it('the health check in the edge’s image does not depend on the API', () => {
  const [check] = finalStage('edge').filter(({ word }) => word === 'HEALTHCHECK')

  expect(check?.rest).toContain(EDGE_HEALTH_PATH)
})

it('only the image of the stager runs as root', () => {
  expect(
    ['edge', 'stager'].filter((program) => JSON.stringify(finalStage(program)).includes('"root"')),
  ).toEqual(['stager'])
})

describe('the compose example', () => {
  const compose = parse(readFileSync('examples/compose/compose.yaml', 'utf8')) as {
    readonly services: {
      readonly edge: { readonly build: object; readonly environment: object; readonly ports?: unknown }
    }
  }
  const { edge } = compose.services

  it('builds the edge of this repository, with a base that can be pinned', () => {
    expect(edge.build).toMatchObject({ context: '../..', dockerfile: 'edge/Dockerfile' })
    expect(edge.build).toHaveProperty('args.NODE_IMAGE')
  })

  it('sets only variables that the edge reads', () => {
    const settingOf = (name: string) => new RegExp(`^  ${name}: (?:z\\.|\\w+From\\()`, 'mu')
    const main = readFileSync('edge/main.ts', 'utf8')

    for (const name of Object.keys(edge.environment)) {
      if (!name.startsWith('AWS_')) expect(main).toMatch(settingOf(name))
    }
  })

  it('publishes no port on the host, because the edge signs requests of every client', () => {
    expect(edge.ports).toBeUndefined()
  })
})

it('the build context of the edge has only the files that its Dockerfile copies', () => {
  const ignore = readFileSync('edge/Dockerfile.dockerignore', 'utf8').trim().split('\n')
  const copied = read('edge').flatMap(({ word, rest }) =>
    word === 'COPY' && !rest.startsWith('--from') ? rest.split(' ').slice(0, -1) : [],
  )

  expect(ignore[0]).toBe('*')
  expect(ignore.slice(1)).toEqual(expect.arrayContaining(copied.map((path) => `!${path}`)))
})
