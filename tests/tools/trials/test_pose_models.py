from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.trials.pose_models import difference, measure
from tools.trials.sample_videos import pictures_of


def test_the_difference_of_bones_is_relative_and_between_halves() -> None:
    one = np.full((10, 4), 0.4, np.float32)
    other = one.copy()
    other[5:] *= 1.1
    assert difference(one, one) == 0
    assert difference(one, other) == pytest.approx(0.1, abs=1e-5)
    assert difference(other, one) == 0, "the second half of the second with the first half of the first"


@pytest.mark.slow
def test_the_model_of_files_is_the_steadier_one_and_the_two_do_not_mix(walker_film: Path) -> None:
    pictures = pictures_of(walker_film, 130, 160)
    (*_, lite_varies, lite_jitter), lite = measure("lite", pictures)
    (*_, full_varies, full_jitter), full = measure("full", pictures)
    assert float(full_varies.rstrip("%")) < float(lite_varies.rstrip("%"))
    assert float(full_jitter.split()[0]) < float(lite_jitter.split()[0])
    assert difference(lite, full) > max(difference(lite, lite), difference(full, full))
