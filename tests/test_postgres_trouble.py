"""A server that goes away: what was not acknowledged is asked for, never guessed; work waits and goes on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction

from runner.core.store_address import ServerAddress
from runner.store.models import Queue
from tests.postgres_server import PostgresServer, serve

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


class Wire:
    """A relay before the server that can lose the answer to the next COMMIT, or cut before the server gets it."""

    def __init__(self, server_port: int) -> None:
        self.loses_answer = self.loses_request = False
        self.cuts = 0
        self._to = server_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """End it; its connections end with those who use them."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)

    def _serve(self) -> None:
        relays = []
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                relays.append(threading.Thread(target=self._relay, args=(client,)))
                relays[-1].start()
        for relay in relays:
            relay.join(10)

    def _relay(self, client: socket.socket) -> None:
        with closing(client), socket.create_connection(("127.0.0.1", self._to)) as server:
            back = threading.Thread(target=_pour, args=(server, client))
            back.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    if b"COMMIT" in data and (self.loses_answer or self.loses_request):
                        self._cut(client, server, data)
                        break
                    server.sendall(data)
            for one in (client, server):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            back.join(10)

    def _cut(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        client.shutdown(socket.SHUT_WR)  # nothing more reaches the client
        self.cuts += 1
        if self.loses_answer:
            server.sendall(data)
            with suppress(OSError):
                server.recv(1, socket.MSG_PEEK)
        self.loses_answer = self.loses_request = False


def _pour(source: socket.socket, into: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            into.sendall(data)


@pytest.fixture
def wire(postgres: PostgresServer, server_store: ServerAddress) -> Iterator[Wire]:
    """This process's store, reached over a wire that can be cut."""
    made = Wire(postgres.port)
    serve(ServerAddress(server_store.url.replace(f":{postgres.port}/", f":{made.port}/")))
    yield made
    serve(Path("not-opened/store.sqlite3"))
    made.close()


def test_a_commit_whose_answer_got_lost_is_known_as_done(wire: Wire) -> None:
    Queue.objects.create(name="before")
    wire.loses_answer = True
    with transaction.atomic():
        Queue.objects.create(name="kept")
    assert wire.cuts == 1
    assert sorted(Queue.objects.values_list("name", flat=True)) == ["before", "kept"]


def test_a_commit_that_never_arrived_is_known_as_not_done(wire: Wire) -> None:
    Queue.objects.create(name="before")
    wire.loses_request = True
    with pytest.raises(OperationalError), transaction.atomic():
        Queue.objects.create(name="lost")
    connection.close()
    assert wire.cuts == 1
    assert list(Queue.objects.values_list("name", flat=True)) == ["before"]
