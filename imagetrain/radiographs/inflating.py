"""PNG files with their pixels inflated by ISA-L, which takes less than half of the time that zlib takes.

A PNG decoder spends most of its time in zlib. Here the compressed stream is replaced by one that is stored, and any
decoder reads the same pixels from it. All checksums of the old stream are verified; the new ones are right.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from imagetrain.radiographs.limits import MAX_CONTENT_BYTES

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"\0\0\0\0IEND\xaeB`\x82"
KEPT = (b"IHDR", b"PLTE")
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each colour type
LONGEST_BLOCK = 0xFFFF  # bytes of a stored block (RFC 1951, 3.2.4)


def store_png(content: bytes) -> bytes | None:
    """The same PNG without compression and without what says nothing of pixels; None if zlib has to read it.

    That is so where ISA-L is not installed, the rows are interlaced, or anything is damaged: the decoder of the old
    stream says so in its own way.
    """
    try:
        from isal import isal_zlib
    except ImportError:
        return None
    view = memoryview(content)
    kept, data = [], []
    for kind, at, end in chunks(content):
        if kind in (*KEPT, b"IDAT"):
            if isal_zlib.crc32(view[at + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
                return None
            if kind == b"IDAT":
                data.append(view[at + 8 : end])
            else:
                kept.append(content[at : end + 4])
    if not kept or kept[0][4:8] != b"IHDR" or len(kept[0]) != 25:
        return None
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", kept[0], 8)
    n_bytes = height * (1 + (width * depth * CHANNELS.get(colour, 0) + 7) // 8)
    if interlaced or n_bytes > MAX_CONTENT_BYTES:
        return None
    try:
        stream = isal_zlib.decompressobj()
        rows = stream.decompress(b"".join(data), n_bytes + 1)
    except isal_zlib.error:  # type: ignore[misc]  # its stub declares no class
        return None
    if len(rows) != n_bytes or not stream.eof:
        return None
    body = b"".join(_stored(rows, isal_zlib.adler32(rows)))
    crc = isal_zlib.crc32(body, isal_zlib.crc32(b"IDAT"))
    return b"".join([SIGNATURE, *kept, struct.pack(">I", len(body)), b"IDAT", body, struct.pack(">I", crc), END])


def chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk of a PNG; its checksum follows the end."""
    at = len(SIGNATURE)
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        yield content[at + 4 : at + 8], at, at + 8 + length
        at += 12 + length


def _stored(rows: bytes, checksum: int) -> list[bytes | memoryview]:
    """A zlib stream (RFC 1950) of stored blocks."""
    parts: list[bytes | memoryview] = [b"\x78\x01"]
    view = memoryview(rows)
    for start in range(0, len(rows), LONGEST_BLOCK):
        block = view[start : start + LONGEST_BLOCK]
        last = start + LONGEST_BLOCK >= len(rows)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    return [*parts, struct.pack(">I", checksum)]
