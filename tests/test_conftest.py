from __future__ import annotations

import socket

import pytest


def test_sockets_are_closed_except_loopback():
    with socket.socket() as probe, pytest.raises(RuntimeError, match="only loopback"):
        probe.connect(("192.0.2.1", 80))
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
