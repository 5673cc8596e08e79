"""What a screenshot looks like, as one line of JSON.

    picture.py FILE     a PNG of eight bits, RGB or RGBA, not interlaced

width, height   pixels
corner          the colour of the first pixel, [red, green, blue]
edge            whether the last column has that colour from top to bottom: nothing is cut off there
colours         how many there are
"""
import json
import struct
import sys
import zlib

data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
offset, packed = 8, b""
while offset < len(data):
    length, kind = struct.unpack(">I4s", data[offset:offset + 8])
    content = data[offset + 8:offset + 8 + length]
    if kind == b"IHDR":
        width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", content)
    if kind == b"IDAT":
        packed += content
    offset += 12 + length
assert depth == 8 and colour in (2, 6) and not interlaced, "another form of PNG"
pixel = 3 if colour == 2 else 4
raw, stride = zlib.decompress(packed), width * pixel
above, rows = bytearray(stride), []
for y in range(height):
    start = y * (stride + 1)
    kind, line = raw[start], bytearray(raw[start + 1:start + 1 + stride])
    for i in range(stride):
        left = line[i - pixel] if i >= pixel else 0
        up, corner = above[i], above[i - pixel] if i >= pixel else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        elif kind == 4:
            estimate = left + up - corner
            guess = min((left, up, corner), key=lambda value: abs(estimate - value))
        else:
            guess = 0
        line[i] = (line[i] + guess) & 255
    rows.append(line)
    above = line
first = rows[0][:3]
print(json.dumps({
    "width": width, "height": height, "corner": list(first),
    "edge": all(row[(width - 1) * pixel:(width - 1) * pixel + 3] == first for row in rows),
    "colours": len({bytes(row[x * pixel:x * pixel + 3]) for row in rows for x in range(width)}),
}))
