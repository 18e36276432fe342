import type { ProgramTemplate } from './template.ts'

const DOCKERFILE = `FROM docker.io/library/python:3.12-slim
COPY main.py /app/main.py
# The user nobody: a task needs no rights.
USER 65534:65534
ENTRYPOINT ["python", "/app/main.py"]
`

const PROGRAM = `"""Draws a frame into an image and computes its area. Standard library only."""
import json
import struct
import sys
from pathlib import Path

INPUTS = Path("/inputs")
OUTPUTS = Path("/outputs")


def read_number(name):
    return float((INPUTS / name).read_text())


def read_enumeration(name):
    return (INPUTS / name).read_text()


def read_array(name, read_item):
    """Items of an array; an optional input without a value has no folder."""
    folder = INPUTS / name
    if not folder.exists():
        return []
    # array.yml has one line: size: N
    size = int((folder / "array.yml").read_text().split(":")[1])
    return [read_item((folder / str(index)).read_text()) for index in range(size)]


def read_image_size(name):
    """Width and height of a PNG, at bytes 16 and 20. With Pillow: Image.open(INPUTS / name).size"""
    with open(INPUTS / name, "rb") as file:
        start = file.read(24)
    return struct.unpack(">II", start[16:24])


def write_value(name, value):
    (OUTPUTS / name).write_text(str(value))


def write_geometry(name, geometry):
    (OUTPUTS / name).write_text(json.dumps(geometry))


def write_array(name, items):
    folder = OUTPUTS / name
    folder.mkdir()
    (folder / "array.yml").write_text(f"size: {len(items)}")
    for index, item in enumerate(items):
        (folder / str(index)).write_text(str(item))


def main():
    width, height = read_image_size("image")
    fraction = read_number("fraction")
    place = read_enumeration("place")
    factors = read_array("factors", int)

    frame_width, frame_height = width * fraction, height * fraction
    # Cytomine counts y from the bottom of the image: at the top, y is the height.
    x, y = (0, height - frame_height) if place == "top-left" else ((width - frame_width) / 2, (height - frame_height) / 2)
    print(f"image of {width} x {height} pixels, frame of {frame_width} x {frame_height}")

    ring = [[x, y], [x + frame_width, y], [x + frame_width, y + frame_height], [x, y + frame_height], [x, y]]
    write_value("width", width)
    write_geometry("frame", {"type": "Polygon", "coordinates": [ring]})
    write_array("areas", [frame_width * frame_height * factor for factor in factors])


if __name__ == "__main__":
    sys.exit(main())
`

export const pythonTemplate: ProgramTemplate = () => [
  { path: 'Dockerfile', content: DOCKERFILE },
  { path: 'main.py', content: PROGRAM },
]
