"""Started by torchrun: a small training with each ZeRO stage, which writes what each process saw and what it ended in.

python -m torch.distributed.run --standalone --nproc-per-node 2 tests/two_processes.py <base> <out> 1 2 3
"""

import dataclasses
import json
import os
import sys
from pathlib import Path

import torch
from test_fit import job

from codem.fit import fit

EPOCHS = 8
"""40 steps: enough for a signal to come in the middle of them."""
ASKED = [[5, 6, 7, 8, 9, 10, 11]]


def main(base: Path, out: Path, stage: int) -> None:
    seen: list[list[int]] = []

    def note(model, args, kwargs):
        if torch.is_grad_enabled():  # what is learned from; not what the model is asked before
            seen.append(kwargs["input_ids"].flatten().tolist())

    def prepare(model):
        model.register_forward_pre_hook(note, with_kwargs=True)
        return model

    def finish(model):
        model.set_attn_implementation("sdpa")
        with torch.no_grad():
            logits = model.eval()(input_ids=torch.tensor(ASKED), use_cache=False).logits
        torch.save(logits, out / f"logits{os.environ['RANK']}.pt")
        return model

    zero = {"stage": stage, **({"stage3_gather_16bit_weights_on_model_save": True} if stage == 3 else {})}
    one = dataclasses.replace(job(base, out, epochs=EPOCHS), deepspeed={"zero_optimization": zero})
    fit(one, prepare, finish)
    (out / f"seen{os.environ['RANK']}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    for number in sys.argv[3:]:
        main(Path(sys.argv[1]), Path(sys.argv[2]) / number, int(number))
