"""Build step: the wheel carries the model that ships, so that `predict` works after pip install."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = Path("bundles", "mini", "package")


class BuildWithModel(build_py):
    """Copy the shipped package, with its own LICENSE, beside the modules (not when editable)."""

    def run(self) -> None:
        """Build the modules, then copy."""
        super().run()
        if not self.editable_mode and SHIPPED.is_dir():
            shutil.copytree(
                SHIPPED, Path(self.build_lib, "funduscope", SHIPPED), dirs_exist_ok=True
            )


setup(cmdclass={"build_py": BuildWithModel})
