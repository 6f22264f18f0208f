"""What an encoder is trained on within a trial: spans joined of the very windows that others learn from."""

from __future__ import annotations

import numpy as np

from encoder.training.spans import Spans
from stream.errors import DataError
from tools.evaluation.methods.named_joints import span_layout
from tools.evaluation.splits.walk_split import WindowSet

__all__ = ["spans_of"]


def spans_of(train: WindowSet, length: int) -> Spans:
    """Spans of windows that overlap, so that they have the joints, the rate and the gaps of the trial's.

    A span is a window and as much of the windows after it as it needs; it is there only where each shows the
    skeletons that it shares with the one before. Nobody's name goes along.

    Args:
        train: windows of f skeletons that start every f // 2.
        length: L, skeletons a span, at least f (`encoder.training.batch_losses.spans_length`).

    Returns:
        As `encoder.training.spans.cut_spans` cuts them of the walks; of odd f the last of a walk may be
        missing.

    Raises:
        DataError: the windows hold no such span.
    """
    windows = train.windows
    f = windows.shape[1]
    step = max(1, f // 2)
    more = -(-(length - f) // step)
    follows = (windows[:-1, step:] == windows[1:, : f - step]).all(axis=(1, 2, 3))
    follows &= train.walks[:-1] == train.walks[1:]
    breaks = np.concatenate(([0], np.cumsum(~follows)))
    starts = np.arange(max(0, len(windows) - more))
    starts = starts[breaks[starts] == breaks[starts + more]]
    if not len(starts):
        raise DataError(
            f"the training windows hold no {length} skeletons in a row for an encoder to learn from; give "
            "longer recordings, or windows that overlap by half"
        )
    parts = [windows[starts], *(windows[starts + place, f - step :] for place in range(1, more + 1))]
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
