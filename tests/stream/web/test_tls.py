"""TLS, and what may listen beyond loopback."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from stream.errors import UserError
from stream.system.serve_settings import ServeSettings
from stream.web.listen_address import check_exposure, listen, parse_address
from tests.stream.outputs.simulated_run import simulated_live
from tests.stream.web.web_server import web_server


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the program openssl")
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=gait"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command, check=True, capture_output=True)
    return paths


def test_with_a_certificate_the_server_speaks_tls_and_the_cookie_needs_it(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    settings = ServeSettings(tls_certificate=str(certificate[0]), tls_key=str(certificate[1]))
    with web_server(tmp_path, live=simulated_live(), settings=settings) as server:
        url = server.url.replace("http://", "https://")
        context = ssl.create_default_context(cafile=str(certificate[0]))
        with httpx.Client(base_url=url, verify=context, trust_env=False, timeout=60) as client:
            answer = client.post("/api/v1/login", json={"token": server.token}, headers={"Origin": url})
            assert answer.status_code == 204
            assert "secure" in answer.headers["set-cookie"].lower()
            assert client.get("/api/v1/people").status_code == 200


def test_a_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing")
    (tmp_path / "key.pem").write_text("nothing")
    paths = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    settings = ServeSettings(tls_certificate=paths[0], tls_key=paths[1])
    with pytest.raises(UserError, match="tls_certificate or tls_key cannot be used"):
        web_server(tmp_path, settings=settings).__enter__()


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.168.1.7", "gait.example", "[2001:db8::1]"])
def test_beyond_loopback_tls_or_a_proxy_is_needed(tmp_path: Path, host: str) -> None:
    settings = ServeSettings(listen=f"{host}:8600")
    with pytest.raises(UserError, match="others could read along"):
        check_exposure(settings)
    (tmp_path / "pem").touch()
    pem = str(tmp_path / "pem")
    check_exposure(settings.override({"tls_certificate": pem, "tls_key": pem}))
    check_exposure(settings.override({"behind_proxy": True}))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.5.5.5", ""])
def test_on_loopback_nothing_more_is_needed(host: str) -> None:
    check_exposure(ServeSettings(listen=f"{host}:8600"))


def test_half_of_tls_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pem").touch()
    with pytest.raises(UserError, match="give both"):
        check_exposure(ServeSettings(tls_certificate=str(tmp_path / "pem")))
    none = str(tmp_path / "none")
    with pytest.raises(UserError, match="there is no file"):
        check_exposure(ServeSettings(tls_certificate=none, tls_key=none))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8600", ("127.0.0.1", 8600)),
        (":0", ("127.0.0.1", 0)),
        ("[::1]:8600", ("::1", 8600)),
        ("0.0.0.0:65535", ("0.0.0.0", 65535)),
    ],
)
def test_addresses_are_read(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "here", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "1:-1", "x:\N{ARABIC-INDIC DIGIT ONE}"],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="expected an address and a port"):
        parse_address(text)


def test_a_port_in_use_is_refused() -> None:
    with listen(ServeSettings(listen="127.0.0.1:0")) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match="choose another address"):
            listen(ServeSettings(listen=f"127.0.0.1:{port}"))
