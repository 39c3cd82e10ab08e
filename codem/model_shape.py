"""What follows from a model's shape alone, without loading it: parameters, work per token, memory on each GPU.

Known to the last parameter for gpt_bigcode, starcoder2 and llama; of other families it is an estimate, as if they had
llama's gated layers. Memory is an estimate for DeepSpeed's ZeRO optimisers with AdamW (see `memory`).

N = parameters, t = those that learn, W = processes
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codem.fine_tuning import FineTuning
from codem.knob import knob

BYTES = {"fp16": 2, "bf16": 2, "fp32": 4}
GIB = 1 << 30
CUDA_GIB = 1.5
"""The context, the libraries' workspaces, and what the allocator cannot use."""
BUCKET = 500_000_000
"""Elements of DeepSpeed's reduce bucket, by default."""
SUB_GROUP = 1_000_000_000
"""Elements that ZeRO-3 updates at once, and keeps gathered at most, by default."""


@dataclass(frozen=True)
class Shape:
    family: str
    """`model_type` of its config.json."""
    layers: int = knob(least=1)
    width: int = knob(least=1)
    heads: int = knob(least=1)
    """Of the queries."""
    kv_heads: int = knob(least=1)
    ffn: int = knob(least=1)
    """Width inside the feed-forward layers."""
    vocabulary: int = knob(least=1)
    positions: int = knob(least=1)
    """Tokens of context."""
    tied: bool = True
    """The output layer is the token embedding."""

    @property
    def kv_width(self) -> int:
        return self.width // self.heads * self.kv_heads

    @property
    def linears(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each matrix of one layer."""
        w, kv = self.width, self.kv_width
        if self.family == "gpt_bigcode":
            return [(w, w + 2 * kv), (w, w), (w, self.ffn), (self.ffn, w)]
        ungated = [(w, w), (w, kv), (w, kv), (w, w), (w, self.ffn), (self.ffn, w)]
        return ungated if self.family == "starcoder2" else [*ungated, (w, self.ffn)]

    @property
    def layer_parameters(self) -> int:
        matrices = sum(a * b for a, b in self.linears)
        if self.family in ("gpt_bigcode", "starcoder2"):
            return matrices + sum(b for _, b in self.linears) + 4 * self.width  # biases; two norms with theirs
        return matrices + 2 * self.width

    @property
    def parameters(self) -> int:
        tables = self.vocabulary * (1 if self.tied else 2) + (self.positions if self.family == "gpt_bigcode" else 0)
        return tables * self.width + self.layers * self.layer_parameters + self.last_norm

    @property
    def last_norm(self) -> int:
        return self.width * (2 if self.family in ("gpt_bigcode", "starcoder2") else 1)

    @property
    def multiplied(self) -> int:
        """Parameters that every token is multiplied with: all matrices, the output layer among them."""
        return self.layers * sum(a * b for a, b in self.linears) + self.vocabulary * self.width


def of_config(config: dict[str, Any]) -> Shape | None:
    """The shape that a config.json states, or None when it does not state one."""

    def first(*names: str) -> int | None:
        return next((v for n in names if isinstance(v := config.get(n), int) and not isinstance(v, bool)), None)

    layers, width = first("num_hidden_layers", "n_layer"), first("hidden_size", "n_embd")
    heads, vocabulary = first("num_attention_heads", "n_head"), first("vocab_size")
    if not (layers and width and heads and vocabulary):
        return None
    family = str(config.get("model_type", ""))
    kv_heads = first("num_key_value_heads") or heads
    if family == "gpt_bigcode":
        kv_heads = 1 if config.get("multi_query", True) else heads
    return Shape(
        family=family,
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        ffn=first("intermediate_size", "n_inner") or 4 * width,
        vocabulary=vocabulary,
        positions=first("max_position_embeddings", "n_positions") or 2048,
        # what the library takes when a file says nothing; llama's own default is not tied
        tied=bool(config.get("tie_word_embeddings", family in ("gpt_bigcode", "starcoder2"))),
    )


def of_folder(folder: Path) -> Shape | None:
    """As `of_config`, of a folder's config.json; None when there is none that can be read."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return of_config(config) if isinstance(config, dict) else None


def learning(shape: Shape, config: FineTuning) -> tuple[int, int]:
    """(parameters that learn, layers that the gradient reaches) with a method's settings: all; with a `rank`, LoRA's
    two matrices beside every linear layer; with a `share` or number of `layers`, the upper ones and what follows."""
    rank, share = getattr(config, "rank", None), getattr(config, "share", None)
    if rank is not None:
        return shape.layers * sum(rank * (a + b) for a, b in shape.linears), shape.layers
    if share is not None:
        reached = min(shape.layers, getattr(config, "layers", None) or math.ceil(share * shape.layers))
        head = 0 if shape.tied else shape.vocabulary * shape.width
        return reached * shape.layer_parameters + shape.last_norm + head, reached
    return shape.parameters, shape.layers


def flops_per_token(shape: Shape, config: FineTuning, example_tokens: float) -> float:
    """Floating-point operations that the model itself takes for one token of training. The recomputation of
    gradient checkpointing is not counted: that is what MFU means.

    Forward 2 per multiplied parameter; backward as much for the activations, and as much again for the weights that
    learn. Attention takes 2 x width x tokens of the example per layer and direction of the pass, halved by causality.
    """
    learned, reached = learning(shape, config)
    attention = 2 * shape.width * example_tokens * shape.layers
    share_reached, share_learned = reached / shape.layers, min(1.0, learned / shape.parameters)
    forward = 2 * shape.multiplied + attention
    return forward + share_reached * forward + share_learned * 2 * shape.multiplied + share_reached * attention


@dataclass(frozen=True)
class Memory:
    """Bytes on each GPU, estimated; `host` on the machine, for each GPU of it."""

    weights: float
    gradients: float
    optimiser: float
    """32-bit weights and AdamW's two moments."""
    buffers: float
    """DeepSpeed's buckets, or what ZeRO-3 has gathered."""
    activations: float
    logits: float
    step: float
    """What the optimiser step needs on top of weights and optimiser, when gradients and activations are gone."""
    host: float

    @property
    def backward(self) -> float:
        return self.weights + self.gradients + self.optimiser + self.buffers + self.activations + self.logits

    @property
    def peak(self) -> float:
        return max(self.backward, self.weights + self.optimiser + self.step) + CUDA_GIB * GIB

    @property
    def gib(self) -> dict[str, float]:
        names = ("weights", "gradients", "optimiser", "buffers", "activations", "logits", "step", "host")
        return {name: round(getattr(self, name) / GIB, 2) for name in names} | {"peak": round(self.peak / GIB, 2)}


def memory(shape: Shape, config: FineTuning, deepspeed: dict[str, Any], processes: int) -> Memory:
    """For the largest forward pass: batch_per_gpu examples of max_tokens, all of whose tokens are learned.

    Weights and gradients have the training precision; the optimiser keeps 12 bytes for each parameter that learns. When
    it steps there are the gradient, a flat copy of it and a 32-bit one: 8 bytes. ZeRO divides the optimiser (stage 1),
    the gradients (2) and the weights (3) by the processes; stage 3 steps in parts.
    """
    zero = deepspeed.get("zero_optimization", {})
    stage = int(zero.get("stage", 0))
    n, (t, reached) = shape.parameters, learning(shape, config)
    size = BYTES[config.precision]
    weights = n * size / (processes if stage == 3 else 1)
    gradients = t * size / (processes if stage >= 2 else 1)
    share = t / (processes if stage >= 1 else 1)
    optimiser, step = 12 * share, 8.0 * (min(share, SUB_GROUP) if stage == 3 else share)
    buffers = (min(n, SUB_GROUP) * size if stage == 3 else 0) + min(t, BUCKET) * size * (1 if processes > 1 else 0)
    host = 0.0
    if _on_cpu(zero, "offload_optimizer"):
        host += optimiser + 4 * share  # the gradients' copy too
        optimiser, step = 0.0, 0.0
        gradients = min(gradients, min(t, BUCKET) * size)
    if _on_cpu(zero, "offload_param"):
        host += weights
        weights = min(weights, min(n, SUB_GROUP) * size)
    tokens = config.batch_per_gpu * min(config.max_tokens, shape.positions)
    layer = tokens * (6 * shape.width + 2 * shape.kv_width + 2 * shape.ffn) * size
    kept = tokens * shape.width * size  # a layer's input, from which the rest is made again
    activations = reached * kept + layer if config.gradient_checkpointing else reached * layer
    logits = tokens * shape.vocabulary * (12 if size == 2 else 16)  # logits, their 32-bit copy, its softmax, a gradient
    return Memory(weights, gradients, optimiser, buffers, activations, logits, step, host)


def final_model_bytes(shape: Shape, config: FineTuning) -> float:
    return shape.parameters * BYTES[config.precision]


def checkpoint_bytes(shape: Shape, config: FineTuning, deepspeed: dict[str, Any]) -> float:
    """One of the trainer's checkpoints: the optimiser's 12 bytes for each parameter that learns, the engine's weights,
    and the model's own file. Under ZeRO-3 the engine's weights are only in the optimiser's part."""
    copies = 1 if int(deepspeed.get("zero_optimization", {}).get("stage", 0)) == 3 else 2
    return copies * final_model_bytes(shape, config) + 12 * learning(shape, config)[0]


def _on_cpu(zero: dict[str, Any], what: str) -> bool:
    return (zero.get(what) or {}).get("device", "none") != "none"
