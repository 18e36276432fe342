#!/usr/bin/env node
import { runProgram } from './program.ts'

/*
 * cytomine-task: what authors of tasks need. `cytomine-task --help` lists the commands.
 */
void runProgram(process.argv.slice(2), process).then((code) => {
  process.exitCode = code
})
