"""A live archive over DICOMweb: search (QIDO-RS) with paging, retrieval (WADO-RS), retries.

DICOM PS3.18. The standard library's HTTP only. A server of the hospital's own network is meant:
proxies set in the environment are not used, and redirects are not followed, so that user name and
password reach no other host.
"""

from __future__ import annotations

import base64
import email.parser
import email.policy
import http.client
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from funduscope.errors import ConfigError, DataError

MAX_ANSWER = 2**31
"""The longest answer that is read, bytes."""

_UID = re.compile(r"(?=.{1,64}$)[0-9]+(?:\.[0-9]+)*")
_LATER = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 60.0
_FRAGILE = (urllib.error.URLError, http.client.HTTPException, OSError)
_JSON = "application/dicom+json"
_PARTS = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@dataclass(frozen=True)
class Place:
    """Where an object lies on the server: its three UIDs."""

    study: str
    series: str
    instance: str


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Never."""


class Server:
    """One DICOMweb server.

    Args:
        url: of its DICOMweb root, such as `https://host/dicom-web`.
        user, password: for HTTP basic authentication, or None.
        page: how many matches to ask for at once.
        tries: how often one request is sent at most.
        timeout: of one request, seconds.
        wait: called with the seconds to wait before the next try; replaced in tests.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        page: int = 200,
        tries: int = 6,
        timeout: float = 60.0,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ConfigError(
                parts._replace(netloc=parts.hostname or "").geturl(),
                place="the address of the DICOMweb server",
                rule="http(s)://host/path; user name and password are given apart",
                remedy="give the address of the DICOMweb root, such as https://host/dicom-web",
            )
        if page < 1 or tries < 1:
            raise ConfigError(
                f"page {page}, tries {tries}",
                place="the settings of the DICOMweb server",
                rule="both are at least 1",
                remedy="leave them out for the defaults",
            )
        self._url = url.rstrip("/")
        self._page = page
        self._tries = tries
        self._timeout = timeout
        self._wait = wait
        self._headers: dict[str, str] = {}
        if user is not None:
            pair = f"{user}:{password or ''}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay).open

    def studies(self, filters: Mapping[str, str] | None = None) -> Iterator[str]:
        """UIDs of all studies that match, page by page.

        Args:
            filters: QIDO-RS attributes, such as `{"StudyDate": "20190101-20191231"}`.
        """
        path, tag = "/studies", "0020000D"
        seen = set()
        for uid, _ in self._pages(path, dict(filters or {}), tag):
            seen.add(uid)
            yield uid
        if filters:
            # Some servers (Orthanc 1.10, asked for ModalitiesInStudy) lose matches between the
            # pages of a filtered search; some give only so many at once. What comes in either way
            # counts.
            _, body = self._get(path, filters, _JSON)
            whole = self._matches(body, tag, path) if body.strip() else []
            yield from (uid for uid in dict(whole) if uid not in seen)

    def series(self, study: str, modalities: Collection[str] = ()) -> Iterator[str]:
        """UIDs of the series of a study: of all, or of those of these modalities.

        The modality is looked at here, not asked for; see `studies`.
        """
        for uid, match in self._pages(f"/studies/{_checked(study)}/series", {}, "0020000E"):
            said = match.get("00080060", {}).get("Value", [])
            if not modalities or not said or said[0] in modalities:
                yield uid

    def places(
        self, filters: Mapping[str, str] | None = None, modalities: Collection[str] = ()
    ) -> Iterator[Place]:
        """Every object of every study that matches, in series of these modalities."""
        for study in self.studies(filters):
            for series in self.series(study, modalities):
                path = f"/studies/{_checked(study)}/series/{_checked(series)}/instances"
                for instance, _ in self._pages(path, {}, "00080018"):
                    yield Place(study, series, instance)

    def retrieve(self, place: Place) -> bytes:
        """The bytes of one object as a DICOM file, in the transfer syntax it is stored in.

        Raises:
            DataError: code `not_found`, `refused`, `unreachable` or `bad_answer`.
        """
        path = (
            f"/studies/{_checked(place.study)}/series/{_checked(place.series)}"
            f"/instances/{_checked(place.instance)}"
        )
        kind, body = self._get(path, {}, _PARTS)
        if kind.startswith("application/dicom") and body[128:132] == b"DICM":
            return body
        return self._part(kind, body, path)

    def _pages(self, path: str, filters: dict[str, str], tag: str) -> Iterator[tuple[str, Any]]:
        """UID and attributes of each match, once.

        Each page begins with the last match of the page before: if it is not there, the server
        has skipped some. A page shorter than asked for is no end: servers have limits of their own.
        A page that brings nothing new is one, so a server that cannot page ends as well.

        Raises:
            DataError: code `bad_answer`: pages that do not join.
        """
        seen: set[str] = set()
        count = 0
        while True:
            again = min(count, 1)
            limit = self._page + again
            query = filters | {"limit": str(limit), "offset": str(count - again)}
            _, body = self._get(path, query, _JSON)
            found = self._matches(body, tag, path) if body.strip() else []
            new = {uid: match for uid, match in reversed(found) if uid not in seen}
            if again and (not found or found[0][0] not in seen):
                raise self._bad("pages that do not join: matches were skipped", path)
            if not new and again < len(found) == limit:
                raise self._bad("the same page over and over", path)
            if not new:
                return
            seen.update(new)
            count += len(found) - again
            yield from reversed(new.items())

    def _matches(self, body: bytes, tag: str, path: str) -> list[tuple[str, Any]]:
        try:
            answer: Any = json.loads(body)
            found = [(str(match[tag]["Value"][0]), match) for match in answer]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise self._bad("an answer that is no list of DICOM JSON objects", path) from None
        if not all(_UID.fullmatch(uid) for uid, _ in found):
            raise self._bad("a match without a proper UID", path)
        return found

    def _part(self, kind: str, body: bytes, path: str) -> bytes:
        head = email.parser.HeaderParser(policy=email.policy.HTTP).parsestr(
            f"Content-Type: {kind}\n\n"
        )
        boundary = head.get_boundary()
        if head.get_content_type() != "multipart/related" or not boundary:
            raise self._bad(f"an answer of the kind {head.get_content_type()}", path)
        mark = b"--" + boundary.encode("ascii", "replace")
        start = body.find(mark)
        content = body.find(b"\r\n\r\n", start) + 4
        # The object is binary and may hold the mark by chance nowhere but behind a line end.
        end = body.find(b"\r\n" + mark, content)
        if start < 0 or content < 4 or end < 0:
            raise self._bad("a multipart answer that is cut short", path)
        found = body[content:end]
        if found[128:132] != b"DICM":
            raise self._bad("a part that is no DICOM file", path)
        return found

    def _get(self, path: str, query: Mapping[str, str], accept: str) -> tuple[str, bytes]:
        """Kind and body of the answer; tried again while the server may only be busy or away."""
        url = self._url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        for attempt in range(1, self._tries + 1):
            pause = min(2.0 ** (attempt - 1), _LONGEST_WAIT)
            try:
                request = urllib.request.Request(url, headers={**self._headers, "Accept": accept})
                with self._open(request, timeout=self._timeout) as answer:
                    return self._body(answer, path)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code not in _LATER:
                        raise self._refused(error.code, path) from None
                    said = error.headers.get("Retry-After", "")
                    value = f"status {error.code}"
                pause = min(float(said), _LONGEST_WAIT) if said.isdigit() else pause
            except _FRAGILE as error:
                reason = getattr(error, "reason", error)
                value = type(reason).__name__
            if attempt < self._tries:
                self._wait(pause)
        raise DataError(
            f"{value}, {self._tries} times",
            place=self._url + path,
            rule="the server answers",
            remedy="see that it runs and can be reached, then start again: what is done is kept",
            code="unreachable",
        )

    def _body(self, answer: Any, path: str) -> tuple[str, bytes]:
        body = answer.read(MAX_ANSWER + 1)
        if len(body) > MAX_ANSWER:
            raise self._bad(f"more than {MAX_ANSWER} bytes", path)
        length = answer.headers.get("Content-Length", "")
        if length.isdigit() and int(length) != len(body):
            raise http.client.IncompleteRead(body)
        return str(answer.headers.get("Content-Type", "")), body

    def _refused(self, status: int, path: str) -> DataError:
        if status in (404, 410):
            rule, remedy, code = "the object is on the server", "search again", "not_found"
        elif status in (401, 403):
            rule, remedy, code = "the server lets this user in", "give user and password", "refused"
        else:
            rule = "the server speaks DICOMweb at this address"
            remedy, code = "check the address of its DICOMweb root", "refused"
        return DataError(
            f"status {status}", place=self._url + path, rule=rule, remedy=remedy, code=code
        )

    def _bad(self, value: str, path: str) -> DataError:
        return DataError(
            value,
            place=self._url + path,
            rule="answers as in DICOM PS3.18",
            remedy="check the address of the DICOMweb root and the server's log; where pages fail, "
            "ask without a filter, or for pages longer than the whole answer",
            code="bad_answer",
        )


def _checked(uid: str) -> str:
    """A UID that may stand in an address."""
    if not _UID.fullmatch(uid):
        raise ValueError("not a UID")
    return uid
