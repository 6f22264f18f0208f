"""Settings from options and config files."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.errors import UserError
from stream.system.settings import Settings, read_config


def write(folder: Path, text: str) -> Path:
    path = folder / "c.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_config_sets_several_sources(tmp_path: Path) -> None:
    text = 'sources = ["a.mcap", "walkers:n=2"]\ngallery = "g.db"\nfpir = "off"\n'
    text += 'device = "cpu"\nspeed = 0\njson = true\n'
    expected = Settings(
        ("a.mcap", "walkers:n=2"), gallery="g.db", fpir=None, device="cpu", speed=0, json=True
    )
    assert read_config(write(tmp_path, text)) == expected


def test_a_config_sets_the_precision(tmp_path: Path) -> None:
    assert read_config(write(tmp_path, 'precision = "bf16"')).precision == "bf16"
    assert Settings().precision == "fp32"
    with pytest.raises(UserError, match="--precision: expected fp32 or bf16, got int8"):
        read_config(write(tmp_path, 'precision = "int8"'))


def test_a_config_sets_the_weights(tmp_path: Path) -> None:
    settings = read_config(write(tmp_path, 'encoder = ["mine", "b.safetensors"]'))
    assert settings.encoder == ("mine", "b.safetensors")
    assert settings.override(encoder=["c"]).encoder == ("c",)
    assert Settings().encoder == ()


def test_a_config_sets_the_view(tmp_path: Path) -> None:
    assert read_config(write(tmp_path, 'view = "pictures"')).view == "pictures"
    assert read_config(write(tmp_path, "view = 8090")).override(view=None).view == "8090"
    assert Settings().view is None


def test_options_override_the_config(tmp_path: Path) -> None:
    settings = read_config(write(tmp_path, "fpir = 0.05")).override(fpir="0.02", gallery=None)
    assert (settings.fpir, settings.gallery) == (0.02, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source = 'a'", "unknown setting source; known settings: sources"),
        ("sources = 'a'", "sources: expected a list of strings"),
        ("sources = [1]", "sources: expected a list of strings, but entry 1 is of type int$"),
        ("sources = 'rtsp://ann:pw@cam'", "sources: expected a list of strings, got a str$"),
        ("view = true", "view: expected str"),
        ("encoder = 'mine'", "encoder: expected a list of strings"),
        ("speed = true", "speed: expected float"),
        ("json = 1", "json: expected bool"),
        ("fpir = 2", "--fpir: expected off or a rate"),
        ("fpir = 'often'", "--fpir"),
        ("speed = -1", "--speed"),
        ("speed = nan", "--speed"),
        ("speed =", "is not valid TOML"),
    ],
)
def test_a_wrong_config_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_config(write(tmp_path, text))


def test_a_missing_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the config"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize("text", ["0", "1", "-0.1", "nan", "x", ""])
def test_an_fpir_is_between_0_and_1(text: str) -> None:
    with pytest.raises(UserError, match="--fpir"):
        Settings().override(fpir=text)


@pytest.mark.parametrize(
    "text",
    [
        "gallery = " + "[" * 5000,
        "speed = " + "9" * 400,
        "fpir = " + "9" * 400,
        "speed = " + "9" * 5000,
        "gallery = '\x00'",
    ],
)
def test_a_config_that_breaks_the_parser_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"c\.toml"):
        read_config(write(tmp_path, text))


def test_how_long_visits_are_kept_is_set_and_checked(tmp_path: Path) -> None:
    assert (Settings().history, Settings().remember_strangers) == ("30d", "0")
    settings = read_config(write(tmp_path, 'history = "14d"\nremember_strangers = "7d"'))
    assert (settings.history, settings.remember_strangers) == ("14d", "7d")
    assert read_config(write(tmp_path, "history = 0")).history == "0"
    assert settings.override(remember_strangers="0").override(history="0").history == "0"
    for given, text in (
        ({"history": "often"}, "--history: expected a duration"),
        ({"remember_strangers": "7"}, "--remember-strangers: expected a duration"),
        ({"history": "3d"}, "--remember-strangers 7d needs a --history of at least the same time, got 3d"),
    ):
        with pytest.raises(UserError, match=text):
            settings.override(**given)
