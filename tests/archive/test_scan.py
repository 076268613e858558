import pytest

from funduscope.archive import scan

SECRETS = {
    "name": ("Jane Calloway", "张伟"),
    "patient": ("HV-000123", "4570"),
    "exam": ("12",),
}


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("JANE  CALLOWAY was here", ["name"]),
        ("j.a.n.e calloway", ["name"]),
        ("张·伟", ["name"]),
        ("record ＨＶ０００１２３", ["patient"]),
        ("number 4570", ["patient"]),
        ("Jane Calloway, hv000123", ["name", "patient"]),
        ("12 drusen", []),
        ("血管扩张，伟哥", []),
        ("血管扩张 伟哥", ["name"]),
        ("45.70 and 14570", []),
        ("Calloway", []),
        ("右眼正常", []),
    ],
)
def test_what_remains_is_found_by_role(text: str, roles: list[str]) -> None:
    assert scan.leaks(text, SECRETS) == roles
