#!/usr/bin/env node
import module, { createRequire } from 'node:module'
import { join } from 'node:path'
import { keptFolder } from '../cache-folder.ts'
import { EXIT } from '../terminal/exit-codes.ts'

const OLDEST_NODE = 20

/*
 * Starts the program with the compiled code of an earlier start, which takes a third of the time. Node 20 has no such cache. Without a
 * folder to which only this user can write, there is none either: the code in it is executed.
 */
if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  process.stderr.write(
    `cytomine-task needs Node ${OLDEST_NODE} or newer; this is Node ${process.versions.node}\n`,
  )
  process.exit(EXIT.unavailable)
}
const { enableCompileCache }: Partial<Pick<typeof module, 'enableCompileCache'>> = module
const folder = keptFolder()
if (folder !== undefined) enableCompileCache?.(join(folder, 'compiled'))
createRequire(join(import.meta.dirname, 'start'))('./program.cjs')
