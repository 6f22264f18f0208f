"""JSON encoding of body frames: the messages of a recording, with the JSON schema `sge.BodyFrame`.

Coordinates have nine significant digits, which preserves every float32 bit for bit.

The schema uses only what MCAP viewers support: objects of plain types and arrays of these. Foxglove and
Lichtblick reject nested arrays and the type `null`, so a missing joint is an object without coordinates.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import numpy as np

from stream.body import Body, FloatArray

__all__ = ["SCHEMA", "SCHEMA_NAME", "decode_bodies", "encode_bodies"]

SCHEMA_NAME = "sge.BodyFrame"


def _coordinate(axis: str) -> dict[str, str]:
    return {"type": "number", "description": f"{axis}; absent where the joint was not seen"}


_JOINT: dict[str, Any] = {
    "type": "object",
    "description": "one joint; float32 values with nine significant digits",
    "properties": {
        "x": _coordinate("metres to the sensor's left"),
        "y": _coordinate("metres up"),
        "z": _coordinate("metres away from the sensor"),
        "confidence": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "how sure the sensor is of the joint; 0 exactly where it was not seen",
        },
    },
    "required": ["confidence"],
    "dependentRequired": {"x": ["y", "z"], "y": ["x", "z"], "z": ["x", "y"]},
}

SCHEMA = json.dumps(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA_NAME,
        "description": "All bodies that a source saw at one moment, which is the message's log time: "
        "nanoseconds since the source began.",
        "type": "object",
        "properties": {
            "bodies": {
                "type": "array",
                "description": "empty where nobody was in view",
                "items": {
                    "type": "object",
                    "properties": {
                        "id": {
                            "type": "integer",
                            "description": "the source's tracking id, no two alike in a frame",
                        },
                        "joints": {
                            "type": "array",
                            "description": "in the order of the channel's metadata `joints`",
                            "items": _JOINT,
                        },
                    },
                    "required": ["id", "joints"],
                },
            }
        },
        "required": ["bodies"],
    },
    separators=(",", ":"),
).encode()
"""The JSON schema of a message."""


class _Joint(msgspec.Struct):
    confidence: float
    x: float | None = None  # null, as some programs write NaN
    y: float | None = None
    z: float | None = None


class _Body(msgspec.Struct):
    id: int
    joints: list[_Joint]


class _Frame(msgspec.Struct):
    bodies: list[_Body]


_NOT_JSON = (b"NaN", b"Infinity")
"""What some programs write for a lost joint, among them Python's `json`."""

_DECODER = msgspec.json.Decoder(_Frame)
_DETECTED = '{"x":%.9g,"y":%.9g,"z":%.9g,"confidence":%.9g}'
_MISSING = '{"confidence":0}'


def encode_bodies(bodies: tuple[Body, ...], joints: int) -> bytes:
    """Encodes the bodies of one frame as a JSON message.

    A joint without finite coordinates, or with confidence 0, becomes a missing one. A joint at the origin is
    written as it is: only the reader knows whether the skeletons are centred on it.

    Args:
        bodies: each with `joints` joints.
        joints: number of joints in the source's layout.

    Raises:
        ValueError: a body violates the contract of `stream.body.Body`; the text gives the reason.
    """
    _check(bodies, joints)
    text = ",".join(f'{{"id":{int(body.id)},"joints":[{_joints_json(body)}]}}' for body in bodies)
    # JSON readers parse -0 as the integer 0 and lose the sign.
    return f'{{"bodies":[{text}]}}'.replace(":-0,", ":-0.0,").encode()


def decode_bodies(message: bytes, joints: int) -> tuple[Body, ...]:
    """Decodes the bodies of one frame from a JSON message.

    A joint without finite coordinates (missing, null, NaN), or with confidence 0, was not seen: NaN with
    confidence 0.

    Raises:
        ValueError: the message does not match the schema, or a body violates the contract of
            `stream.body.Body`.
    """
    try:
        frame = _decode(message)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ValueError(f"not a message of {SCHEMA_NAME}: {error}") from error
    bodies = tuple(_body(body) for body in frame.bodies)
    _check(bodies, joints)
    return bodies


def _decode(message: bytes) -> _Frame:
    try:
        return _DECODER.decode(message)
    except msgspec.DecodeError:
        if not any(word in message for word in _NOT_JSON):
            raise
        return msgspec.convert(json.loads(message), _Frame)


def _joints_json(body: Body) -> str:
    rows = np.column_stack([body.joints, body.confidence]).tolist()
    return ",".join(_DETECTED % tuple(row) if _is_seen(row) else _MISSING for row in rows)


def _is_seen(row: list[float]) -> bool:
    return row[3] > 0 and all(map(math.isfinite, row))


def _body(body: _Body) -> Body:
    rows = [(joint.x, joint.y, joint.z, joint.confidence) for joint in body.joints]
    with np.errstate(over="ignore"):  # float32 overflow gives inf
        values: FloatArray = np.array(rows, np.float32).reshape(-1, 4)
    joints, confidence = np.ascontiguousarray(values[:, :3]), np.ascontiguousarray(values[:, 3])
    lost = ~np.isfinite(joints).all(axis=1) | (confidence == 0)
    joints[lost] = np.nan
    confidence[lost & (confidence >= 0) & (confidence <= 1)] = 0
    return Body(body.id, joints, confidence)


def _check(bodies: tuple[Body, ...], joints: int) -> None:
    if len({body.id for body in bodies}) < len(bodies):
        raise ValueError("two bodies of one frame have the same id")
    for body in bodies:
        if body.joints.shape != (joints, 3) or body.confidence.shape != (joints,):
            raise ValueError(f"body {body.id} has {len(body.joints)} joints instead of {joints}")
        if body.joints.dtype != np.float32 or body.confidence.dtype != np.float32:
            raise ValueError(f"body {body.id} is not float32")
        if not ((body.confidence >= 0) & (body.confidence <= 1)).all():
            raise ValueError(f"body {body.id} has a confidence outside 0..1")
