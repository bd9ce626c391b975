"""Ports for servers that tests start."""

import random
import socket

LOOPBACK = "127.0.0.1"
# Below those from which systems take a port for a connection that goes out, which could be this one before it is used.
SERVERS = range(20_000, 32_000)


def free_port() -> int:
    while True:
        port = random.SystemRandom().choice(SERVERS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
