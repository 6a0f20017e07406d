"""Checksums of a model's files: CRC-32, as zip archives and Ethernet have it, eight hexadecimal digits.

It is there to find damage, not malice: who can change a file can change its checksum. Any damage within 32
consecutive bits is found for certain, any other but for one in four billion. It is the quickest that Python brings
(some three times SHA-256), is taken of the bytes while they are written, and a packed model carries the same numbers,
so that any program that reads zip archives finds the same damage.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

_POLYNOMIAL = 0xEDB88320  # of CRC-32, the coefficient of x^0 in the highest bit
_ONE = 1 << 31
_AT_ONCE = 1 << 20


def shown(crc: int) -> str:
    """The checksum as a card has it.

    >>> shown(zlib.crc32(b"a store one can trust"))
    '00bfd659'
    """
    return f"{crc:08x}"


def of_file(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """The checksum of a file; `progress` hears how many bytes were read since it last did."""
    crc = 0
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(_AT_ONCE):
            crc = zlib.crc32(piece, crc)
            if progress is not None:
                progress(len(piece))
    return shown(crc)


def joined(first: int, second: int, length: int) -> int:
    """The CRC-32 of two spans of bytes one after the other, from that of each and the `length` of the second.

    A header that is known last is so joined with the numbers behind it, without reading them again. Appending a zero
    bit multiplies the polynomial of a CRC by x, so the first one's is multiplied by x^(8 length).
    """
    power, square = _ONE, _ONE >> 8
    while length:
        if length & 1:
            power = _product(power, square)
        square = _product(square, square)
        length >>= 1
    return _product(power, first) ^ second


def _product(a: int, b: int) -> int:
    """a b modulo CRC-32's polynomial, all of them polynomials over the field of two elements."""
    product = 0
    for place in range(31, -1, -1):
        if a >> place & 1:
            product ^= b
        b = b >> 1 ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


class SummedFile:
    """A new file, written from its beginning to its end, that knows the CRC-32 of what was written so far."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 - closed by `close`, as Arrow does with what it writes to
        self.crc = 0

    def write(self, content: bytes) -> int:
        self.crc = zlib.crc32(content, self.crc)
        return self._file.write(content)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    @property
    def closed(self) -> bool:
        return self._file.closed

    def __enter__(self) -> SummedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
