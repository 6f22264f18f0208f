"""Weights of the gait encoder: seeded random weights, weights files, and loaded encoders with their contract.

A weights file is safetensors (never pickle), in float32 or, at half the size, in float16. Weights are always
read as float32, and digests are computed on what was read, so they are the same on every machine. The
metadata are text: `kind` and `version` of the format, and `config`, the `EncoderConfig` as JSON. Other
metadata of the writer are kept unchanged; `layout` and `rate_hz`, if present, say which skeletons the weights
read.
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
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from encoder.contract import Contract, combine_contracts
from encoder.model import EncoderConfig, GaitEncoder
from encoder.pose import POSE_WIDTH
from encoder.tensor_files import read_tensors
from encoder.weights_files import WEIGHTS, find_weights_files
from stream.body import FloatArray
from stream.errors import DataError, UserError, data_errors
from stream.file_writing import replace_file
from stream.paths import path_exists
from stream.shipped_files import read_shipped
from stream.skeleton import CANONICAL_LAYOUT
from stream.user_text import readable
from stream.windows.resampling import RATE_HZ

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
_SHIPPED = "pretrained"
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The contents of a weights file.

    Attributes:
        state: parameters by name, for `GaitEncoder(config).load_state_dict`.
        config: the architecture of the encoder.
        extra: additional metadata of the writer.
    """

    state: Mapping[str, Tensor]
    config: EncoderConfig
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedEncoder:
    """An encoder ready for use, or several encoders whose CAGEs are concatenated.

    Attributes:
        models: the networks, in evaluation mode, on the CPU; all read the same windows.
        contract: the contract of the CAGEs.
        trained: False if the weights are random.
        description: one line for users that names the weights.
        extra: additional metadata of each model's weights; see `Weights`.
    """

    models: tuple[GaitEncoder, ...]
    contract: Contract
    trained: bool
    description: str
    extra: tuple[Mapping[str, str], ...]


def seeded_state(config: EncoderConfig, seed: int = 0) -> dict[str, Tensor]:
    """Returns random parameters that are the same on every machine and with every version of torch.

    Kernels are Glorot-uniform over their last two axes, biases are 0. Each parameter has its own random
    stream, numpy's frozen `RandomState` seeded by `seed` and the parameter's name, so that an additional
    parameter changes no other.

    Args:
        config: the architecture of the encoder.
        seed: 0 to 2**32 - 1.

    Returns:
        float32 parameters by name.
    """
    with torch.device("meta"):
        shapes = {name: tuple(p.shape) for name, p in GaitEncoder(config).named_parameters()}
    return {name: torch.from_numpy(_initial(name, shape, seed)).clone() for name, shape in shapes.items()}


def _initial(name: str, shape: tuple[int, ...], seed: int) -> FloatArray:
    if name.endswith("bias"):
        return np.zeros(shape, np.float32)
    stream = np.random.RandomState([seed, zlib.crc32(name.encode("ascii"))])
    limit = np.sqrt(6.0 / (shape[-2] + shape[-1]))
    uniform: NDArray[np.float64] = (2.0 * stream.random_sample(shape) - 1.0) * limit
    return uniform.astype(np.float32)


def weights_digest(state: Mapping[str, Tensor]) -> str:
    """Returns the SHA-256 over names, shapes and float32 little-endian bytes, by name; 64 hex digits."""
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
    """Writes a weights file. A crash while writing leaves an existing file unchanged.

    Args:
        path: an existing file is replaced.
        state: parameters by name, all of `GaitEncoder(config)`.
        config: the architecture of the encoder.
        extra: additional metadata; `kind`, `version` and `config` are reserved.
        half: store float16, rounded to nearest, at half the size. The rounded weights have another digest.

    Raises:
        ValueError: `extra` uses a reserved name.
        DataError: the file cannot be written, or a number is too large for float16.
    """
    own = {"kind": _KIND, "version": _VERSION, "config": json.dumps(asdict(config), sort_keys=True)}
    extra = dict(extra or {})
    if reserved := own.keys() & extra.keys():
        raise ValueError(f"extra: {sorted(reserved)} are reserved; save_weights writes them itself")
    dtype = torch.float16 if half else torch.float32
    tensors = {name: p.detach().cpu().to(dtype).contiguous() for name, p in state.items()}
    if half and (overflowing := [name for name, p in tensors.items() if not bool(torch.isfinite(p).all())]):
        raise DataError(f"{path}: {overflowing[0]} does not fit float16; save it as float32")
    try:
        replace_file(path, save(tensors, own | extra))
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: the weights cannot be written ({error}); choose another place") from error


def load_weights(path: Path) -> Weights:
    """Reads a weights file and checks its parameters against its encoder configuration.

    Raises:
        DataError: the file is missing, corrupt, of another kind or version, or does not fit its
            configuration.
    """
    if not path_exists(path):
        raise DataError(f"{path}: no such weights file; check the path")
    metadata, state = read_tensors(
        path,
        lambda cause: (
            f"{path}: expected a safetensors file, but it is unreadable ({cause}); download or save it again"
        ),
    )
    if metadata.pop("kind", None) != _KIND:
        raise DataError(
            f"{path}: expected weights of a gait encoder, got those of another model; give another file"
        )
    if (version := metadata.pop("version", None)) != _VERSION:
        raise DataError(f"{path}: expected format version {_VERSION}, got {version}; save it again")
    config = _parse_config(path, metadata.pop("config", ""))
    if not re.fullmatch(r"[1-9][0-9]{0,3}(\.[0-9]+)?", metadata.get("rate_hz", str(RATE_HZ))):
        raise DataError(f"{path}: expected a number as rate_hz, got {metadata['rate_hz']}; save it again")
    _check_fit(path, state, config)
    float32_state = {name: p.to(torch.float32) for name, p in state.items()}
    return Weights(float32_state, config, metadata)


def _parse_config(path: Path, text: str) -> EncoderConfig:
    with data_errors(
        lambda cause: f"{path}: its encoder configuration is malformed ({cause}); save it again"
    ):
        return EncoderConfig(**json.loads(text))


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
            raise DataError(f"{path}: {name} is not finite; use the weights of an earlier epoch")


def load_encoder(*paths: Path) -> LoadedEncoder:
    """Loads an encoder from weights files and training folders, or the shipped one.

    Args:
        paths: see `encoder.weights_files.find_weights_files`. The CAGEs of several encoders are concatenated
            in this order. Without paths the function loads the shipped weights, or random weights if none are
            shipped.

    Raises:
        DataError: the weights cannot be used, see `load_weights`; or the shipped ones were changed.
        UserError: a path is not accessible, the encoders read different windows, or two of them have the
            same weights.
    """
    if paths:
        found = find_weights_files(paths)
        several = [load_weights(file) for file in found]
        _check_compatible(found, [_contract(weights) for weights in several])
        return _build(
            several, trained=True, description=f"weights of {' + '.join(map(_display_name, found))}"
        )
    shipped = files("encoder").joinpath(_SHIPPED)
    if shipped.joinpath(WEIGHTS).is_file():
        read_shipped(shipped, WEIGHTS)
        with as_file(shipped.joinpath(WEIGHTS)) as file:
            return _build([load_weights(file)], trained=True, description="shipped weights")
    config = EncoderConfig()
    description = f"random features (no trained weights are installed; seed {_SEED})"
    return _build([Weights(seeded_state(config, _SEED), config)], trained=False, description=description)


def _check_compatible(found: Sequence[Path], contracts: Sequence[Contract]) -> None:
    first = contracts[0]
    known: dict[str, Path] = {}
    for path, contract in zip(found, contracts, strict=True):
        if contract.window_format != first.window_format:
            raise UserError(
                f"encoders used together must read the same windows, but {found[0]} reads "
                f"{first.window_format} and {path} {contract.window_format}: leave one out"
            )
        if contract.id in known:
            raise UserError(f"{known[contract.id]} and {path} are the same weights; give only one of them")
        known[contract.id] = path


def _display_name(path: Path) -> str:
    """Returns the name for users: the file name, with its folder if the file has the standard name."""
    return f"{path.absolute().parent.name}/{path.name}" if path.name == WEIGHTS else path.name


def _build(several: Sequence[Weights], *, trained: bool, description: str) -> LoadedEncoder:
    models, contracts = [], []
    for weights in several:
        config = weights.config
        with torch.device("meta"):
            model = GaitEncoder(config)
        model.load_state_dict(weights.state, assign=True)
        models.append(model.eval())
        contracts.append(_contract(weights))
    contract = combine_contracts(contracts)
    if contract.window_format == Contract(model="", f=contract.f).window_format:
        # Pose features need the canonical joints.
        contract = replace(contract, pose=POSE_WIDTH)
    description = f"{readable(description)}, model {contract.model[:12]}"
    return LoadedEncoder(
        tuple(models), contract, trained, description, tuple(weights.extra for weights in several)
    )


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
