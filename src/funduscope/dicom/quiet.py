"""pydicom kept quiet while it reads: its warnings and log lines quote values, that is, names."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom import config

_LOGGERS = ("pydicom", "pylibjpeg")


@contextmanager
def quiet() -> Iterator[None]:
    """Neither warnings nor log lines, and values that break the standard's rules are let through.

    What is wrong with a file is said by this package's own checks, which quote no value.
    """
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.disabled for logger in loggers]
    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.disabled = True
        try:
            yield
        finally:
            for logger, state in zip(loggers, before, strict=True):
                logger.disabled = state
