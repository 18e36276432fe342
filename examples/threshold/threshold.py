"""Outlines each region of an image that is darker than a threshold. Standard library only."""
import json
import os
import struct
import zlib
from pathlib import Path

INPUTS = Path(os.environ.get("INPUTS", "/inputs"))
OUTPUTS = Path(os.environ.get("OUTPUTS", "/outputs"))


def read_png(path):
    """Rows of grey values from 0 to 255: 8 bits, grey or RGB, with or without alpha, not interlaced."""
    data = path.read_bytes()
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    channels = {0: 1, 2: 3, 4: 2, 6: 4}.get(colour)
    if depth != 8 or channels is None or interlace:
        raise SystemExit(f"the image has {depth} bits and colour type {colour}: expected 8 bits, grey or RGB")
    packed, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    return width, height, unfilter(zlib.decompress(packed), width, height, channels)


def unfilter(raw, width, height, channels):
    stride, previous, rows = width * channels, bytearray(width * channels), []
    for y in range(height):
        start = y * (stride + 1)
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        for x in range(stride):
            left = line[x - channels] if x >= channels else 0
            above, corner = previous[x], previous[x - channels] if x >= channels else 0
            line[x] = (line[x] + predicted(kind, left, above, corner)) & 255
        colours = min(channels, 3) if channels > 2 else 1
        rows.append([sum(line[x * channels : x * channels + colours]) // colours for x in range(width)])
        previous = line
    return rows


def predicted(kind, left, above, corner):
    if kind == 4:
        estimate = left + above - corner
        return min((left, above, corner), key=lambda value: abs(estimate - value))
    return (0, left, above, (left + above) // 2)[kind]


def find_regions(rows, limit):
    """Sets of pixels (x, y) that are darker than the limit and touch by an edge."""
    todo = {(x, y) for y, row in enumerate(rows) for x, value in enumerate(row) if value < limit}
    while todo:
        stack, region = [todo.pop()], set()
        while stack:
            x, y = stack.pop()
            region.add((x, y))
            for pixel in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
                if pixel in todo:
                    todo.remove(pixel)
                    stack.append(pixel)
        yield region


def outline(region):
    """The outer ring of a region along the edges of its pixels, as corners (x, y) with y downwards."""
    edges = {}
    for x, y in region:
        for inside, start, end in (
            ((x, y - 1), (x, y), (x + 1, y)),
            ((x + 1, y), (x + 1, y), (x + 1, y + 1)),
            ((x, y + 1), (x + 1, y + 1), (x, y + 1)),
            ((x - 1, y), (x, y + 1), (x, y)),
        ):
            if inside not in region:
                edges.setdefault(start, []).append(end)
    start = min(edges)
    ring, direction = [start], (1, 0)
    while True:
        at = ring[-1]
        # Where two pixels touch by a corner, the turn to the left passes it once, so the ring does not touch itself.
        turns = sorted(edges[at], key=lambda end: turn(direction, (end[0] - at[0], end[1] - at[1])))
        step = turns[0]
        edges[at].remove(step)
        direction = (step[0] - at[0], step[1] - at[1])
        ring.append(step)
        if step == start:
            return ring


def turn(before, after):
    """Left, straight, right: with y downwards a turn to the left has a negative cross product."""
    return before[0] * after[1] - before[1] * after[0]


def write_array(name, items):
    folder = OUTPUTS / name
    folder.mkdir()
    (folder / "array.yml").write_text(f"size: {len(items)}")
    for index, item in enumerate(items):
        (folder / str(index)).write_text(json.dumps(item))


def main():
    _, height, rows = read_png(INPUTS / "image")
    limit = float((INPUTS / "threshold").read_text()) * 255
    smallest = int((INPUTS / "smallest").read_text())
    regions = [region for region in find_regions(rows, limit) if len(region) >= smallest]
    regions.sort(key=min)
    print(f"{len(regions)} regions of {smallest} pixels or more")
    # Cytomine counts y from the bottom.
    rings = [[[x, height - y] for x, y in outline(region)] for region in regions]
    (OUTPUTS / "count").write_text(str(len(rings)))
    write_array("regions", [{"type": "Polygon", "coordinates": [ring]} for ring in rings])


if __name__ == "__main__":
    main()
