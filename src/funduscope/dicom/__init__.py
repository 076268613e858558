"""DICOM in and out: files read, de-identified, fetched from a server; keeps nothing.

Needs the extra `dicom`; modules are opened when first asked for, so that naming this room costs
nothing where it is not used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from funduscope.errors import missing_extra

if TYPE_CHECKING:
    from funduscope.dicom.deidentification import deidentify, to_bytes
    from funduscope.dicom.facts import Facts
    from funduscope.dicom.reading import Instance, read
    from funduscope.dicom.signature import is_dicom
    from funduscope.dicom.vendor import refusal
    from funduscope.dicom.web import Server

_MODULES = {
    "Facts": "facts",
    "Instance": "reading",
    "Server": "web",
    "deidentify": "deidentification",
    "is_dicom": "signature",
    "read": "reading",
    "refusal": "vendor",
    "to_bytes": "deidentification",
}

__all__ = [
    "Facts",
    "Instance",
    "Server",
    "deidentify",
    "is_dicom",
    "read",
    "refusal",
    "to_bytes",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(name)
    try:
        module = import_module(f"funduscope.dicom.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        raise missing_extra(str(error.name), "dicom") from error
    return getattr(module, name)
