"""What tells a DICOM file from any other; opens without the extra `dicom`."""

from __future__ import annotations

import struct


def is_dicom(data: bytes) -> bool:
    """Whether the first bytes (132 or more) are those of a DICOM file.

    Old archives also hold objects without preamble and file meta; these begin with an element of
    group 2 or 8.
    """
    if data[128:132] == b"DICM":
        return True
    if len(data) < 16:
        return False
    group, element = struct.unpack_from("<HH", data)
    explicit = data[4:6].isalpha() and data[4:6].isupper()
    (length,) = struct.unpack_from("<I", data, 4)
    return group in (2, 8) and element <= 0x0070 and (explicit or length <= 256)
