"""A headless browser that looks at the page of a server; fails on any error and any request to elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.e2e.program import Program, System

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page

__all__ = ["WAIT_MS", "Screen", "Served", "accessibility_problems", "opened", "served"]

WAIT_MS = 90_000
_GREETING = re.compile(r"listening at (http://127\.0\.0\.1:\d+/)")


@dataclass(frozen=True)
class Served:
    """A running `sge-stream serve`."""

    url: str
    token: str
    system: System


@contextmanager
def served(
    program: Program, folder: Path, *sources: str, listen: str = "127.0.0.1:0", settings: str = ""
) -> Iterator[Served]:
    """Starts a server with its token in a folder, and with further settings; waits until it listens."""
    config = folder / "site.toml"
    quoted = ", ".join(f'"{source}"' for source in sources)
    config.write_text(
        f"sources = [{quoted}]\n{settings}\n"
        f"[serve]\nlisten = '{listen}'\ntoken_file = '{folder / 'token'}'\n",
        encoding="utf-8",
    )
    with program.start("serve", "--config", str(config)) as system:
        system.wait_until(lambda: _GREETING.search(system.errors()) is not None)
        found = _GREETING.search(system.errors())
        assert found is not None
        yield Served(found[1], (folder / "token").read_text(encoding="utf-8").strip(), system)


@dataclass
class Screen:
    """A page in the browser, with what went wrong on it.

    Attributes:
        page: as playwright has it.
        problems: errors and warnings of the console, exceptions, dialogs of scripts, and foreign requests.
    """

    page: Page
    problems: list[str] = field(default_factory=list)

    def show(self, view: str) -> Locator:
        """Goes to a view by its link; returns its section."""
        self.page.get_by_role("navigation").get_by_role("link", name=view, exact=True).click()
        return self.page.locator("main > section:visible")

    def wait_for(self, condition: str, argument: Any = None) -> None:
        """Waits until a function of JavaScript is true; expressions are not evaluated on the page."""
        self.page.wait_for_function(condition, arg=argument, timeout=WAIT_MS)


@contextmanager
def opened(browser: Browser, server: Served, *, signed_in: bool = True, **options: Any) -> Iterator[Screen]:
    """Opens the page; at the end, nothing may have gone wrong on it.

    Args:
        browser: the browser.
        server: whose page it is.
        signed_in: whether to give the token in the address.
        options: of the browser's context, such as its size.
    """
    with browser.new_context(reduced_motion="reduce", **options) as context:
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        screen = Screen(page)

        def hear(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                screen.problems.append(f"{message.type}: {message.text}")

        def check(url: str) -> None:
            if urlsplit(url).netloc != urlsplit(server.url).netloc:
                screen.problems.append(f"request to {url}")

        def dismiss(dialog: Dialog) -> None:
            screen.problems.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on("console", hear)
        page.on("pageerror", lambda error: screen.problems.append(f"exception: {error}"))
        page.on("dialog", dismiss)
        context.on("request", lambda request: check(request.url))
        page.goto(f"{server.url}#token={server.token}" if signed_in else server.url)
        if signed_in:
            page.get_by_text("Connected", exact=True).wait_for()
        yield screen
        assert screen.problems == []


def accessibility_problems(page: Page) -> list[str]:
    """Returns what axe-core finds on the page as it is shown now."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]
