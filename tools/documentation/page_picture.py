"""A picture of the page of `sge-stream serve`, with simulated people; needs playwright and chromium."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from stream.errors import RunError, UserError
from stream.terminal.consoles import plain_console
from tools.demo import PEOPLE, SEED, enrol_walkers

__all__ = ["page_png"]

SIZE = {"width": 1100, "height": 780}
"""Of the window, pixels."""

WAIT_MS = 60_000
SOURCES = (
    f"front=walkers:n={PEOPLE},seed={SEED},walk=2,only=1+{PEOPLE}",
    f"yard=walkers:n={PEOPLE},seed={SEED},walk=2,only=2",
)
"""Two people who are enrolled, and the stranger of the demo."""


def page_png() -> bytes:
    """Runs the service before simulated people, and returns the picture once those enrolled are identified.

    Raises:
        UserError: playwright or chromium is missing.
        RunError: the service does not start.
    """
    browser = shutil.which("chromium")
    if browser is None or importlib.util.find_spec("playwright") is None:
        raise UserError(
            "the picture needs chromium and playwright: apt install chromium; pip install playwright"
        )
    with tempfile.TemporaryDirectory(prefix="sge-picture-") as name:
        folder = Path(name)
        gallery, config, token = folder / "gallery.db", folder / "site.toml", folder / "token"
        enrol_walkers(str(gallery), (), plain_console(quiet=True), debug=False)
        config.write_text(
            f"sources = {list(SOURCES)}\ngallery = '{gallery}'\n"
            f"[serve]\nlisten = '127.0.0.1:0'\ntoken_file = '{token}'\n",
            encoding="utf-8",
        )
        command = [sys.executable, "-P", "-m", "stream", "serve", "--config", str(config)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
            try:
                address = re.search(r"http://\S+/", service.stderr.readline() if service.stderr else "")
                if address is None:
                    raise RunError("sge-stream serve did not start")
                return _screenshot(browser, f"{address[0]}#token={token.read_text().strip()}")
            finally:
                service.terminate()


def _screenshot(browser: str, address: str) -> bytes:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - needed for this picture only

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = opened.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        page.set_default_timeout(WAIT_MS)
        page.goto(address)
        for source in ("front", "yard"):
            page.locator("article.known").filter(has_text=source).first.wait_for()
        page.locator("article.unknown").wait_for()
        page.locator("figure.skeleton").nth(1).wait_for()
        picture = page.screenshot()
        opened.close()
    return picture
