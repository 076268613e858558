"""Servers and tools from Debian, started on loopback for these tests only; a real browser."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import runpy
import select
import shutil
import signal
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


class Browser:
    """Debian's chromium without a window, spoken to through a pipe (DevTools protocol).

    Pages come from files; requests to anywhere else are noted in `asked`.
    """

    def __init__(self, profile: Path, downloads: Path) -> None:
        program = shutil.which("chromium")
        if program is None:
            pytest.fail("Debian's chromium is missing: run `make services`")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def as_three_and_four() -> None:
            ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]
            for place, end in zip((3, 4), ends, strict=True):
                os.dup2(end, place)

        options = ["--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        options += ["--disable-gpu", "--no-first-run", "--window-size=1280,1000"]
        options += ["--hide-scrollbars", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        self._process = subprocess.Popen(
            [program, *options, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=as_three_and_four,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._read, self._number, self._session = b"", 0, ""
        self.asked: list[str] = []
        self.said: list[str] = []
        pages = self.call("Target.getTargets")["targetInfos"]
        target = next(page["targetId"] for page in pages if page["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for room in ("Page", "Network", "Runtime"):
            self.call(f"{room}.enable")
        place = {"behavior": "allow", "downloadPath": str(downloads), "eventsEnabled": False}
        self.call("Browser.setDownloadBehavior", **place)

    def close(self) -> None:
        try:
            self._session = ""
            self.call("Browser.close")
            self._process.wait(timeout=20)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            os.close(self._in)
            os.close(self._out)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._in], [], [], 60)
            assert ready, "chromium did not answer within a minute"
            part = os.read(self._in, 1 << 20)
            assert part, "chromium ended"
            self._read += part
        line, _, self._read = self._read.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        params = found.get("params", {})
        if found.get("method") == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        if found.get("method") == "Runtime.exceptionThrown":
            self.said.append(str(params["exceptionDetails"]))
        return found

    def open(self, page: Path) -> None:
        self.call("Page.navigate", url=page.as_uri())
        for _ in range(600):
            if self.run("document.readyState") == "complete":
                return
            time.sleep(0.05)  # there is nothing else to wait for
        pytest.fail("the page did not load within half a minute")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, *keys: str) -> None:
        """Keys as a keyboard sends them, with what the browser itself does on them."""
        for key in keys:
            text = {"Enter": "\r", "Space": " "}.get(key, key if len(key) == 1 else "")
            more = {"text": text} if text else {}
            named = {"key": " " if key == "Space" else key, "code": CODES.get(key, "")}
            named |= {"windowsVirtualKeyCode": VIRTUAL.get(key, ord(key.upper()[0]))}
            kind = "keyDown" if text else "rawKeyDown"
            self.call("Input.dispatchKeyEvent", type=kind, **named, **more)
            self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def write(self, text: str) -> None:
        """Text as an input method sends it."""
        self.call("Input.insertText", text=text)

    def screenshot(self) -> bytes:
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


CODES = {"Enter": "Enter", "Tab": "Tab", "Escape": "Escape", "Space": "Space"}
CODES |= {name: name for name in ("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight")}
VIRTUAL = {"Enter": 13, "Tab": 9, "Escape": 27, "Space": 32}
VIRTUAL |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Callable[[], Browser]]:
    """Starts a browser; a second one has the profile and the downloads of the first."""
    opened: list[Browser] = []

    def start() -> Browser:
        opened.append(Browser(tmp_path / "profile", tmp_path / "downloads"))
        return opened[-1]

    yield start
    for one in opened:
        if one._process.poll() is None:
            one.close()
