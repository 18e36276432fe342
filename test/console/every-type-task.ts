import { randomBytes } from 'node:crypto'
import { dockerArchive, packTar, packZip } from '../fixtures/bundle-builder.ts'
import { shellLayer } from '../fixtures/engine-image.ts'

/*
 * A task with an input and an output of every type. Its container runs a shell script that copies inputs to outputs, and writes a
 * requested number of outlines of nuclei.
 */

export const NAMESPACE = 'org.example.every-type'
export const VERSION = '1.0.0'

interface TaskOptions {
  readonly namespace?: string
  readonly name?: string
  readonly description?: string
  /** Shell commands before the outputs are written. */
  readonly before?: string
  /** Further lines of the descriptor below `configuration.resources`. */
  readonly resources?: string
  /** Further inputs, as lines of the descriptor. */
  readonly inputs?: string
  /** Further outputs, as lines of the descriptor. */
  readonly outputs?: string
  /** First name and organization of the author. */
  readonly author?: string
  /** Logo of the task, a PNG. */
  readonly logo?: Buffer
  /** Size of an additional file in the image, which cannot be compressed. */
  readonly ballastBytes?: number
}

/** Grid of the nuclei: distance in pixels, and number of corners of an outline. The grid is a third wider than it is high. */
export const GRID = { step: 12, corners: 14 } as const

/** Unit vectors to the corners, precomputed because the shell's awk may lack trigonometry. */
const CORNERS = Array.from({ length: GRID.corners }, (_, at) => {
  const angle = (2 * Math.PI * at) / GRID.corners
  return [Math.cos(angle), Math.sin(angle)] as const
})

const SCRIPT = `#!/bin/sh
set -e
for name in yes whole number text choice time outline picture slide document numbers outlines; do
  if [ -e /inputs/$name ]; then cp -r /inputs/$name /outputs/$name; fi
done
count=0
if [ -e /inputs/nuclei ]; then count=$(cat /inputs/nuclei); fi
mkdir -p /outputs/found
echo "size: $count" > /outputs/found/array.yml
awk -v count=$count 'BEGIN {
  split("${CORNERS.map(([x]) => x.toFixed(4)).join(' ')}", dx, " ")
  split("${CORNERS.map(([, y]) => y.toFixed(4)).join(' ')}", dy, " ")
  for (columns = 1; 3 * columns * columns < 4 * count; columns++);
  for (i = 0; i < count; i++) {
    x = (i % columns) * ${GRID.step} + ${GRID.step / 2}
    y = int(i / columns) * ${GRID.step} + ${GRID.step / 2}
    line = ""
    for (k = 0; k <= ${GRID.corners}; k++) {
      c = k % ${GRID.corners} + 1
      r = 3.8 + ((int(i / columns) * 7 + (i % columns) * 3) % 5) * 0.2 + (c % 2) * 0.4
      line = line (k ? "," : "") sprintf("[%.2f,%.2f]", x + r * dx[c], y + r * dy[c])
    }
    file = "/outputs/found/" i
    printf "{\\"type\\":\\"Polygon\\",\\"coordinates\\":[[%s]]}", line > file
    close(file)
  }
}'
echo "found $count nuclei"
`

const INPUTS = `
  picture: {display_name: Picture, description: A part of a slide., type: {id: image, formats: [png, jpeg, tiff], max_width: 20000}, optional: true}
  slide: {display_name: Slide, description: A whole slide., type: image, optional: true}
  outline: {display_name: Region, description: Where to look., type: geometry, optional: true}
  nuclei: {display_name: Nuclei, description: How many to find., type: {id: integer, geq: 0, leq: 200000}, default: 0, optional: true}
  whole: {display_name: Whole number, description: Comes back., type: {id: integer, gt: 0, leq: 100}}
  number: {display_name: Threshold, description: Comes back., type: {id: number, geq: 0, lt: 1}, default: 0.5, optional: true}
  yes: {display_name: Normalise, description: Comes back., type: boolean, optional: true}
  text: {display_name: Label, description: Comes back., type: {id: string, min_length: 2, max_length: 200}}
  choice: {display_name: Stain, description: Comes back., type: {id: enumeration, values: ["H&E", IHC]}, optional: true}
  time: {display_name: Taken at, description: Comes back., type: datetime, optional: true}
  document: {display_name: Model, description: Any file., type: file, optional: true}
  numbers: {display_name: Weights, description: Come back., type: {id: array, subtype: number, min_size: 1, max_size: 50}, optional: true}
  outlines: {display_name: Regions, description: Come back., type: {id: array, subtype: geometry}, optional: true}
`

const OUTPUTS = `
  found: {display_name: Nuclei, description: Their outlines., type: {id: array, subtype: geometry}, dependencies: {derived_from: inputs/picture}}
  whole: {display_name: Whole number, description: The input., type: integer, optional: true}
  number: {display_name: Threshold, description: The input., type: number, optional: true}
  yes: {display_name: Normalised, description: The input., type: boolean, optional: true}
  text: {display_name: Label, description: The input., type: string, optional: true}
  choice: {display_name: Stain, description: The input., type: {id: enumeration, values: ["H&E", IHC]}, optional: true}
  time: {display_name: Taken at, description: The input., type: datetime, optional: true}
  outline: {display_name: Region, description: The input., type: geometry, optional: true, dependencies: {derived_from: inputs/picture}}
  picture: {display_name: Picture, description: The input., type: image, optional: true}
  slide: {display_name: Slide, description: The input., type: image, optional: true}
  document: {display_name: Model, description: The input., type: file, optional: true}
  numbers: {display_name: Weights, description: The input., type: {id: array, subtype: number}, optional: true}
  outlines: {display_name: Regions, description: The input., type: {id: array, subtype: geometry}, optional: true}
`

/** Inputs or outputs that are arrays of images and of arrays. */
export const ARRAYS = `
  pictures: {display_name: Pictures, description: Come back., type: {id: array, subtype: image, max_size: 4}, optional: true}
  grid: {display_name: Grid, description: Comes back., type: {id: array, subtype: {id: array, subtype: {id: integer, leq: 9}, max_size: 3}}, optional: true}
`.slice(1)

function descriptorOf(options: TaskOptions): string {
  const { namespace, name, description, resources = '', inputs = '', outputs = '', author } = options
  return `$schema: https://cytomine.com/schema-store/tasks/task.v0.json
name: ${name ?? 'Every type'}
namespace: ${namespace ?? NAMESPACE}
version: ${VERSION}
description: ${JSON.stringify(description ?? 'Finds nuclei in a picture, and gives back what it is given.')}
authors:
  - {first_name: ${JSON.stringify(author ?? 'App')}, last_name: Engine, organization: ${JSON.stringify(author ?? 'Example')}, email: app-engine@example.org, is_contact: true}
configuration:
  input_folder: /inputs
  output_folder: /outputs
  image: {file: /image.tar}
  resources: {ram: 256Mi, cpus: 1${resources}}
inputs:${INPUTS}${inputs}outputs:${OUTPUTS}${outputs}`
}

/** Bundle of the task, as a zip. */
export async function everyTypeBundle(options: TaskOptions = {}): Promise<Buffer> {
  const script = await packTar([
    { name: 'run.sh', body: SCRIPT.replace('set -e\n', `set -e\n${options.before ?? ''}\n`), mode: 0o755 },
  ])
  const command = { Entrypoint: ['/bin/busybox', 'sh', '/run.sh'], Env: ['PATH=/bin'] }
  const tools = await packTar(
    ['awk', 'cp', 'mkdir', 'printf'].map((name) => ({
      name: `bin/${name}`,
      type: 'symlink' as const,
      linkname: 'busybox',
    })),
  )
  const { ballastBytes = 0, logo } = options
  const ballast =
    ballastBytes === 0 ? [] : [await packTar([{ name: 'ballast', body: randomBytes(ballastBytes) }])]
  const layers = [await shellLayer(), tools, ...ballast, script]
  const image = await packTar(await dockerArchive({ layers, command }))
  return packZip([
    { name: 'descriptor.yml', body: descriptorOf(options) },
    ...(logo === undefined ? [] : [{ name: 'logo.png', body: logo }]),
    { name: 'image.tar', body: image },
  ])
}
