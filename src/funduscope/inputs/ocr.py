"""Reading what `find_text` found, by tesseract where it is installed; a second opinion only."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence

from PIL import Image

from funduscope.errors import DataError
from funduscope.inputs.photo import Photo
from funduscope.inputs.text_boxes import Box

_PAD = 8
_HEIGHT = 48
_SECONDS = 20


def tesseract(program: str = "tesseract") -> str:
    """Where the program is.

    Raises:
        DataError: it is not installed.
    """
    path = shutil.which(program)
    if path is None:
        raise DataError(
            program,
            place="the setting ocr",
            rule="the program that reads text is installed and on the PATH",
            remedy="install tesseract (Debian: tesseract-ocr), or leave out ocr",
            code="no_ocr",
        )
    return path


def letters_read(rgb: Photo, boxes: Sequence[Box], *, program: str = "tesseract") -> list[int]:
    """Of each box, how many letters and digits were read; never the text itself.

    Args:
        rgb: uint8 (H, W, 3).
        boxes: from `find_text`.
        program: name or path of tesseract.

    Raises:
        DataError: it is not installed.
    """
    path = tesseract(program)
    return [_read(rgb, box, path) for box in boxes]


def _read(rgb: Photo, box: Box, path: str) -> int:
    rows = slice(max(box.y0 - _PAD, 0), box.y1 + _PAD)
    columns = slice(max(box.x0 - _PAD, 0), box.x1 + _PAD)
    image = Image.fromarray(rgb[rows, columns])
    scale = max(1, round(_HEIGHT / max(box.y1 - box.y0, 1)))
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    try:
        done = subprocess.run(
            [path, "stdin", "stdout", "--psm", "6"],
            input=stream.getvalue(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(map(str.isalnum, done.stdout.decode("utf-8", "replace")))
