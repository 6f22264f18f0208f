"""The network: turns a window of skeletons into attention-based gait encodings (CAGEs).

It follows "A Self-Supervised Gait Encoding Approach with Locality-Awareness for 3D Skeleton Based Person
Re-Identification" (Rao et al., IEEE TPAMI 2022), section 3. The paper trains one network per dimension; here
X, Y and Z are one batched computation that shares no parameters: the first axis of every parameter is 3.

Choices where the paper gives no detail, or its code differs:
- an LSTM layer has one bias vector, and so has the output layer (Eq. 10 shows none);
- the decoder starts from the final hidden states and cells of all encoder layers;
- alignment is the dot product of Eq. 4; `Alignment.GENERAL` adds the learnt matrix of the authors' code. With
  it a dimension has their 2,081,812 parameters (f = 6, J = 20), without it 65,536 (K x K) fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from encoder.attention import Alignment, Attention, Decoding, alignment_scores, context, locality_mask
from encoder.lstm import DIMENSIONS, DimensionLstm, State

__all__ = ["EncoderConfig", "GaitEncoder", "GaitEncoding"]


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Architecture of a gait encoder.

    Attributes:
        f: skeletons of a window, 2 to 64 (paper: 4, 6, 8, 10).
        joints: J, joints of a skeleton, 1 to 128.
        hidden: K, size of a gait state of one dimension, 1 to 2048.
        layers: number of LSTM layers in the encoder, and in the decoder, 1 to 8.
        attention: the decoder's attention.
        alignment: how a decoded and an encoded gait state are correlated.
        decoding: the order in which the decoder outputs the skeletons; it centres the mask of
            `Attention.MBAS`. Weights files without it mean `reverse`.

    Raises:
        ValueError: a value is out of bounds.
    """

    f: int = 6
    joints: int = 20
    hidden: int = 256
    layers: int = 2
    attention: Attention = Attention.LAS
    alignment: Alignment = Alignment.DOT
    decoding: Decoding = Decoding.REVERSE

    def __post_init__(self) -> None:
        for name, low, high in (("f", 2, 64), ("joints", 1, 128), ("hidden", 1, 2048), ("layers", 1, 8)):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"{name}: expected a whole number from {low} to {high}, got {value!r}")
        object.__setattr__(self, "attention", Attention(self.attention))
        object.__setattr__(self, "alignment", Alignment(self.alignment))
        object.__setattr__(self, "decoding", Decoding(self.decoding))

    @property
    def dimension(self) -> int:
        """Length of a skeleton-level CAGE, 3 K."""
        return DIMENSIONS * self.hidden


@dataclass(frozen=True, slots=True, eq=False)
class GaitEncoding:
    """Output of the network for n windows; t = 1..f counts decoding steps.

    The steps run backwards in time if the encoder was trained on reverse reconstruction.

    Attributes:
        reconstruction: (n, f, J, 3) metres, the output skeleton of each step t (Eq. 10).
        encoded: (n, f, 3, K), the encoded gait states h_j in order of time (Eq. 1).
        contexts: (n, f, 3, K), the context vectors c_t (Eq. 8); with `Attention.NONE` the encoded gait
            state of the skeleton that reverse reconstruction decodes, h_{f-t+1}.
        alignment: (n, f, 3, f), a_t(j) of Eq. 4 before any mask, axes [window, t, dimension, j]; None with
            `Attention.NONE`.
    """

    reconstruction: Tensor
    encoded: Tensor
    contexts: Tensor
    alignment: Tensor | None

    @property
    def cages(self) -> Tensor:
        """(n, f, 3 K), v_t = [c_t^X; c_t^Y; c_t^Z] (Eq. 11)."""
        return self.contexts.flatten(2)


class _AttentionLayer(nn.Module):
    """Alignment, context and attentional state of one decoding step (Eq. 4, 6, 8 and 9)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.masked = config.attention is Attention.MBAS
        self.kernel = nn.Parameter(torch.zeros(DIMENSIONS, 2 * hidden, hidden))
        self.match: nn.Parameter | None = None
        if config.alignment is Alignment.GENERAL:
            self.match = nn.Parameter(torch.zeros(DIMENSIONS, hidden, hidden))

    def keys(self, encoded: Tensor) -> Tensor:
        """Returns the attention keys h_j, or W_m h_j, (3, n, f, K), of the encoded states (3, n, f, K)."""
        if self.match is None:
            return encoded
        return torch.bmm(encoded.flatten(1, 2), self.match).view_as(encoded)

    def forward(
        self, decoded: Tensor, encoded: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Computes decoding step t.

        Args:
            decoded: (3, n, K), the decoded gait state.
            encoded: (3, n, f, K), the encoded gait states.
            keys: (3, n, f, K), from `keys`.
            mask: (f,), row t of the locality mask (Eq. 5).

        Returns:
            The attentional state (3, n, K), the context (3, n, K) and a_t (3, n, f).
        """
        scores = alignment_scores(decoded, keys)
        c = context(scores * mask if self.masked else scores, encoded)
        return torch.tanh(torch.bmm(torch.cat((c, decoded), dim=-1), self.kernel)), c, scores


class GaitEncoder(nn.Module):
    """Gait encoder, gait decoder and the attention between them, for X, Y and Z at once.

    The parameters of a new module are zeros; `load_state_dict` fills them, from
    `encoder.weights.seeded_state` or a weights file.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.attention = None if config.attention is Attention.NONE else _AttentionLayer(config)
        hidden = config.hidden
        decoder_inputs = config.joints if self.attention is None else config.joints + hidden
        deeper = [hidden] * (config.layers - 1)
        self.encoder = nn.ModuleList(DimensionLstm(inputs, hidden) for inputs in [config.joints, *deeper])
        self.decoder = nn.ModuleList(DimensionLstm(inputs, hidden) for inputs in [decoder_inputs, *deeper])
        self.output_kernel = nn.Parameter(torch.zeros(DIMENSIONS, hidden, config.joints))
        self.output_bias = nn.Parameter(torch.zeros(DIMENSIONS, config.joints))

    def forward(self, windows: Tensor, auxiliary: Tensor | None = None) -> GaitEncoding:
        """Encodes windows and decodes them.

        Args:
            windows: (n, f, J, 3) float32, hip-centred, metres, in order of time.
            auxiliary: (n, f, J, 3), the target skeletons in decoding order, for teacher forcing: the input of
                step t > 1 is target t - 1. With None it is the decoder's own previous output (the paper's
                test mode). The input of step 1 is zeros in both cases.

        Raises:
            ValueError: a shape does not match the configuration.
        """
        self._check("windows", windows, len(windows))
        if auxiliary is not None:
            self._check("auxiliary", auxiliary, len(windows))
            auxiliary = auxiliary.permute(3, 1, 0, 2)
        encoded = windows.permute(3, 1, 0, 2)
        states = []
        for layer in self.encoder:
            encoded, state = layer(encoded)
            states.append(state)
        return self._decode(encoded, states, auxiliary)

    def encode(self, windows: Tensor) -> Tensor:
        """Returns the CAGEs (n, f, 3 K), in decoding order (Eq. 11), of windows (n, f, J, 3); test mode."""
        encoding: GaitEncoding = self(windows)
        return encoding.cages

    def _check(self, name: str, skeletons: Tensor, n: int) -> None:
        expected = (n, self.config.f, self.config.joints, DIMENSIONS)
        if skeletons.shape != expected:
            raise ValueError(f"{name}: expected shape {expected} (n, f, J, 3), got {tuple(skeletons.shape)}")

    def _decode(self, encoded: Tensor, states: list[State], auxiliary: Tensor | None) -> GaitEncoding:
        """Decodes (Eq. 2 and 4 to 10) encoded (3, f, n, K) with auxiliary (3, f, n, J); updates `states`."""
        f, n = encoded.shape[1:3]
        memory = encoded.transpose(1, 2).contiguous()
        keys = memory if self.attention is None else self.attention.keys(memory)
        mask = locality_mask(f, f, self.config.decoding).to(encoded)
        skeleton = encoded.new_zeros(DIMENSIONS, n, self.config.joints)
        attentional = encoded.new_zeros(DIMENSIONS, n, self.config.hidden)
        skeletons, contexts, alignment = [], [], []
        for t in range(f):
            if self.attention is None:
                attentional, c = self._step(skeleton, states), encoded[:, f - 1 - t]
            else:
                decoded = self._step(torch.cat((skeleton, attentional), dim=-1), states)
                attentional, c, scores = self.attention(decoded, memory, keys, mask[t])
                alignment.append(scores)
            output = torch.baddbmm(self.output_bias.unsqueeze(1), attentional, self.output_kernel)
            skeletons.append(output)
            contexts.append(c)
            skeleton = output if auxiliary is None else auxiliary[:, t]
        return GaitEncoding(
            reconstruction=torch.stack(skeletons).permute(2, 0, 3, 1),
            encoded=memory.permute(1, 2, 0, 3),
            contexts=torch.stack(contexts).permute(2, 0, 1, 3),
            alignment=torch.stack(alignment).permute(2, 0, 1, 3) if alignment else None,
        )

    def _step(self, inputs: Tensor, states: list[State]) -> Tensor:
        """Runs one decoding step through all layers, updates `states` and returns the decoded gait state."""
        sequence = inputs.unsqueeze(1)
        for i, layer in enumerate(self.decoder):
            sequence, states[i] = layer(sequence, states[i])
        return sequence.squeeze(1)
