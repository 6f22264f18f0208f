"""A matrix product as a model of ONNX Runtime, written without the package `onnx`.

The fields are those of `onnx.proto`; a message is a sequence of a tag and a value.
"""

from __future__ import annotations

from stream.body import FloatArray

__all__ = ["product_model"]

_FLOAT = 1
"""`TensorProto.DataType` of float32."""

_IR_VERSION, _OPSET = 8, 13


def product_model(right: FloatArray) -> bytes:
    """Returns the model `y = x @ right` for `x` (n, k) float32.

    Args:
        right: (k, m) float32, a constant of the model, as the weights of a network are.
    """
    rows, columns = right.shape
    node = _text(1, "x") + _text(1, "w") + _text(2, "y") + _text(4, "MatMul")
    constant = _number(1, rows) + _number(1, columns) + _number(2, _FLOAT) + _text(8, "w")
    constant += _bytes(9, right.astype("<f4").tobytes())
    graph = _bytes(1, node) + _text(2, "product") + _bytes(5, constant)
    graph += _bytes(11, _matrix("x", rows)) + _bytes(12, _matrix("y", columns))
    return _number(1, _IR_VERSION) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, _OPSET))


def _matrix(name: str, columns: int) -> bytes:
    shape = _bytes(1, _text(2, "n")) + _bytes(1, _number(1, columns))
    tensor = _number(1, _FLOAT) + _bytes(2, shape)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode("ascii"))


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
