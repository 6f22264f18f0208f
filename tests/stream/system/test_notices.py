"""Notices of a run."""

from __future__ import annotations

import threading
from typing import get_args

from stream.system.notices import Notice, NoticeKind, Notifier


def test_a_notice_is_handed_over_as_record_and_as_text() -> None:
    texts: list[str] = []
    notices: list[Notice] = []
    Notifier(texts.append, notices.append).send(
        "output-dropped", "3 events dropped", output="mqtt b", count=3
    )
    (notice,) = notices
    assert (notice.kind, notice.output, notice.count, notice.source) == ("output-dropped", "mqtt b", 3, None)
    assert texts == ["3 events dropped"]


def test_notices_of_several_threads_are_handed_over_one_at_a_time() -> None:
    busy = threading.Lock()
    texts: list[str] = []

    def on_notice(notice: Notice) -> None:
        assert busy.acquire(blocking=False), "two at a time"

    def notify(text: str) -> None:
        texts.append(text)
        busy.release()

    notifier = Notifier(notify, on_notice)
    errors: list[BaseException] = []

    def send() -> None:
        try:
            for kind in get_args(NoticeKind) * 50:
                notifier.send(kind, kind)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(texts) == 4 * 50 * len(get_args(NoticeKind))
