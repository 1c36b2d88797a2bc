"""The service behind a real proxy that ends TLS and has it below a prefix."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from waldur_api_client import AuthenticatedClient
from waldur_api_client.api.marketplace_component_user_usages import marketplace_component_user_usages_list

from tests.support.command import free_port
from tests.support.programs import certificate, program
from tests.support.served import served
from tests.support.waiting import wait_until
from tests.world import USAGES, USER_USAGES, World

CONFIGURATION = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        location /ledger/ {{
            proxy_pass http://127.0.0.1:{upstream}/;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Prefix /ledger;
        }}
    }}
}}
"""

SHARES = 230
"""Rows of the list: three pages of the official client's."""


@contextmanager
def proxied(folder: Path, upstream: int) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The URL of a service through nginx, and who trusts its certificate."""
    (made, key), port = certificate(folder), free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=folder, port=port, certificate=made, key=key, upstream=upstream)
    )
    trusting = ssl.create_default_context(cafile=made)
    command = [program("nginx"), "-c", str(configuration), "-p", str(folder), "-e", "stderr"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = f"https://127.0.0.1:{port}/ledger"
            wait_until(lambda: process.poll() is not None or answers(f"{url}/healthz", trusting))
            assert process.poll() is None, process.stderr and process.stderr.read()
            yield url, trusting
        finally:
            process.terminate()


def answers(url: str, trusting: ssl.SSLContext) -> bool:
    try:
        return httpx.get(url, verify=trusting).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(name="url")
def url_of_the_proxy(world: World, world_url: str, tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    world.report(usages=[{"type": "cpu", "amount": 1000}])
    shares = [{"username": f"user{number:03}", "usage": 1} for number in range(SHARES)]
    path = f"{USAGES}{world.usages()[0]['uuid']}/set_user_usages/"
    assert world.as_("staff").post(path, {"usages": shares}).status_code == 201
    program("nginx")
    with served(world_url, LEDGER_PROXIES="1") as service, proxied(tmp_path, service.port) as url:
        yield url


def test_pages_are_followed_to_the_end_behind_a_proxy(world: World, url: tuple[str, ssl.SSLContext]) -> None:
    base, trusting = url
    scheme, token = world.as_("staff").authorization.split()
    with AuthenticatedClient(base_url=base, token=token, prefix=scheme, verify_ssl=trusting) as client:
        rows = marketplace_component_user_usages_list.sync_all(client=client)
    expected = sorted(f"user{number:03}" for number in range(SHARES))
    assert sorted(str(row.username) for row in rows) == expected

    followed: list[str] = []
    with httpx.Client(verify=trusting, headers={"Authorization": f"{scheme} {token}"}) as browser:
        link: str | None = f"{base}{USER_USAGES}?page_size=100"
        while link:
            page = browser.get(link)
            assert (page.status_code, page.headers["X-Result-Count"]) == (200, str(SHARES))
            followed += [row["username"] for row in page.json()]
            link = page.links.get("next", {}).get("url")
        assert sorted(followed) == expected

        row = page.json()[0]
        assert row["component_usage"].startswith(f"{base}{USAGES}")
        assert browser.get(row["component_usage"]).json()["usage"] == "1000.00"
        moved = browser.get(f"{base}{USER_USAGES.rstrip('/')}?page_size=1")
        assert moved.status_code == 301
        assert moved.next_request
        assert moved.next_request.url == f"{base}{USER_USAGES}?page_size=1"
        assert len(browser.send(moved.next_request).json()) == 1
