"""Tests of the sockets and the run folder: only the processes of a run have access."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
import zmq

from stream.bus.messages import EnrolRequest, VerdictReceipt, pack
from stream.bus.sockets import CHANNELS, Bus, create_wiring
from stream.errors import UserError
from stream.system.run_folder import open_run, running

pytestmark = pytest.mark.usefixtures("runtime_dir")


@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_a_message_is_delivered(tmp_path: Path, transport: str) -> None:
    wiring = create_wiring(tmp_path, transport)
    assert set(wiring.endpoints) == set(CHANNELS)
    with Bus(wiring) as server, Bus(wiring) as client:
        pull = server.bind(zmq.PULL, "status")
        client.connect(zmq.PUSH, "status").send_multipart(pack(VerdictReceipt(1)))
        assert pull.poll(5000)


def test_tcp_is_loopback_only_and_refuses_missing_and_foreign_keys(tmp_path: Path) -> None:
    wiring = create_wiring(tmp_path, "tcp")
    assert all(each.startswith("tcp://127.0.0.1:") for (each,) in wiring.endpoints.values())
    foreign_wiring = create_wiring(tmp_path, "tcp")
    with Bus(wiring) as server, Bus(wiring) as client:
        router = server.bind(zmq.ROUTER, "control")
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        with context:
            intruders = []
            for public, secret in (("", ""), (foreign_wiring.public_key, foreign_wiring.secret_key)):
                intruder = context.socket(zmq.DEALER)
                intruder.linger = 0
                if public:
                    intruder.curve_serverkey = wiring.public_key.encode()
                    intruder.curve_publickey = public.encode()
                    intruder.curve_secretkey = secret.encode()
                intruder.connect(wiring.endpoints["control"][0])
                intruder.send_multipart([b"intruder", b""])
                intruders.append(intruder)
            dealer = client.connect(zmq.DEALER, "control")
            dealer.send_multipart(pack(EnrolRequest("Ada", (), "--yes")))
            assert router.poll(5000)
            assert router.recv_multipart()[1:] == pack(EnrolRequest("Ada", (), "--yes"))
            assert not router.poll(500), "a message of an intruder was delivered"
            for intruder in intruders:
                intruder.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_the_run_folder_is_private_and_removed_at_the_end(runtime_dir: Path) -> None:
    with open_run("sqlite:///g.db") as run:
        (folder,) = (path for path in runtime_dir.iterdir() if path.is_dir())
        assert stat.S_IMODE(runtime_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "run.json").stat().st_mode) == 0o600
        assert run.pid == os.getpid()
        assert [found.gallery for found in running()] == ["sqlite:///g.db"]
        assert list(running("sqlite:///other.db")) == []
    assert list(running()) == []
    assert list(runtime_dir.iterdir()) == []


def test_the_folder_of_a_dead_run_is_removed(runtime_dir: Path) -> None:
    dead = runtime_dir / "0badbeef"
    dead.mkdir(mode=0o700, parents=True)
    (dead / "run.json").write_text("{}")
    assert list(running()) == []
    assert not dead.exists()


def test_a_runtime_folder_that_cannot_be_created_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    monkeypatch.setenv("SGE_RUNTIME_DIR", str(blocker / "run"))
    with pytest.raises(UserError, match="SGE_RUNTIME_DIR"), open_run("g"):
        pass
