"""Against a small server in this process; tests/services has a real one."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from funduscope.dicom.web import Place, Server
from funduscope.errors import ConfigError, DataError

OBJECT = bytes(128) + b"DICM" + b"\r\n--almost" + bytes(range(256)) * 40
Answer = Callable[[str, dict[str, str], BaseHTTPRequestHandler], tuple[int, dict[str, str], bytes]]


class Fake:
    """Answers as told; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.heads: list[dict[str, str]] = []
        self.answer: Answer = lambda path, query, _: (404, {}, b"")
        self.waits: list[float] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                asked = dict(urllib.parse.parse_qsl(query))
                outer.asked.append((path, asked))
                outer.heads.append(dict(self.headers))
                status, heads, body = outer.answer(path, asked, self)
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | heads).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/dicom-web"

    def client(self, **more: object) -> Server:
        return Server(self.url, wait=self.waits.append, **more)  # type: ignore[arg-type]


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def matches(uids: list[str], tag: str = "0020000D") -> bytes:
    return json.dumps([{tag: {"vr": "UI", "Value": [uid]}} for uid in uids]).encode()


def paged(uids: list[str], most: int) -> Answer:
    """A server that gives at most `most` matches, whatever it is asked for."""

    def answer(path, query, _):
        start = int(query.get("offset", 0))
        return 200, {}, matches(uids[start : start + min(most, int(query.get("limit", most)))])

    return answer


ALL = [f"1.2.{n}" for n in range(23)]


@pytest.mark.parametrize(("page", "most"), [(5, 99), (100, 99), (10, 4), (23, 23), (1, 2)])
def test_every_page(fake, page, most):
    fake.answer = paged(ALL, most)
    assert list(fake.client(page=page).studies({"StudyDate": "20190903"})) == ALL
    assert all(query["StudyDate"] == "20190903" for _, query in fake.asked)
    assert fake.asked[-1] == ("/dicom-web/studies", {"StudyDate": "20190903"})
    assert fake.heads[0]["Accept"] == "application/dicom+json"


def test_a_server_that_cannot_page(fake):
    fake.answer = lambda path, query, _: (200, {}, matches(ALL))
    assert list(fake.client(page=5).studies()) == ALL
    assert len(fake.asked) == 2


@pytest.mark.parametrize(
    "skip",
    [
        lambda start: 2 * start,
        lambda start: start + 3,
        lambda start: 0,  # deaf to offset, not to limit
    ],
)
def test_a_server_that_loses_matches_between_pages_is_found_out(fake, skip):
    def answer(path, query, _):
        start = skip(int(query["offset"])) if query["offset"] != "0" else 0
        return 200, {}, matches(ALL[start : start + int(query["limit"])])

    fake.answer = answer
    with pytest.raises(DataError) as caught:
        list(fake.client(page=5).studies())
    assert caught.value.code == "bad_answer"


def test_what_pages_of_a_filtered_search_lose_is_asked_for_at_once(fake):
    """As Orthanc 1.10 does where it is asked for ModalitiesInStudy."""

    def answer(path, query, _):
        start, end = int(query.get("offset", 0)), int(query.get("limit", 99))
        return 200, {}, matches(ALL[start:end])

    fake.answer = answer
    assert list(fake.client(page=5).studies({"ModalitiesInStudy": "OP"})) == ALL


def test_series_of_other_modalities_are_left_out(fake):
    def series(uid, *said):
        return {"0020000E": {"Value": [uid]}, "00080060": {"vr": "CS", "Value": [*said]}}

    listed = [series("1.1", "OP"), series("1.2", "OPT"), series("1.3")]
    fake.answer = lambda path, query, _: (200, {}, json.dumps(listed).encode())
    assert list(fake.client().series("1.7", ["OP"])) == ["1.1", "1.3"]
    assert list(fake.client().series("1.7")) == ["1.1", "1.2", "1.3"]


@pytest.mark.parametrize("uid", ["..", "1..2", ".1", "1.", "", "1.2/3", "1" * 65])
def test_a_uid_that_is_none_never_becomes_a_path(fake, uid):
    fake.answer = lambda path, query, _: (200, {}, matches([uid]))
    with pytest.raises(DataError) as caught:
        list(fake.client().studies())
    assert caught.value.code == "bad_answer"


def test_nothing_there(fake):
    fake.answer = lambda path, query, _: (204, {}, b"")
    assert list(fake.client().studies()) == []


def test_studies_that_move_while_paging_come_once(fake):
    def answer(path, query, _):
        start = int(query["offset"])
        now = ALL if start == 0 else ["1.2.99", *ALL]  # a new study came in front
        return 200, {}, matches(now[start : start + 10])

    fake.answer = answer
    found = list(fake.client(page=10).studies())
    assert len(found) == len(set(found))
    assert set(ALL) <= set(found)


def test_places(fake):
    tree = {
        "/dicom-web/studies": ("0020000D", ["1.1", "1.2"]),
        "/dicom-web/studies/1.1/series": ("0020000E", ["2.1"]),
        "/dicom-web/studies/1.2/series": ("0020000E", ["2.2"]),
        "/dicom-web/studies/1.1/series/2.1/instances": ("00080018", ["3.1", "3.2"]),
        "/dicom-web/studies/1.2/series/2.2/instances": ("00080018", ["3.3"]),
    }

    def answer(path, query, _):
        tag, uids = tree[path]
        return 200, {}, matches(uids[int(query["offset"]) :], tag)

    fake.answer = answer
    assert list(fake.client().places()) == [
        Place("1.1", "2.1", "3.1"),
        Place("1.1", "2.1", "3.2"),
        Place("1.2", "2.2", "3.3"),
    ]


HERE = Place("1.1", "2.1", "3.1")


def multipart(data: bytes, boundary: str = "almost not") -> tuple[int, dict[str, str], bytes]:
    kind = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return 200, {"Content-Type": kind}, head + data + f"\r\n--{boundary}--\r\n".encode()


def test_retrieve(fake):
    fake.answer = lambda path, query, _: multipart(OBJECT)
    assert fake.client().retrieve(HERE) == OBJECT
    assert fake.asked[0][0] == "/dicom-web/studies/1.1/series/2.1/instances/3.1"
    assert "transfer-syntax=*" in fake.heads[0]["Accept"]
    fake.answer = lambda path, query, _: (200, {"Content-Type": "application/dicom"}, OBJECT)
    assert fake.client().retrieve(HERE) == OBJECT


def test_retry_waits_longer_and_longer(fake):
    answers = [(503, {}, b""), (500, {}, b""), (503, {"Retry-After": "7"}, b""), multipart(OBJECT)]
    fake.answer = lambda path, query, _: answers.pop(0)
    assert fake.client().retrieve(HERE) == OBJECT
    assert fake.waits == [1.0, 2.0, 7.0]


def test_a_server_that_tells_us_to_wait_for_a_year(fake):
    fake.answer = lambda path, query, _: (429, {"Retry-After": "31536000"}, b"")
    with pytest.raises(DataError) as caught:
        fake.client(tries=3).retrieve(HERE)
    assert caught.value.code == "unreachable"
    assert fake.waits == [60.0, 60.0]


def test_an_answer_cut_short_is_asked_for_again(fake):
    def cut(path, query, handler):
        status, heads, body = multipart(OBJECT)
        if len(fake.asked) == 1:
            handler.close_connection = True
            return status, heads | {"Content-Length": str(len(body))}, body[:500]
        return status, heads, body

    fake.answer = cut
    assert fake.client().retrieve(HERE) == OBJECT
    assert len(fake.asked) == 2


def test_nobody_there():
    waits: list[float] = []
    with pytest.raises(DataError) as caught:
        list(Server("http://127.0.0.1:1/x", tries=3, wait=waits.append).studies())
    assert caught.value.code == "unreachable"
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize(
    ("status", "code"), [(401, "refused"), (403, "refused"), (404, "not_found"), (400, "refused")]
)
def test_what_no_retry_heals(fake, status, code):
    fake.answer = lambda path, query, _: (status, {}, b"")
    with pytest.raises(DataError) as caught:
        fake.client().retrieve(HERE)
    assert caught.value.code == code
    assert len(fake.asked) == 1


def test_password_stays_with_the_server(fake):
    fake.answer = lambda path, query, _: (302, {"Location": "http://127.0.0.1:1/"}, b"")
    with pytest.raises(DataError) as caught:
        fake.client(user="reader", password="open sesame").retrieve(HERE)
    assert fake.heads[0]["Authorization"].startswith("Basic ")
    assert "sesame" not in str(caught.value)
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"{}x", b'[{"0020000D": {}}]', b"[1]", matches(["../../admin"]), b'"text"'],
)
def test_answers_that_are_no_matches(fake, body):
    fake.answer = lambda path, query, _: (200, {}, body)
    with pytest.raises(DataError) as caught:
        list(fake.client().studies())
    assert caught.value.code == "bad_answer"


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Content-Type": "text/html"}, b"<html>"),
        (200, {"Content-Type": "multipart/related; boundary=x"}, b"--x\r\n\r\nno end"),
        multipart(b"no object"),
    ],
)
def test_answers_that_are_no_objects(fake, answer):
    fake.answer = lambda path, query, _: answer
    with pytest.raises(DataError) as caught:
        fake.client().retrieve(HERE)
    assert caught.value.code == "bad_answer"


@pytest.mark.parametrize("url", ["ftp://host/x", "host/x", "http://user:word@host/x", ""])
def test_addresses(url):
    with pytest.raises(ConfigError) as caught:
        Server(url)
    assert "word" not in caught.value.value


def test_settings():
    with pytest.raises(ConfigError):
        Server("http://host/x", page=0)
