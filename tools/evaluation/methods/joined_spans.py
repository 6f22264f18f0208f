"""Training spans of an encoder, joined from the overlapping training windows of a draw."""

from __future__ import annotations

import numpy as np

from encoder.training.spans import Spans
from stream.errors import DataError
from tools.evaluation.methods.named_joints import span_layout
from tools.evaluation.splits.window_set import WindowSet

__all__ = ["join_spans"]


def join_spans(train: WindowSet, length: int) -> Spans:
    """Joins overlapping windows to spans, which keep the joints, the rate and the gaps of the windows.

    A span starts with a window and continues with the following windows of the same walk. It exists only if
    each of them repeats the skeletons that it shares with the previous one. Labels are not included.

    Args:
        train: windows of f skeletons, one every f // 2 skeletons.
        length: L, skeletons in a span, at least f (`encoder.training.batch_losses.span_length_and_step`).

    Returns:
        The spans that `encoder.training.spans.cut_spans` cuts from the walks; for odd f the last span of a
        walk may be missing.

    Raises:
        DataError: the windows contain no span of this length.
    """
    windows = train.windows
    f = windows.shape[1]
    step = max(1, f // 2)
    following = -(-(length - f) // step)
    continues = (windows[:-1, step:] == windows[1:, : f - step]).all(axis=(1, 2, 3))
    continues &= train.walks[:-1] == train.walks[1:]
    breaks = np.concatenate(([0], np.cumsum(~continues)))
    starts = np.arange(max(0, len(windows) - following))
    starts = starts[breaks[starts] == breaks[starts + following]]
    if not len(starts):
        raise DataError(
            f"the training windows contain no {length} consecutive skeletons to train an encoder on; use "
            "longer recordings, or windows that overlap by half"
        )
    parts = [windows[starts], *(windows[starts + place, f - step :] for place in range(1, following + 1))]
    numbers, recording = np.unique(train.walks[starts], return_inverse=True)
    counts = np.bincount(train.walks, minlength=numbers[-1] + 1)[numbers]
    return Spans(
        np.ascontiguousarray(np.concatenate(parts, axis=1)[:, :length]),
        recording.astype(np.int64),
        tuple(str(number) for number in numbers),
        ("",) * len(numbers),
        frames=int((counts * step + f - step).sum()),
        layout=span_layout(train.layout),
        rate_hz=train.rate_hz,
    )
