"""Attention inside each example of a packed row and nowhere else, for any model that takes its attention by name.

register() makes the name known; the model gets it as attn_implementation, and with every batch where the examples
begin (codem/packing.py's `cu_seq_lens_q`). No mask is made: its size would grow with the square of the row.

H = heads of the queries; K = heads of keys and values, which divide H (1 in StarCoder); D = size of a head;
T = tokens of the row; L = tokens of an example; E = examples in the row
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

PACKED = "packed"


def register() -> str:
    """Make the attention known to transformers, any number of times; returns its name."""
    from transformers import AttentionInterface

    # It has no mask function: transformers then makes no mask at all.
    AttentionInterface.register(PACKED, packed_attention)
    return PACKED


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """query: (1, H, T, D); key, value: (1, K, T, D); cu_seq_lens_q: (E+1,). Returns (1, T, H, D).

    sliding_window: tokens that a token sees, itself included.
    """
    if cu_seq_lens_q is None or max_length_q is None:
        raise ValueError("packed attention: expected cu_seq_lens_q and max_length_q with the batch, found neither")
    if query.shape[0] != 1 or query.shape[2] != key.shape[2]:
        raise ValueError(
            f"packed attention: expected one row and no key-value cache, found queries {tuple(query.shape)} "
            f"and keys {tuple(key.shape)}"
        )
    window = sliding_window if sliding_window is not None and sliding_window < max_length_q else None
    if _kernel_can(query, dropout):
        return _by_kernel(query, key, value, cu_seq_lens_q, max_length_q, scaling, window), None
    return _by_example(query, key, value, cu_seq_lens_q.tolist(), scaling, dropout, window), None


def _kernel_can(query: torch.Tensor, dropout: float) -> bool:
    """Whether torch's kernel for rows of unequal examples works here. It has no dropout."""
    import torch

    return query.is_cuda and query.dtype in (torch.float16, torch.bfloat16) and dropout == 0


def _by_kernel(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    boundaries: torch.Tensor,
    longest: int,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    from torch.nn.attention import varlen

    result: Any = varlen.varlen_attn(
        query[0].transpose(0, 1),  # (T, H, D)
        key[0].transpose(0, 1),  # (T, K, D)
        value[0].transpose(0, 1),
        boundaries,
        boundaries,
        longest,
        longest,
        scale=scaling,
        window_size=(-1 if window is None else window - 1, 0),  # to the left, and to the right, besides itself
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return result.unsqueeze(0)


def _by_example(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    boundaries: list[int],
    scaling: float | None,
    dropout: float,
    window: int | None,
) -> torch.Tensor:
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    lengths = [end - start for start, end in zip(boundaries, boundaries[1:], strict=False)]
    parts = [
        scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=None if window is None or q.shape[2] <= window else _within(window, q),
            is_causal=window is None or q.shape[2] <= window,
            scale=scaling,
            dropout_p=dropout,
            enable_gqa=q.shape[1] != k.shape[1],
        )
        for q, k, v in zip(*(states.split(lengths, dim=2) for states in (query, key, value)), strict=True)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2)


def _within(window: int, query: torch.Tensor) -> torch.Tensor:
    """(L, L) True where a token sees another: the `window` last ones, itself included."""
    import torch

    everywhere = torch.ones(query.shape[2], query.shape[2], dtype=torch.bool, device=query.device)
    return everywhere.tril().triu(1 - window)
