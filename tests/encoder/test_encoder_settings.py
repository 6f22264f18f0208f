"""The devices of several encoder processes, and how an encoder is described."""

from __future__ import annotations

import pytest

from encoder.encoder_settings import describe_encoder, spread_device


@pytest.mark.parametrize(
    ("device", "gpus", "expected"),
    [
        ("cuda", 2, ["cuda:0", "cuda:1", "cuda:0"]),
        ("auto", 3, ["cuda:0", "cuda:1", "cuda:2"]),
        ("auto", 1, ["auto"] * 3),
        ("auto", 0, ["auto"] * 3),
        ("cuda:1", 4, ["cuda:1"] * 3),
        ("cpu", 4, ["cpu"] * 3),
    ],
)
def test_encoders_take_turns_unless_a_device_is_named(device: str, gpus: int, expected: list[str]) -> None:
    assert [spread_device(device, index, gpus) for index in range(3)] == expected


def test_a_description_names_a_precision_that_is_not_the_usual_one() -> None:
    assert describe_encoder("weights of mine", "fp32") == "weights of mine"
    assert describe_encoder("weights of mine", "bf16") == "weights of mine, in bf16"
