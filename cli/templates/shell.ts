import type { ProgramTemplate } from './template.ts'

const DOCKERFILE = `FROM docker.io/library/busybox:1.37-musl
COPY --chmod=755 main.sh /main.sh
# The user nobody: a task needs no rights.
USER 65534:65534
ENTRYPOINT ["/main.sh"]
`

const PROGRAM = `#!/bin/sh
# Draws a frame into an image and computes its area.
set -eu
cd /inputs

# Reads a number of four bytes at an offset: width and height of a PNG are at 16 and 20.
number_at() { od -An -tu1 -j "$1" -N 4 image | awk '{ printf "%.0f", (($1 * 256 + $2) * 256 + $3) * 256 + $4 }'; }
width=$(number_at 16)
height=$(number_at 20)
fraction=$(cat fraction)
place=$(cat place)
echo "image of $width x $height pixels, frame of $fraction of it"

printf '%s' "$width" > /outputs/width

awk -v w="$width" -v h="$height" -v f="$fraction" -v place="$place" 'BEGIN {
  fw = w * f; fh = h * f
  # Cytomine counts y from the bottom of the image: at the top, y is the height.
  x = 0; y = h - fh
  if (place == "center") { x = (w - fw) / 2; y = (h - fh) / 2 }
  printf "{\\"type\\":\\"Polygon\\",\\"coordinates\\":[[[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g]]]}", \\
    x, y, x + fw, y, x + fw, y + fh, x, y + fh, x, y
}' > /outputs/frame

# An optional array without a value has no folder; array.yml has one line: size: N
size=0
if [ -d factors ]; then size=$(sed -n 's/^size: *//p' factors/array.yml); fi
mkdir /outputs/areas
printf 'size: %s' "$size" > /outputs/areas/array.yml
index=0
while [ "$index" -lt "$size" ]; do
  awk -v w="$width" -v h="$height" -v f="$fraction" -v k="$(cat "factors/$index")" \\
    'BEGIN { printf "%.17g", w * f * h * f * k }' > "/outputs/areas/$index"
  index=$((index + 1))
done
`

export const shellTemplate: ProgramTemplate = () => [
  { path: 'Dockerfile', content: DOCKERFILE },
  { path: 'main.sh', content: PROGRAM, isExecutable: true },
]
