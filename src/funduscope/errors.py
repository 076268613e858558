"""What can go wrong, as one tree, so that callers can catch the level they care about.

    FunduscopeError            exit 1
    ├── ConfigError            exit 2   a setting, a flag, a missing extra
    ├── DataError              exit 3   an archive, a photograph, a table, an output folder
    ├── BundleError            exit 4   weights or a package that do not fit or were changed
    ├── ParityError            exit 5   two ways of computing the same score disagree
    └── IdentityError          exit 6   something identifying remained; the output is withheld

Every message has four parts: the value, the place, the rule and the remedy.
"""

from __future__ import annotations


class FunduscopeError(Exception):
    """Base of all errors meant for the user: what was found, where, what is asked, what to do.

    Attributes:
        value: what was found, shown as it is (text) or by `repr`.
        place: file, table, row, column, setting or command where it was found.
        rule: what would have been right.
        remedy: what the reader can do now.
    """

    exit_code = 1

    def __init__(self, value: object, *, place: str, rule: str, remedy: str) -> None:
        self.value = value if isinstance(value, str) else repr(value)
        self.place = place
        self.rule = rule
        self.remedy = remedy
        super().__init__(f"{self.value}\n  where:  {place}\n  rule:   {rule}\n  remedy: {remedy}")


class ConfigError(FunduscopeError):
    """A setting or flag is unknown or out of range, or an optional library is not installed."""

    exit_code = 2


class DataError(FunduscopeError):
    """An input file, table or stage folder is not what it should be.

    Attributes:
        code: short stable word for tables and counts (`truncated`, `empty_file`, ...).
    """

    exit_code = 3

    def __init__(
        self, value: object, *, place: str, rule: str, remedy: str, code: str = "bad_data"
    ) -> None:
        self.code = code
        super().__init__(value, place=place, rule=rule, remedy=remedy)


class BundleError(FunduscopeError):
    """Weights, a bundle or a package do not fit their description or were changed."""

    exit_code = 4


class ParityError(FunduscopeError):
    """Two ways of computing the same thing (torch and onnxruntime, say) disagree too much."""

    exit_code = 5


class IdentityError(FunduscopeError):
    """Something that identifies a person remained; the output was not released."""

    exit_code = 6


def missing_extra(module: str, extra: str) -> ConfigError:
    """The error for an optional library that is not installed, with the exact install line."""
    return ConfigError(
        f"the Python module '{module}' is not installed",
        place="this Python environment",
        rule=f"this step needs the optional libraries of the extra '{extra}'",
        remedy=f"pip install '.[{extra}]' in the folder of the source code",
    )
