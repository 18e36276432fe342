import { OFFICIAL_SCHEMA } from '../../src/task/descriptor/descriptor-schema.ts'
import { greyPng } from './sample-png.ts'
import type { TemplateFile, TemplateNames } from './template.ts'

/** Path of the schema for editors; the file equals the output of `cytomine-task schema`. */
const EDITOR_SCHEMA = './task.schema.json'

/** Files of new tasks in all languages. */
export function commonFiles(names: TemplateNames, schema: string): readonly TemplateFile[] {
  return [
    { path: 'descriptor.yml', content: descriptor(names) },
    { path: 'task.schema.json', content: schema },
    { path: 'README.md', content: readme(names) },
    { path: '.dockerignore', content: '.cytomine-task\nsample\noutputs\n' },
    { path: '.gitignore', content: '.cytomine-task/\noutputs/\n' },
    { path: '.gitattributes', content: '* text=auto eol=lf\n*.png binary\n' },
    { path: 'sample/image.png', content: samplePng(64, 48) },
    { path: 'sample/factors.json', content: '[1, 2, 3]\n' },
  ]
}

function descriptor({ name, namespace }: TemplateNames): string {
  return `# yaml-language-server: $schema=${EDITOR_SCHEMA}
$schema: ${OFFICIAL_SCHEMA}
name: ${name}
namespace: ${namespace}
version: 0.1.0
description: Draws a frame into an image and computes its area.
authors:
  - first_name: Ada
    last_name: Lovelace
    organization: My laboratory
    email: ada@example.org
    is_contact: true

configuration:
  resources:
    ram: 512Mi
    cpus: 1

inputs:
  image:
    type: {id: image, formats: [png]}
    display_name: Image
    description: The image into which the frame is drawn.
  fraction:
    type: {id: number, geq: 0, leq: 1}
    display_name: Fraction
    description: Width and height of the frame, as a fraction of those of the image.
    default: 0.5
  place:
    type: {id: enumeration, values: [top-left, center]}
    display_name: Place
    description: Position of the frame in the image.
    default: center
  factors:
    type: {id: array, subtype: integer, min_size: 0}
    display_name: Factors
    description: For each factor, the area of the frame is multiplied by it.
    optional: true

outputs:
  width:
    type: integer
    description: Width of the image in pixels.
  frame:
    type: geometry
    description: The frame as a polygon, in pixels.
    dependencies: {derived_from: inputs/image}
  areas:
    type: {id: array, subtype: number}
    description: Area of the frame in pixels, multiplied by each factor.
`
}

function readme({ name }: TemplateNames): string {
  return `# ${name}

    cytomine-task run -i image=@sample/image.png -i fraction=0.5 -i factors=@sample/factors.json -o outputs
    cytomine-task validate
    cytomine-task build
    cytomine-task upload --url http://127.0.0.1:8080/app-engine/v1/

The container reads one file for each input from \`/inputs\`, named like the parameter and without extension, and writes one for each
output to \`/outputs\`. An array is a folder: \`array.yml\` with the line \`size: N\`, and one file for each item, named 0, 1, …

Coordinates of geometries are pixels of the image. The origin (0, 0) is the lower left corner of the image: x grows to the right, y upwards.
`
}

/** A gradient from black to white. */
function samplePng(width: number, height: number): Uint8Array {
  const row = Array.from({ length: width }, (_, x) => Math.floor((255 * x) / (width - 1)))
  return greyPng(Array.from({ length: height }, () => row))
}
