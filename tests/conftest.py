"""Fixtures and markers shared by all tests."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import settings

from stream.errors import UserError
from tools.trials.sample_videos import plaza_video, walker_video

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The time of a Hypothesis example depends on the load of the machine, so it has no deadline.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets: `SGE_DATA`, else `../shared/data`. Without it, the test is skipped.

    With `SGE_REQUIRE_DATA=1`, the test fails instead if `../shared` exists.
    """
    return _shared_folder("SGE_DATA", "data", "kgbd_kinect1_20j.npz")


@pytest.fixture(scope="session")
def cases_dir() -> Path:
    """The folder of inputs that failed once: `SGE_CASES`, else `../shared/cases`; as `data_dir`."""
    return _shared_folder("SGE_CASES", "cases", "README.md")


@pytest.fixture(scope="session")
def walker_film() -> Path:
    """The demo video of Sports2D. Without it, the test is skipped; with `SGE_REQUIRE_DATA=1`, it fails."""
    try:
        return walker_video()
    except UserError as error:
        _missing(str(error))


@pytest.fixture(scope="session")
def plaza_film() -> Iterator[Path]:
    """OpenCV's `vtest.avi`; as `walker_film`."""
    with ExitStack() as opened:
        try:
            path = opened.enter_context(plaza_video())
        except UserError as error:
            _missing(str(error))
        yield path


@pytest.fixture(scope="module")  # while it runs, so does a loop of asyncio in this thread
def chromium() -> Iterator[Browser]:
    """Debian's chromium without a window, driven by playwright; as `walker_film`."""
    program = shutil.which("chromium")
    packages = ("playwright", "axe_playwright_python")
    lacking = [name for name in packages if importlib.util.find_spec(name) is None]
    if program is None or lacking:
        _missing(f"needs {', '.join([*lacking, *(['chromium'] if program is None else [])])}; see .ci/run")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def _missing(reason: str) -> NoReturn:
    if os.environ.get("SGE_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _shared_folder(variable: str, name: str, content: str) -> Path:
    """Returns a folder with a file `content`, or skips the test; see `data_dir`."""
    folder = Path(os.environ.get(variable, ROOT.parent / "shared" / name))
    if (folder / content).is_file():
        return folder
    reason = f"needs {content} in {folder} (set {variable})"
    if os.environ.get("SGE_REQUIRE_DATA") == "1" and (ROOT.parent / "shared").exists():
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the sockets of running systems, one for each test; child processes inherit it."""
    folder = tmp_path / "run"
    monkeypatch.setenv("SGE_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def hang_up_ends_children() -> Iterator[None]:
    """Lets SIGHUP end child processes also where the tests run under nohup, which they would inherit."""
    number = getattr(signal, "SIGHUP", None)
    if number is None:
        yield
        return
    former = signal.signal(number, signal.SIG_DFL)
    yield
    signal.signal(number, former)
