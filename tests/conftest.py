"""What every test lives under: no network but loopback, few threads, real data only when there."""

from __future__ import annotations

import json
import os
import re
import socket
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Before numpy and torch are imported. One thread each: tests are tiny, and threads that wait for
# each other on a busy machine cost minutes.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(_name, "1")
# A library that would rather ask a hub than fail is told not to.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_connect = socket.socket.connect


def _guarded(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in _LOOPBACK:
        raise RuntimeError(f"a test tried to reach {address[0]}; only loopback is open")
    _connect(self, address)


@pytest.fixture(autouse=True)
def _closed_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _guarded)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder named by FUNDUSCOPE_DATA."""
    return Path(os.environ["FUNDUSCOPE_DATA"])


@pytest.fixture(scope="session")
def real_data(shared: Path) -> Path:
    """The real photographs: one folder a set."""
    return shared / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the real photographs where there are none, and full-size proofs."""
    there = os.environ.get("FUNDUSCOPE_DATA")
    full = os.environ.get("FUNDUSCOPE_FULL")
    for item in items:
        if "realdata" in item.keywords and not (there and Path(there, "data").is_dir()):
            item.add_marker(pytest.mark.skip(reason="FUNDUSCOPE_DATA names no folder with data/"))
        for tier in ("accept", "soak", "services"):
            if tier in item.keywords and full != tier:
                item.add_marker(pytest.mark.skip(reason=f"full size: run by `make {tier}`"))


@pytest.fixture
def save_marks(tmp_path: Path) -> Callable[..., Path]:
    """Does what mark.html does: save_marks(page, "R1", wrong=..., missed=..., done=...) -> file.

    wrong(text, reading) and done(text) tell, missed(text) lists dicts; nothing is wrong or missed
    and everything is finished by default. `edit` changes the body before its check sum is made.
    """

    def save(page: Path, reader: str, **told: Callable[..., Any]) -> Path:
        found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.S)
        assert found is not None
        data = json.loads(found[1])
        wrong = told.get("wrong", lambda text, reading: False)
        missed = told.get("missed", lambda text: [])
        done = told.get("done", lambda text: True)
        reports = []
        for report in data["reports"]:
            rows = [dict(zip(data["fields"], row, strict=True)) for row in report["readings"]]
            rows = [row | {"right": not wrong(report["text"], row)} for row in rows]
            head = {name: report[name] for name in ("text_id", "weight")}
            text = report["text"]
            reports.append(head | {"done": done(text), "readings": rows, "missed": missed(text)})
        body = {"kind": "funduscope marks", "format": 1, "corpus": data["corpus"]}
        body |= {"sample": data["sample"], "reader": reader, "reports": reports}
        told.get("edit", lambda body: None)(body)
        plain = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        path = tmp_path / f"marks_{reader}.json"
        text = json.dumps(body | {"crc32": f"{zlib.crc32(plain):08x}"}, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        return path

    return save
