"""Ports for servers that start."""

import socket

import pytest

from ops.errors import StackError
from ops.stack import ports
from ops.stack.ports import LOOPBACK, NOT_LENT, free_port, is_free


def test_free_ports_are_free_differ_and_are_none_that_the_system_lends() -> None:
    found = [free_port() for _ in range(500)]
    assert len(set(found)) == 500
    assert all(map(is_free, found))
    assert set(found) <= set(NOT_LENT)


def test_a_port_on_which_a_server_listens_is_not_given() -> None:
    with socket.create_server((LOOPBACK, free_port())) as server:
        taken = server.getsockname()[1]
        assert not is_free(taken)
        assert taken not in [free_port() for _ in range(100)]


def test_where_no_port_is_left_the_error_says_which_were_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((LOOPBACK, free_port())) as server:
        taken = server.getsockname()[1]
        monkeypatch.setattr(ports, "NOT_LENT", range(taken, taken + 1))
        with pytest.raises(StackError, match=f"no port from {taken} to {taken} is free"):
            free_port()
