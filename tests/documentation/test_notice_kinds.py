"""The page on JSON lines explains every kind of notice."""

from __future__ import annotations

import re
from typing import get_args

from stream.system.notices import NoticeKind
from tests.documentation.documents import ROOT


def test_every_kind_of_notice_is_explained() -> None:
    page = (ROOT / "docs" / "json-lines.md").read_text(encoding="utf-8")
    section = page.partition("## Notices on standard error")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \| [A-Z]", section, re.MULTILINE) == list(get_args(NoticeKind))
