"""The documents name only files, folders, modules and registries that exist."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from tests.documentation.documents import DOCUMENTS, ROOT

PATH = re.compile(
    # In commands too, but no link target and no name that a shell completes.
    r"(?<![\w./(-])(?:stream|encoder|gallery|tools|tests|docs|\.ci)/(?!\S*\$)[\w./*-]*[\w/*]"
    r"|(?<=`)[\w./-]+\.py(?=`)"
)
ROOT_FILE = re.compile(r"(?<=`)[\w.-]+\.(?:toml|txt|md|yaml|yml)(?=`)")
MODULE = re.compile(r"python -m\s+((?:stream|encoder|gallery|tools)\.[\w.]+)")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_exist(name: str) -> None:
    paths = PATH.findall((ROOT / name).read_text(encoding="utf-8"))
    assert [path for path in paths if not any(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("name", ["README.md", "docs/contributing.md"])
def test_files_of_the_root_exist(name: str) -> None:
    files = ROOT_FILE.findall((ROOT / name).read_text(encoding="utf-8"))
    assert [file for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_modules_exist(name: str) -> None:
    modules = MODULE.findall((ROOT / name).read_text(encoding="utf-8"))
    assert [module for module in modules if find_spec(module) is None] == []


def test_protocols_and_registries_are_in_their_modules() -> None:
    """Rows such as "`Source` in `stream/sources/source.py`"; "there" is the module named before."""
    text = (ROOT / "docs/contributing.md").read_text(encoding="utf-8")
    found = re.findall(r"(`\w+`(?: or `\w+`)*) (?:in `([\w/]+\.py)`|there\b)", text)
    assert len(found) > 10
    path, missing = "", []
    for names, given in found:
        path = given or path
        code = (ROOT / path).read_text(encoding="utf-8")
        for named in re.findall(r"\w+", names.replace(" or ", " ")):
            if not re.search(rf"^(class|def) {named}\b|^{named}\b", code, re.MULTILINE):
                missing.append(f"{named} in {path}")
    assert missing == []
