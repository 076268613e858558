"""Servers and tools from Debian, started on loopback for these tests only."""

from __future__ import annotations

import json
import runpy
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

USER, PASSWORD = "reader", "open sesame"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Orthanc:
    """A real archive with its store in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("Orthanc") or shutil.which("/usr/sbin/Orthanc")
        folder_of_plugins = Path("/usr/share/orthanc/plugins")
        plugins = [str(path) for path in folder_of_plugins.glob("libOrthancDicomWeb.so*")]
        if program is None or not plugins:
            pytest.fail("Debian's orthanc and orthanc-dicomweb are missing: run `make services`")
        self._program = program
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/dicom-web"
        self._config = folder / "orthanc.json"
        self._log = (folder / "log").open("wb")
        self._config.write_text(
            json.dumps(
                {
                    "StorageDirectory": str(folder / "store"),
                    "IndexDirectory": str(folder / "store"),
                    "HttpPort": self.port,
                    "RemoteAccessAllowed": False,
                    "AuthenticationEnabled": True,
                    "RegisteredUsers": {USER: PASSWORD},
                    "DicomServerEnabled": False,
                    "Plugins": plugins[:1],
                    "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
                }
            ),
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, str(self._config)], stdout=self._log, stderr=self._log
        )
        for _ in range(600):
            try:
                self.ask("/system")
                return
            except (urllib.error.URLError, ConnectionError):
                assert self._process.poll() is None, "Orthanc ended on its way up"
                time.sleep(0.1)  # there is nothing else to wait for
        pytest.fail("Orthanc did not come up within a minute")

    def stop(self) -> None:
        """At once, as when the power fails."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.stop()
        self._log.close()

    def ask(self, path: str, data: bytes | None = None) -> bytes:
        manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        root = f"http://127.0.0.1:{self.port}"
        manager.add_password(None, root, USER, PASSWORD)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPBasicAuthHandler(manager)
        )
        with opener.open(urllib.request.Request(root + path, data=data), timeout=30) as answer:
            return bytes(answer.read())


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    server = Orthanc(tmp_path_factory.mktemp("orthanc"))
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def objects() -> dict[str, Callable[..., Any]]:
    """What makes objects in tests/dicom: make_op, as_jpeg, file_bytes."""
    made = runpy.run_path(str(Path(__file__).parents[1] / "dicom" / "conftest.py"))
    return {name: made[name] for name in ("make_op", "as_jpeg", "file_bytes")}
