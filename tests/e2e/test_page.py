"""The page of `sge-stream serve` in a real browser: what people do with it, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gallery.store.gallery import open_gallery
from tests.e2e.browser import WAIT_MS, Screen, Served, accessibility_problems, opened, served
from tests.e2e.program import Program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MARKUP = '<img src=x onerror="alert(1)"><b>Eve</b>'
VIEWS = ("Now", "Visits", "Unknowns", "Enrol", "People", "Health")
SIZES = {"wide": {"width": 1280, "height": 800}, "narrow": {"width": 390, "height": 800}}

DRAWN = """source => [...document.querySelectorAll("#now-skeletons canvas")].some(canvas => {
    const {width, height} = canvas;
    const blank = Object.assign(document.createElement("canvas"), {width, height});
    const label = canvas.getAttribute("aria-label");
    return label.startsWith(`Skeletons before ${source}`) && canvas.toDataURL() !== blank.toDataURL();
})"""
"""Whether there is something on the canvas of a source."""


LABELLED = """name => [...document.querySelectorAll("#now-skeletons canvas")]
    .some(canvas => canvas.getAttribute("aria-label").includes(name))"""
"""Whether a skeleton has a name."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server before each of whose sources somebody walks."""
    folder = tmp_path_factory.mktemp("page")
    program = Program(folder / "g.db", tmp_path_factory.mktemp("run"))
    with served(program, folder, "front=walkers:n=2,seed=11,only=2", "yard=walkers:n=1,seed=5") as running:
        yield running


@pytest.fixture
def screen(chromium: Browser, server: Served) -> Iterator[Screen]:
    with opened(chromium, server) as shown:
        yield shown


def enrol_walker(screen: Screen, name: str, source: str) -> None:
    """Enrols who walks before a source, once there is enough walking."""
    section = screen.show("Enrol")
    track = section.get_by_role("listitem").filter(has_text=re.compile(rf"Track \d+, {source}"))
    track.filter(has_text="enough to enrol").first.get_by_role("radio").check()
    section.get_by_label("Name").fill(name)
    section.get_by_label("The person agreed").check()
    section.get_by_role("button", name="Enrol").click()
    section.get_by_role("heading", name=f"{name} is enrolled", exact=True).wait_for()


def remove(screen: Screen, name: str) -> None:
    section = screen.show("People")
    section.get_by_role("button", name=f"Remove {name}", exact=True).click()
    dialog = screen.page.get_by_role("dialog", name=f"Remove {name}?", exact=True)
    dialog.get_by_role("button", name="Remove", exact=True).click()
    dialog.wait_for(state="detached")
    section.get_by_role("heading", name=name, exact=True).wait_for(state="detached")


def test_who_walks_is_enrolled_renamed_and_removed(screen: Screen) -> None:
    enrol_walker(screen, "Ada", "yard")
    section = screen.show("Now")  # recognised from now on
    card = section.get_by_role("article").filter(has=screen.page.get_by_role("heading", name="Ada"))
    card.wait_for()
    card.get_by_text(re.compile("^yard, [0-9]+ % sure$")).wait_for()
    card.get_by_text(re.compile("^since ")).wait_for()
    section.get_by_role("log").get_by_text("Ada identified: yard").wait_for()
    screen.wait_for(LABELLED, "Ada")
    section = screen.show("People")
    card = section.get_by_role("listitem").filter(
        has=screen.page.get_by_role("heading", name="Ada", exact=True)
    )
    card.wait_for()
    for column in ("Sensor", "towards", "away", "side", "Best quality"):
        assert card.get_by_role("columnheader", name=column).count() == 1
    assert card.get_by_role("rowheader", name="simulated").count() == 1
    assert "1 walk" in card.inner_text()
    section.get_by_role("button", name="Rename Ada", exact=True).click()
    dialog = screen.page.get_by_role("dialog", name="Rename Ada", exact=True)
    dialog.get_by_label("New name").fill("Ada Lovelace")
    dialog.get_by_role("button", name="Rename", exact=True).click()
    section.get_by_role("heading", name="Ada Lovelace", exact=True).wait_for()
    remove(screen, "Ada Lovelace")


def test_enrolling_tells_what_is_missing(screen: Screen) -> None:
    section = screen.show("Enrol")
    problem = section.get_by_role("alert")
    section.get_by_label("Name").fill("Ben")
    section.get_by_role("button", name="Enrol").click()
    assert section.get_by_label("The person agreed").evaluate("box => box.matches(':focus, :invalid')")
    section.get_by_label("The person agreed").check()
    section.get_by_role("button", name="Enrol").click()
    assert "nobody is chosen" in problem.inner_text()
    section.get_by_role("radio").first.check()
    section.get_by_label("Name").fill("\u2014")
    section.get_by_role("button", name="Enrol").click()
    section.get_by_text("no letter or digit").wait_for()
    assert problem.is_visible()
    screen.problems.clear()  # the refusal, which the browser tells on its console too


def test_markup_in_a_name_is_shown_literally(screen: Screen) -> None:
    enrol_walker(screen, MARKUP, "yard")
    section = screen.show("People")
    heading = section.get_by_role("heading", name=MARKUP, exact=True)
    heading.wait_for()
    assert heading.inner_text() == MARKUP
    assert screen.page.locator("main img, main b").count() == 0
    remove(screen, MARKUP)


def test_skeletons_are_drawn_and_no_image_is_asked_for(chromium: Browser, server: Served) -> None:
    with opened(chromium, server) as screen:
        kinds: list[str] = []
        screen.page.on("request", lambda request: kinds.append(request.resource_type))
        screen.page.reload()
        screen.wait_for(DRAWN, "front")
        screen.wait_for(DRAWN, "yard")
        pictures = screen.page.evaluate(
            "performance.getEntriesByType('resource').map(each => each.name)"
            ".filter(name => /[.](jpe?g|png|webp|gif)|pictures/.test(name))"
        )
        assert pictures == []
        assert "image" not in kinds and "media" not in kinds


def test_health_is_plotted(screen: Screen) -> None:
    section = screen.show("Health")
    section.get_by_role("rowheader", name="front").wait_for()
    for process in ("encoder", "matcher"):
        section.get_by_role("rowheader", name=process).wait_for()
    plots = section.locator("figure.plot")
    plots.first.wait_for()
    assert plots.count() == 4
    screen.wait_for("() => document.querySelectorAll('#health polyline').length >= 5")
    assert (
        section.get_by_role("img", name=re.compile("^Latency from frame to decision, ms: median ")).count()
        == 1
    )


def test_a_wrong_token_is_refused_and_a_session_ends(chromium: Browser, server: Served) -> None:
    with opened(chromium, server, signed_in=False) as screen:
        page = screen.page
        page.get_by_role("heading", name="Sign in").wait_for()
        assert not page.get_by_role("navigation").is_visible()
        page.get_by_label("Token").fill("x" * 43)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("the token is wrong").wait_for()
        assert [each for each in screen.problems if "401" not in each] == []
        screen.problems.clear()
        page.get_by_label("Token").fill(server.token)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Who is here now").wait_for()
        page.reload()  # the cookie remains
        page.get_by_text("Connected", exact=True).wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="Sign in").wait_for()
        assert not page.get_by_role("navigation").is_visible()
        assert page.context.cookies() == []
        page.goto(f"{server.url}#people")
        page.get_by_role("heading", name="Sign in").wait_for()


def test_the_token_leaves_the_address_at_once(screen: Screen, server: Served) -> None:
    assert screen.page.url == server.url
    assert screen.page.evaluate("history.length") <= 2
    stored = screen.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage}) + document.cookie")
    assert server.token not in stored


def focused(page: Page) -> str:
    """Returns the text or label of what has the focus; checks that the focus is visible."""
    name, visible = page.evaluate(
        """() => {
            const element = document.activeElement;
            const style = getComputedStyle(element);
            const own = element.getAttribute("aria-label") ?? element.innerText;
            const label = element.labels?.[0]?.innerText ?? own;
            return [label.trim(), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
        }"""
    )
    assert visible, f"the focus on {name!r} cannot be seen"
    return str(name)


def tab_to(page: Page, wanted: str, key: str = "Tab") -> None:
    for _ in range(60):
        page.keyboard.press(key)
        if focused(page).startswith(wanted):
            return
    pytest.fail(f"the keyboard does not reach {wanted!r}")


def test_everything_works_with_the_keyboard_alone(screen: Screen) -> None:
    page = screen.page
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tab_to(page, "Enrol", key="Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("#enrol-title:focus").wait_for()  # a screen reader says where the user is
    page.locator("#enrol-tracks li").filter(has_text="enough to enrol").first.wait_for()
    tab_to(page, "Track")
    page.keyboard.press("Space")
    tab_to(page, "Name")
    page.keyboard.type("Kay")
    tab_to(page, "The person agreed")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Kay is enrolled").wait_for()
    tab_to(page, "People", key="Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove Kay").wait_for()
    tab_to(page, "Remove Kay")
    page.keyboard.press("Enter")
    for _ in range(4):  # the focus stays in the dialog, or goes to the browser's own controls
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    page.keyboard.press("Escape")
    assert focused(page) == "Remove Kay"
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    while page.evaluate("document.activeElement.innerText") != "Remove":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove Kay").wait_for(state="detached")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_view_is_accessible_and_fits(chromium: Browser, server: Served, size: str, scheme: str) -> None:
    with opened(chromium, server, viewport=SIZES[size], color_scheme=scheme) as screen:
        screen.wait_for(DRAWN, "front")
        for view in VIEWS:
            section = screen.show(view)
            section.get_by_role("heading", level=1).wait_for()
            if view == "Enrol":
                section.get_by_role("radio").first.wait_for()
            if view == "Health":
                section.locator("figure.plot").first.wait_for()
            assert accessibility_problems(screen.page) == [], view
            wider = screen.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, f"{view} is {wider} pixels too wide"
            assert (
                screen.page.title() == f"{section.get_by_role('heading', level=1).inner_text()} - sge-stream"
            )


def test_the_page_says_that_the_server_is_gone_and_finds_it_again(chromium: Browser, tmp_path: Path) -> None:
    program = Program(tmp_path / "g.db", tmp_path / "run")
    with served(program, tmp_path, "walkers:n=1,seed=5") as first:
        port = first.url.rsplit(":", 1)[1].strip("/")
        with opened(chromium, first) as screen:
            first.system.process.terminate()
            assert first.system.wait() == 0
            screen.page.get_by_text("The server does not answer. Trying again").wait_for()
            with served(program, tmp_path, "walkers:n=1,seed=5", listen=f"127.0.0.1:{port}"):
                screen.page.get_by_text("Connected", exact=True).wait_for(timeout=WAIT_MS)
                screen.wait_for(DRAWN, "walkers")
            # The browser itself tells the requests that failed.
            assert [each for each in screen.problems if "net::ERR_" not in each] == []
            screen.problems.clear()


def test_a_visit_says_why_and_is_denied(chromium: Browser, tmp_path: Path) -> None:
    """Somebody who is enrolled passes before one source, and goes on before another."""
    program = Program(tmp_path / "g.db", tmp_path / "run")
    recording = "walkers:n=2,seed=11,only=1,walk=2,live=0,seconds=10"
    assert program.run("enroll", "Ada", "--source", recording, "--yes").returncode == 0
    sources = ("front=walkers:n=2,seed=11,only=1,seconds=10", "yard=walkers:n=2,seed=11,only=1,walk=2")
    with served(program, tmp_path, *sources) as server, opened(chromium, server) as screen:
        page = screen.page
        section = screen.show("Visits")
        row = section.get_by_role("link").filter(has_text="Ada").filter(has_text="front")
        row.click()
        section = page.locator("#visit")
        section.get_by_text("The score reaches the person's threshold.").wait_for()
        for term in ("Arrived", "Left", "Outcome", "Walking seen", "Seen from", "Sensor"):
            assert section.get_by_role("term").filter(has_text=re.compile(f"^{term}$")).count() == 1
        scores = section.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Ada", exact=True))
        assert re.search(r"\d\.\d\d\s+-?\d\.\d\d\s+yes, by \d", scores.inner_text())
        section.get_by_role("button", name="Right: it was Ada").click()
        section.get_by_text("confirmed", exact=True).wait_for()
        section.get_by_role("button", name="Wrong").click()
        dialog = page.get_by_role("dialog", name="Who was it?")
        assert dialog.get_by_label("The visit was of").input_value() == ""
        assert accessibility_problems(page) == []
        dialog.get_by_role("button", name="Record that it was wrong").click()
        section.get_by_text("wrong", exact=True).wait_for()
        section = screen.show("Visits")
        section.get_by_role("link").filter(has_text="Ada").filter(has_text=", wrong").wait_for()
        assert accessibility_problems(page) == []
        remove(screen, "Ada")


def test_a_remembered_stranger_is_adopted(chromium: Browser, tmp_path: Path) -> None:
    program = Program(tmp_path / "g.db", tmp_path / "run")
    with open_gallery(str(tmp_path / "g.db")):  # visits are stored where there is a gallery
        pass
    sources = ("front=walkers:n=2,seed=11,only=2,seconds=12", "yard=walkers:n=1,seed=5")
    settings = 'remember_strangers = "1d"'
    with served(program, tmp_path, *sources, settings=settings) as server, opened(chromium, server) as screen:
        page = screen.page
        section = screen.show("Unknowns")
        card = section.get_by_role("listitem").filter(
            has=page.get_by_role("heading", name="visitor 1", exact=True)
        )
        card.wait_for()
        assert accessibility_problems(page) == []
        card.get_by_role("button", name="Adopt visitor 1").click()
        dialog = page.get_by_role("dialog", name="Adopt visitor 1")
        dialog.get_by_label("Name").fill("Grace")
        dialog.get_by_role("button", name="Adopt", exact=True).click()
        assert dialog.is_visible(), "without consent nobody is enrolled"
        dialog.get_by_label("The person agreed").check()
        dialog.get_by_role("button", name="Adopt", exact=True).click()
        dialog.wait_for(state="detached")
        card.wait_for(state="detached")
        screen.show("People").get_by_role("heading", name="Grace", exact=True).wait_for()
        remove(screen, "Grace")
