import pytest

from funduscope.archive import encodings

SIMPLE = "患者右眼视盘边界清，色淡红。张伟，男，65岁，检查号123"
TRADITIONAL = "患者右眼視盤邊界清，色淡紅。張偉，男，65歲，檢查號123"
WESTERN = "Name;Befund\nMüller;Papille vital, Gefäße unauffällig, Größe\nJosé;naïve façade"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SIMPLE, "utf-8"),
        (SIMPLE, "utf-16"),
        (SIMPLE, "gb18030"),
        ("姓名\n婷婷\n", "gb18030"),  # rare characters alone
        (TRADITIONAL, "big5"),
        (TRADITIONAL, "gb18030"),
        (WESTERN, "cp1252"),
    ],
)
def test_what_bytes_speak_for(text: str, encoding: str) -> None:
    found = encodings.decode(text.encode(encoding))
    assert found is not None
    assert (found.text, found.encoding) == (text, encoding)
    assert (found.doubt is not None) is (encoding == "cp1252")


def test_a_few_broken_bytes_are_borne_and_told() -> None:
    found = encodings.decode((SIMPLE * 40).encode() + b"\xe6")
    assert found is not None
    assert found.encoding == "utf-8"
    assert found.doubt is not None
    assert encodings.decode(SIMPLE.encode("gb18030"), "utf-8") is None
