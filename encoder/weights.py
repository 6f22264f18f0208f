"""Weights of the gait encoder: seeded ones, files of trained ones, and what a loaded encoder stands for.

A weights file is safetensors (never pickle), float32 or, for half the room, float16. That is read as float32,
and digests are of what was read, the same on every machine. Its metadata are text: `kind` and `version` of
the format, and `config`, the `EncoderConfig` as JSON. Whatever else the writer adds travels along untouched;
`layout` and `rate_hz`, where they are there, say which skeletons the weights read.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from encoder.contract import Contract, side_by_side
from encoder.model import EncoderConfig, GaitEncoder
from encoder.pose import POSE
from encoder.weights_files import WEIGHTS, weights_files
from stream.body import FloatArray
from stream.errors import DataError, UserError
from stream.skeleton import CANONICAL_LAYOUT
from stream.windows.cutting import RATE_HZ

__all__ = [
    "LoadedEncoder",
    "Weights",
    "load_encoder",
    "load_weights",
    "save_weights",
    "seeded_state",
    "weights_digest",
]

_KIND = "sge-stream gait encoder"
_VERSION = "1"
_SHIPPED = ("pretrained", WEIGHTS)
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The contents of a weights file.

    Attributes:
        state: parameters by name, as `GaitEncoder(config).load_state_dict` takes them.
        config: the shape of the encoder that they fit.
        extra: the writer's own metadata.
    """

    state: Mapping[str, Tensor]
    config: EncoderConfig
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedEncoder:
    """An encoder ready for use, or several whose CAGEs are put side by side.

    Attributes:
        models: in tools.evaluation mode, on the CPU; all read the same windows.
        contract: what the CAGEs may be compared with.
        trained: False where the weights are random.
        description: one line for people, saying which weights these are.
        extra: what the writers of the weights added, one for each model; see `Weights`.
    """

    models: tuple[GaitEncoder, ...]
    contract: Contract
    trained: bool
    description: str
    extra: tuple[Mapping[str, str], ...]


def seeded_state(config: EncoderConfig, seed: int = 0) -> dict[str, Tensor]:
    """Random parameters that are the same on every machine and with every version of torch.

    Kernels are Glorot-uniform over their last two axes, biases 0. Each parameter draws from a stream of its
    own, numpy's frozen `RandomState` seeded by `seed` and its name, so that one more parameter changes none.

    Args:
        config: the shape of the encoder.
        seed: 0 to 2**32 - 1.

    Returns:
        float32 parameters by name.
    """
    with torch.device("meta"):
        shapes = {name: tuple(p.shape) for name, p in GaitEncoder(config).named_parameters()}
    return {name: torch.from_numpy(_draw(name, shape, seed)).clone() for name, shape in shapes.items()}


def _draw(name: str, shape: tuple[int, ...], seed: int) -> FloatArray:
    if name.endswith("bias"):
        return np.zeros(shape, np.float32)
    stream = np.random.RandomState([seed, zlib.crc32(name.encode("ascii"))])
    limit = np.sqrt(6.0 / (shape[-2] + shape[-1]))
    uniform: NDArray[np.float64] = (2.0 * stream.random_sample(shape) - 1.0) * limit
    return uniform.astype(np.float32)


def weights_digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, shapes and float32 little-endian bytes in the order of names; 64 hex digits."""
    digest = hashlib.sha256()
    for name in sorted(state):
        array = state[name].detach().cpu().numpy()
        digest.update(f"{name} {list(array.shape)}\n".encode())
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()


def save_weights(
    path: Path,
    state: Mapping[str, Tensor],
    config: EncoderConfig,
    extra: Mapping[str, str] | None = None,
    *,
    half: bool = False,
) -> None:
    """Write a weights file; a crash while writing leaves what was there.

    Args:
        path: replaced where it exists.
        state: parameters by name, all of those of `GaitEncoder(config)`.
        config: the shape of the encoder.
        extra: the writer's own metadata; `kind`, `version` and `config` are taken.
        half: keep float16, rounded to the nearest, in half the room: other weights, with another digest.

    Raises:
        ValueError: `extra` uses a taken name.
        DataError: the file cannot be written, or a number is too large for float16.
    """
    own = {"kind": _KIND, "version": _VERSION, "config": json.dumps(asdict(config), sort_keys=True)}
    extra = dict(extra or {})
    if taken := own.keys() & extra.keys():
        raise ValueError(f"extra: {sorted(taken)} are written by save_weights itself")
    kept = torch.float16 if half else torch.float32
    tensors = {name: p.detach().cpu().to(kept).contiguous() for name, p in state.items()}
    if half and (lost := [name for name, p in tensors.items() if not bool(torch.isfinite(p).all())]):
        raise DataError(f"{path}: {lost[0]} does not fit float16; save it as float32")
    part = path.with_name(f"{path.name}.part")
    try:
        save_file(tensors, part, metadata=own | extra)
        part.replace(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: the weights cannot be written ({error}); choose another place") from error


def load_weights(path: Path) -> Weights:
    """Read a weights file and check it against the encoder that it says it fits.

    Raises:
        DataError: the file is missing, corrupt, of another kind or version, or does not fit.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = dict(file.metadata() or {})
            # A copy outlives the file, and lies in memory as evenly as a product's speed and rounding need.
            state = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no mapping
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such weights file; check the path") from error
    except (OSError, SafetensorError) as error:
        raise DataError(
            f"{path}: expected a safetensors file, got something unreadable ({error}); fetch or save it again"
        ) from error
    if metadata.pop("kind", None) != _KIND:
        raise DataError(f"{path}: expected weights of a gait encoder, got another model's; name another file")
    if (version := metadata.pop("version", None)) != _VERSION:
        raise DataError(f"{path}: expected version {_VERSION} of the format, got {version}; save it again")
    config = _parse_config(path, metadata.pop("config", ""))
    if not re.fullmatch(r"\d{1,4}(\.\d+)?", metadata.get("rate_hz", str(RATE_HZ))):
        raise DataError(f"{path}: expected its rate_hz as a number, got {metadata['rate_hz']}; save it again")
    _check_fit(path, state, config)
    whole = {name: p.to(torch.float32) for name, p in state.items()}
    return Weights(whole, config, metadata)


def _parse_config(path: Path, text: str) -> EncoderConfig:
    try:
        return EncoderConfig(**json.loads(text))
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: its encoder configuration is malformed ({error}); save it again") from error


def _check_fit(path: Path, state: Mapping[str, Tensor], config: EncoderConfig) -> None:
    with torch.device("meta"):
        expected = {name: tuple(p.shape) for name, p in GaitEncoder(config).named_parameters()}
    if odd := sorted(expected.keys() ^ state.keys()):
        raise DataError(f"{path}: parameter {odd[0]} is missing or unknown; save the weights again")
    for name, shape in expected.items():
        tensor = state[name]
        if tensor.dtype not in {torch.float32, torch.float16} or tuple(tensor.shape) != shape:
            raise DataError(
                f"{path}: expected {name} as float32 or float16 {shape}, got {tensor.dtype} "
                f"{tuple(tensor.shape)}; save the weights again"
            )
        if not bool(torch.isfinite(tensor).all()):
            raise DataError(f"{path}: {name} is not finite; take the weights of an earlier epoch")


def load_encoder(*paths: Path) -> LoadedEncoder:
    """The encoder of weights files and trained folders; see `encoder.weights_files.weights_files`.

    Args:
        paths: the CAGEs of several encoders are put side by side in this order; none stand for the shipped
            weights, or for random ones if none are shipped.

    Raises:
        DataError: the weights cannot be used; see `load_weights`.
        UserError: encoders read different windows, or are the same.
    """
    if paths:
        found = weights_files(paths)
        several = [load_weights(file) for file in found]
        _check_together(found, [_contract(weights) for weights in several])
        return _loaded(several, trained=True, what=f"weights of {' + '.join(map(_name, found))}")
    shipped = files("encoder").joinpath(*_SHIPPED)
    if shipped.is_file():
        with as_file(shipped) as file:
            return _loaded([load_weights(file)], trained=True, what="shipped weights")
    config = EncoderConfig()
    what = f"random features (no trained weights are installed; seed {_SEED})"
    return _loaded([Weights(seeded_state(config, _SEED), config)], trained=False, what=what)


def _check_together(found: Sequence[Path], contracts: Sequence[Contract]) -> None:
    first = contracts[0]
    known: dict[str, Path] = {}
    for path, contract in zip(found, contracts, strict=True):
        if contract.windows != first.windows:
            raise UserError(
                f"encoders that are put side by side must read the same windows, but {found[0]} reads "
                f"{first.windows} and {path} {contract.windows}: leave one out"
            )
        if contract.id in known:
            raise UserError(f"{known[contract.id]} and {path} are the same weights; give one of them")
        known[contract.id] = path


def _name(path: Path) -> str:
    """Which weights these are, for people: a trained folder says more than the name of the file in it."""
    return f"{path.absolute().parent.name}/{path.name}" if path.name == WEIGHTS else path.name


def _loaded(several: Sequence[Weights], *, trained: bool, what: str) -> LoadedEncoder:
    models, contracts = [], []
    for weights in several:
        config = weights.config
        with torch.device("meta"):
            model = GaitEncoder(config)
        model.load_state_dict(weights.state, assign=True)
        models.append(model.eval())
        contracts.append(_contract(weights))
    contract = side_by_side(contracts)
    if contract.windows == Contract(model="", f=contract.f).windows:
        # The joints that the pose numbers are about.
        contract = replace(contract, pose=POSE)
    what = f"{what}, model {contract.model[:12]}"
    return LoadedEncoder(tuple(models), contract, trained, what, tuple(weights.extra for weights in several))


def _contract(weights: Weights) -> Contract:
    config, extra = weights.config, weights.extra
    contract = Contract(
        model=weights_digest(weights.state), f=config.f, joints=config.joints, dimension=config.dimension
    )
    if (rate := round(float(extra.get("rate_hz", RATE_HZ)))) != RATE_HZ:
        contract = replace(contract, rate_hz=rate)
    if (layout := extra.get("layout", CANONICAL_LAYOUT)) != CANONICAL_LAYOUT:
        contract = replace(contract, normalisation=f"{contract.normalisation}, layout {layout}")
    return contract
