"""Choose the next token of every row of a batch: the likeliest, or one drawn from the likeliest.

B = rows, V = vocabulary
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def likeliest(scores: torch.Tensor) -> list[int]:
    """scores: (B, V)."""
    return scores.argmax(-1).tolist()


def drawn(scores: torch.Tensor, shares: Sequence[float], temperature: float, top_p: float) -> list[int]:
    """From each row, the token at which its share, a number in [0, 1), falls when the tokens are laid side by side,
    likeliest first, each as wide as its probability. Only the smallest set with probability top_p takes part.

    A row's token depends on its own scores and share, on nothing else in the batch.
    scores: (B, V).
    """
    import torch

    ranked, tokens = (scores.double() / temperature).softmax(-1).sort(stable=True, dim=-1, descending=True)  # (B, V)
    sums = ranked.cumsum(-1)
    in_reach = (sums - ranked < top_p).sum(-1, keepdim=True)  # (B, 1), at least 1
    width = sums.gather(-1, in_reach - 1)
    wanted = torch.tensor(shares, dtype=torch.double, device=scores.device)[:, None] * width
    at = torch.searchsorted(sums, wanted, right=True).minimum(in_reach - 1)
    return tokens.gather(-1, at)[:, 0].tolist()
