from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from funduscope import config
from funduscope.errors import ConfigError


class Inner(config.Settings):
    size: int = Field(3, ge=1, description="how large")


class Outer(config.Settings):
    name: str = Field("a", description="what it is called")
    rate: float = Field(0.5, gt=0, description="how fast")
    words: tuple[str, ...] = Field(("x", "y"), description="what is said")
    inner: Inner = Field(default_factory=lambda: Inner(), description="the inside")
    path: Path | None = Field(None, description="where")


def test_file_then_words_then_defaults(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('name = "b"\nrate = 2\n[inner]\nsize = 9\n', encoding="utf-8")
    made = config.load(Outer, file, ["rate=3", "words=['z']"])
    assert made == Outer(name="b", rate=3.0, words=("z",), inner=Inner(size=9))


def test_all_mistakes_are_told_at_once_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(Outer, None, ["nam=q", "rate=-1", "inner.sice=2"])
    text = str(caught.value)
    assert "unknown setting 'nam'; did you mean 'name'?" in text
    assert "unknown setting 'inner.sice'; did you mean 'size'?" in text
    assert "rate = -1" in text
    assert "funduscope config" in text


@pytest.mark.parametrize("word", ["rate", "=3", ""])
def test_a_word_without_key_or_value_is_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="key=value"):
        config.load(Outer, None, [word])


def test_files_that_are_not_there_or_not_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        config.load(Outer, tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("name = ", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        config.load(Outer, tmp_path / "bad.toml")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Outer().name = "other"  # type: ignore[misc]


def test_the_described_settings_are_toml_that_gives_the_defaults() -> None:
    text = config.describe(Outer)
    assert config.build(Outer, tomllib.loads(text), place="test") == Outer()
    assert "# how large" in text


@settings(deadline=None, max_examples=50)
@given(name=st.text(min_size=1), rate=st.floats(0.001, 1e6), size=st.integers(1, 10**9))
def test_any_described_settings_are_read_back(name: str, rate: float, size: int) -> None:
    data = {"name": name, "rate": rate, "inner": {"size": size}}
    made = config.build(Outer, data, place="test")
    assert config.build(Outer, made.model_dump(), place="test") == made
