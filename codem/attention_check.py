"""Before the first step: do packed examples really not see each other, in this model, with this attention, here?

A model that ignores where examples begin trains without any error, on leaked answers. So a few examples of the run
are packed and compared with what the model says of each alone; and one of them is changed, which must change nothing
in the others. It takes a few short forward passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codem.errors import StageError
from codem.packing import Example, collate_packed

EXAMPLES = 4
TOKENS = 256
"""Of each example at most: enough to see a leak."""
ALONE = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 6e-2}
"""How far logits may be from those of the example alone, relative to their size (both as root mean squares). Other
kernels add in another order, which costs a few of a dtype's last bits in every layer."""
LEAK = 1e-5
"""The same for a change in another example. The same kernel then adds the same numbers in the same order."""


def callback(examples: Sequence[Example], pad_token_id: int) -> Any:
    """A TrainerCallback that checks the engine; set its `trainer`. Raises StageError when examples see each other."""
    from transformers import TrainerCallback

    class Check(TrainerCallback):
        trainer: Any = None

        def on_train_begin(self, args, state, control, **kwargs):
            check(self.trainer.model_wrapped, self.trainer.model, examples, pad_token_id)

    return Check()


def check(engine: Any, model: Any, examples: Sequence[Example], pad_token_id: int) -> None:
    """engine: what is called, `model` or a wrapper of it; it is left in evaluation mode.

    All processes must call it with equal examples: ZeRO-3 gathers weights in every forward pass.
    """
    short = [Example(e.tokens[:TOKENS], e.learned[:TOKENS]) for e in examples]
    if len(short) < 2:
        return
    engine.eval()
    together = _logits(engine, short, pad_token_id)
    changed = _logits(engine, [_differing(short[0], pad_token_id), *short[1:]], pad_token_id)
    alone = _alone(engine, model, short)
    start = len(short[0].tokens)
    leak = _distance(changed[start:], together[start:])
    apart = _distance(together, alone)
    allowed = ALONE[str(together.dtype).removeprefix("torch.")]
    if not (leak <= LEAK and apart <= allowed):
        raise StageError(
            f"packed examples see each other in {type(model).__name__}: changing one moved the others' logits by "
            f"{leak:.1e} (allowed {LEAK:.0e}), and packed logits are {apart:.1e} from unpacked ones (allowed "
            f"{allowed:.0e}), relative to their size; train with method.packing=false"
        )


def _differing(example: Example, pad_token_id: int) -> Example:
    """As long, and different in every place."""
    ids = sorted({*example.tokens, pad_token_id, 0, 1})
    following = dict(zip(ids, [*ids[1:], ids[0]], strict=True))
    return Example(tuple(following[token] for token in example.tokens), example.learned)


def _logits(engine: Any, examples: Sequence[Example], pad_token_id: int) -> Any:
    """(T, V) of the packed row."""
    import torch

    batch = collate_packed(examples, pad_token_id)
    del batch["labels"]
    given = {name: value.to(engine.device) if torch.is_tensor(value) else value for name, value in batch.items()}
    with torch.no_grad():
        return engine(**given, use_cache=False).logits[0]


def _alone(engine: Any, model: Any, examples: Sequence[Example]) -> Any:
    """(T, V), each example in a forward pass of its own, with torch's own attention."""
    import torch

    ours = model.config._attn_implementation
    model.set_attn_implementation("sdpa")
    try:
        with torch.no_grad():
            rows = [
                engine(input_ids=torch.tensor([example.tokens], device=engine.device), use_cache=False).logits[0]
                for example in examples
            ]
    finally:
        model.set_attn_implementation(ours)
    return torch.cat(rows)


def _distance(some: Any, others: Any) -> float:
    """Root mean square of the difference, relative to that of `others`."""
    return float((some.float() - others.float()).norm() / others.float().norm().clamp(min=1e-30))
