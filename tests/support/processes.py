"""Servers that run as processes, and what they answer."""

import socket
import subprocess

Process = subprocess.Popen[str]


def answer(address: tuple[str, int], *head: str, body: bytes = b"", leave: bool = False) -> tuple[str, str]:
    """Status and body of the answer to what is sent; who leaves will not send any more."""
    lines = "".join(f"{line}\r\n" for line in (*head, "Host: here", "Connection: close", ""))
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(lines.encode() + body)
        if leave:
            client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(65_536), b"")).decode()
    return received.split("\r\n")[0].removeprefix("HTTP/1.1 "), received.partition("\r\n\r\n")[2]


def worker_of(address: tuple[str, int]) -> int | None:
    try:
        return int(answer(address, "GET /pid HTTP/1.1")[1])
    except (ConnectionError, ValueError):
        return None
