"""How fast training is: packed against padded, and, on a GPU, tokens per second, MFU and peak memory.

python benchmarks/training.py --json                                   # CPU: a tiny StarCoder-shaped model
python benchmarks/training.py --json --shape 7b --precision bf16       # GPU: random weights of that shape

Both sides go through codem.fit, on DeepSpeed, in one process, in alternation, several rounds of the same steps. A step
takes the median of its times in all rounds, so that what else the machine does counts little; learned tokens per second
are those of all steps over the sum of these times, and `packed_over_padded` is the ratio of the two sides. A step has
the same examples on both. The first steps of each training warm up and are not counted; loading and saving never are.
Batches are the paper's: 2 examples, 4 passes a step, on one process.

The corpus has the lengths of instruction data: lognormal with a median of 200 tokens and a sigma of 1, of which 1 % is
longer than 2,048 and left out; 40 % of an example is its prompt. On a CPU lengths and context are divided by 8
(--scale), for a model with 256 positions; --scale 1 takes them as they are.

MFU = (6 x P x tokens + 6 x layers x width x the sum of squared lengths) / seconds / peak (codem/model_shape.py), with P
the parameters that every token is multiplied with, the output layer among them. The second term is causal attention,
half of a square. What checkpointing computes again does not count.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codem import config as settings
from codem import plan
from codem.fine_tuning import FineTuning
from codem.model_shape import Shape, flops_per_token

if TYPE_CHECKING:
    from codem.job import Job

SHAPES = ("tiny", "1b", "3b", "7b")
TINY = Shape("gpt_bigcode", 4, 128, 4, 1, 512, 768, 2048)
MEDIAN, SIGMA, LONGEST = 200, 1.0, 2048
PROMPT_SHARE = 0.4
CORPUS = 2_000
WARM_UP_STEPS = 2


def shape_of(name: str) -> Shape:
    """As conf/base/starcoder-<name>.yaml states it."""
    if name == "tiny":
        return TINY
    shape = settings.cells([f"base=starcoder-{name}", "launch.dry_run=true"])[0].base.shape
    assert shape is not None
    return shape


def lengths(scale: int) -> list[int]:
    """Tokens of each example; those too long for the model are among them."""
    rng = random.Random(0)
    return [max(4, round(MEDIAN * rng.lognormvariate(0, SIGMA) / scale)) for _ in range(CORPUS)]


def corpus(path: Path, sizes: list[int], vocabulary: int) -> Path:
    """Random tokens, in the layout of codem/tokens.py."""
    import numpy as np

    starts = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=starts[1:])
    tokens = np.random.default_rng(0).integers(2, vocabulary, int(starts[-1]), dtype=np.int32)
    prompts = np.array([round(PROMPT_SHARE * size) for size in sizes], np.int32)
    np.savez(path, tokens=tokens, starts=starts, prompts=prompts, learn_prompt=np.array(False))
    return path


def base(folder: Path, shape: Shape, positions: int, precision: str) -> Path:
    """Random weights, with a tokenizer that is never asked."""
    import torch
    from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

    from codem.tiny_tokenizer import build

    tokenizer = build(["def f(x):\n    return x\n"], 300, positions)
    config = GPTBigCodeConfig(
        vocab_size=shape.vocabulary, n_positions=positions, n_embd=shape.width, n_layer=shape.layers,
        n_head=shape.heads, n_inner=shape.ffn, multi_query=True, bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[precision]
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = GPTBigCodeForCausalLM(config).to(dtype)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def config(args: argparse.Namespace, packing: bool) -> FineTuning:
    return FineTuning(
        lr=2e-5, schedule="cosine", warmup_steps=30, batch_per_gpu=args.batch, grad_accumulation=args.accumulation,
        gpus=1, precision=args.precision, epochs=1.0, max_steps=WARM_UP_STEPS + args.steps,
        max_tokens=LONGEST // args.scale, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, weight_decay=0.0,
        max_grad_norm=1.0, dropout=0.0, learn_prompt=False, packing=packing,
        gradient_checkpointing=args.checkpointing, checkpoint_steps=1_000_000,
    )  # fmt: skip


def measured(job: Job, attention: str | None) -> dict[str, Any]:
    """Of one training: seconds of each counted step, tokens and learned tokens of all, and the peak of GPU memory."""
    import torch

    from codem.fit import fit

    def chosen(model: Any) -> Any:
        if attention:
            model.set_attn_implementation(attention)
        return model

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    job.metrics.unlink(missing_ok=True)
    record = fit(job, prepare=chosen)
    lines = [json.loads(line) for line in job.metrics.read_text().splitlines()]
    start, end = lines[WARM_UP_STEPS - 1], lines[-1]
    return {
        "seconds": [line["seconds"] for line in lines[WARM_UP_STEPS:]],
        "tokens": end["tokens"] - start["tokens"],
        "learned_tokens": end["learned_tokens"] - start["learned_tokens"],
        "passes_per_step": record["passes_per_step"],
        "peak_gpu_gb": torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0,
    }


def compared(args: argparse.Namespace, work: Path) -> dict[str, Any]:
    from codem.job import Job

    shape, positions = shape_of(args.shape), LONGEST // args.scale
    sizes = lengths(args.scale)
    job = Job(
        base=str(base(work / "base", shape, positions, args.precision)), revision=None,
        tokens=corpus(work / "corpus.npz", sizes, shape.vocabulary), config=config(args, True), method="sft",
        deepspeed={"zero_optimization": {"stage": args.zero}}, seed=0, checkpoint=work / "checkpoint",
        model=work / "model", metrics=work / "metrics.jsonl",
    )  # fmt: skip
    sides = {"both": [True, False], "packed": [True], "padded": [False]}[args.side]
    rounds: dict[bool, list[dict[str, Any]]] = {side: [] for side in sides}
    for number in range(args.rounds):
        for packing in sides if number % 2 == 0 else sides[::-1]:  # neither side always goes first
            one = dataclasses.replace(job, config=config(args, packing))
            rounds[packing].append(measured(one, args.attention))
            _clear(work)
    result: dict[str, Any] = {
        "lengths": {
            "median": statistics.median(sizes),
            "mean": round(statistics.mean(sizes), 1),
            "used_up_to": positions,
            "left_out": sum(size > positions for size in sizes),
        }
    }
    for packing in sides:
        result["packed" if packing else "padded"] = _summary(rounds[packing], args, shape, sizes)
    if len(sides) == 2:
        totals = {side: [sum(r["seconds"]) for r in rounds[side]] for side in sides}
        result = {
            "packed_over_padded": round(_seconds(rounds[False]) / _seconds(rounds[True]), 3),
            "rounds": [round(padded / packed, 3) for packed, padded in zip(totals[True], totals[False], strict=True)],
            **result,
        }
    return result


def _seconds(rounds: list[dict[str, Any]]) -> float:
    """Of all counted steps, each at the median of its rounds."""
    return sum(statistics.median(times) for times in zip(*(r["seconds"] for r in rounds), strict=True))


def _summary(rounds: list[dict[str, Any]], args: argparse.Namespace, shape: Shape, sizes: list[int]) -> dict:
    import torch

    seconds = _seconds(rounds)
    speed = rounds[0]["tokens"] / seconds
    used = [size for size in sizes if size <= LONGEST // args.scale]
    found: dict[str, float | None] = {
        "tokens_per_s": round(speed, 1),
        "learned_tokens_per_s": round(rounds[0]["learned_tokens"] / seconds, 1),
        "passes_per_step": rounds[0]["passes_per_step"],
    }
    if torch.cuda.is_available():
        # Squared lengths per token, of the corpus: a training's sample of it differs little.
        squares = sum(size**2 for size in used) / sum(used)
        flop_per_token = flops_per_token(shape, config(args, packing=True), squares)
        peak = args.peak_tflops or plan.peak_tflops(torch.cuda.get_device_name())
        found["peak_gpu_gb"] = round(max(r["peak_gpu_gb"] for r in rounds), 1)
        found["mfu"] = round(speed * flop_per_token / (peak * 1e12), 4) if peak else None
        found["peak_tflops_used"] = peak
    return found


def _clear(work: Path) -> None:
    import shutil

    for name in ("checkpoint", "model"):
        shutil.rmtree(work / name, ignore_errors=True)


def machine() -> dict[str, Any]:
    import deepspeed
    import torch
    import transformers

    return {
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "deepspeed": deepspeed.__version__,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON; else indented")
    parser.add_argument("--shape", choices=SHAPES, default="tiny", help="all but tiny need a GPU")
    parser.add_argument("--side", choices=("both", "packed", "padded"), default="both")
    parser.add_argument("--precision", choices=("fp16", "bf16", "fp32"), help="default: fp32 on a CPU, bf16 on a GPU")
    parser.add_argument("--attention", choices=("eager", "sdpa", "packed"), help="default: packed or, padded, sdpa")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--accumulation", type=int, default=4)
    parser.add_argument("--scale", type=int, help="divides the lengths; default: 8 for tiny, else 1")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60, help="counted steps of one training")
    parser.add_argument("--zero", type=int, choices=(0, 1, 2, 3), default=2)
    parser.add_argument("--checkpointing", action=argparse.BooleanOptionalAction, help="default: all but tiny")
    parser.add_argument("--peak-tflops", type=float, help="of a GPU that is not in the list of this file")
    args = parser.parse_args()
    import torch

    if args.shape != "tiny" and not torch.cuda.is_available():
        print(f"no GPU here: --shape {args.shape} is not measured", file=sys.stderr)
        return 2
    args.precision = args.precision or ("bf16" if torch.cuda.is_available() else "fp32")
    args.scale = args.scale or (8 if args.shape == "tiny" else 1)
    args.checkpointing = args.shape != "tiny" if args.checkpointing is None else args.checkpointing
    if args.attention == "packed" and args.side != "packed":
        parser.error("--attention packed: expected --side packed, because padded rows have no boundaries")
    with tempfile.TemporaryDirectory() as folder:
        result = compared(args, Path(folder)) | {"settings": vars(args), "machine": machine()}
    print(json.dumps(result, indent=None if args.json else 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
