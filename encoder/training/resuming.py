"""Parameters and optimiser state of a training as the tensors of a checkpoint, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from encoder.training.checkpoint import Checkpoint
from encoder.training.train_config import MACHINE_SETTINGS, TrainConfig
from stream.errors import DataError

__all__ = ["check_resumable", "optimised_tensors", "restore_optimised"]

_CHANGEABLE = MACHINE_SETTINGS | {"epochs", "precision"}
"""Settings that may differ from the checkpoint's; `epochs` and `precision` have checks of their own."""

_MOMENTS = ("exp_avg", "exp_avg_sq")


def optimised_tensors(
    parameter_names: Mapping[Tensor, str], optimiser: torch.optim.Adam
) -> dict[str, Tensor]:
    """Returns parameters and Adam's moments by name, on the CPU; moments are 0 before the first step."""
    tensors = {name: parameter.detach() for parameter, name in parameter_names.items()}
    for parameter, name in parameter_names.items():
        state = optimiser.state.get(parameter, {})
        for moment in _MOMENTS:
            tensors[f"{moment}.{name}"] = state.get(moment, torch.zeros_like(parameter)).detach()
    return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}


def restore_optimised(
    checkpoint: Checkpoint, parameter_names: Mapping[Tensor, str], optimiser: torch.optim.Adam
) -> None:
    """Gives parameters and optimiser the state of a checkpoint, see `check_resumable`."""
    with torch.no_grad():
        for parameter, name in parameter_names.items():
            parameter.copy_(checkpoint.tensors[name])
    if not checkpoint.steps:
        return
    for parameter, name in parameter_names.items():
        moments = {m: checkpoint.tensors[f"{m}.{name}"].to(parameter.device) for m in _MOMENTS}
        step = torch.tensor(float(checkpoint.steps), device=parameter.device)
        optimiser.state[parameter] = {"step": step, **moments}


def check_resumable(
    path: Path, checkpoint: Checkpoint, config: TrainConfig, data: str, parameter_names: Mapping[Tensor, str]
) -> None:
    """Checks that a checkpoint belongs to a training.

    Args:
        path: of the checkpoint.
        checkpoint: its content.
        config: settings of the training.
        data: digest of its data.
        parameter_names: names of its parameters.

    Raises:
        DataError: the checkpoint has other settings, other data, another precision or other parameters, or
            is from a later epoch than the last of the training.
    """
    fix = "give another --out, or the settings and data that it was started with"
    for name, value in config.as_dict().items():
        if name not in _CHANGEABLE and checkpoint.config.get(name) != value:
            raise DataError(
                f"{path}: expected a training with {name} = {value!r}, got one with "
                f"{checkpoint.config.get(name)!r}; {fix}"
            )
    if checkpoint.data != data:
        raise DataError(f"{path}: expected a training on these data, got one on other data; {fix}")
    if config.precision not in {"auto", checkpoint.precision}:
        raise DataError(f"{path}: it was started in {checkpoint.precision}; {fix}")
    shapes = {name: tuple(parameter.shape) for parameter, name in parameter_names.items()}
    shapes |= {f"{moment}.{name}": shape for name, shape in shapes.items() for moment in _MOMENTS}
    if {name: tuple(t.shape) for name, t in checkpoint.tensors.items()} != shapes:
        raise DataError(f"{path}: its parameters are not those of this encoder; {fix}")
    begun = len(checkpoint.history) + bool(checkpoint.partial.batches)
    if begun > config.epochs:
        raise DataError(
            f"{path}: expected a training of {config.epochs} epochs or fewer, got one in epoch {begun}; give "
            f"another --out, or --epochs {begun}"
        )
