"""Tokens per second of generation: codem's engine against transformers' own `generate`, one prompt at a time.

python benchmarks/generation.py --json --data-dir ../data      # 7 x 164 prompts of humaneval-multi
python benchmarks/generation.py --json                         # without the files: the embedded benchmark alone
python benchmarks/generation.py --json --shape 7b              # on a GPU: random weights of StarCoder's shape

Both sides run in one process with the same model, prompts, stop rules and limit of new tokens, taking turns.
`outputs_equal` is true only if every text is the same. Of the embedded models, `random` has four layers, 128 wide, and
hardly ever ends by itself; `trained` is the embedded base, on the embedded benchmark.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from codem import bases, config, generate, plugins
from codem.decoding import Growing, Prompt
from codem.engine import Request
from codem.engines.transformers import Config, Transformers
from codem.quiet import quiet
from codem.settings import Decode

SHAPES = ("1b", "3b", "7b")
"""Of conf/base/starcoder-<shape>.yaml."""
SLICES = 4
"""Both sides take turns, a slice of the prompts each: what else the machine does then slows both alike."""
WARM_UP = 4
"""Prompts that each side answers before the clock starts."""


def requests(bench: str, data_dir: Path | None, problems: int | None, max_tokens: int) -> list[Request]:
    module = plugins.load("benchmarks", bench)
    overrides = [f"bench={bench}", f"decode.max_tokens={max_tokens}", f"eval_lang=[{','.join(module.LANGUAGES)}]"]
    (cell,) = config.cells([*overrides, *([f"data_dir='{data_dir}'"] if data_dir else [])])
    return [request for lang in cell.eval_lang for request in generate.requests(cell, lang)[:problems]]


def random_model(layers: int, width: int, heads: int, vocabulary: int, dtype: Any, device: str) -> Any:
    import torch
    from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

    torch.manual_seed(0)
    shape = GPTBigCodeConfig(
        vocab_size=vocabulary, n_positions=2048, n_embd=width, n_layer=layers, n_head=heads, n_inner=4 * width,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    with torch.device(device):
        return GPTBigCodeForCausalLM(shape).to(dtype).eval()


Answers = dict[tuple[str, int], str]


def batched(engine: Transformers, wanted: Sequence[Request]) -> tuple[Answers, int]:
    """Texts, and how many tokens they have."""
    before = engine.written
    texts = {(s.problem, s.sample): s.text for some in engine.complete(wanted) for s in some}
    return texts, engine.written - before


def one_by_one(engine: Transformers, wanted: Sequence[Request]) -> tuple[Answers, int]:
    """The library's own loop, with the two things that an answer needs: the prompt's end is spelled first, and the
    stopper is asked after each token."""
    import torch

    texts: Answers = {}
    written = 0
    model, vocabulary = engine.model, engine.vocabulary
    for request in wanted:
        prompt = vocabulary.prompt(request.prompt)
        ids = torch.tensor([prompt.tokens], device=model.device)
        rules = _Rules(engine, request, prompt)
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=engine.decode.max_tokens,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=sorted(engine.eos),
            logits_processor=[rules.hold],
            stopping_criteria=[rules.ended],
        )
        tokens = out[0, ids.shape[1] :].tolist()
        if tokens and tokens[-1] in engine.eos:
            tokens.pop()
        written += len(tokens)
        texts[request.key] = vocabulary.spelled(tokens)[len(prompt.tail) :]
    return texts, written


class _Rules:
    """The two rules of one answer, as the library's loop asks for them."""

    def __init__(self, engine: Transformers, request: Request, prompt: Prompt):
        self.engine, self.request, self.prompt = engine, request, prompt
        self.grown = Growing(engine.vocabulary)

    def hold(self, ids: Any, scores: Any) -> Any:
        """scores: (1, V)."""
        if left := self.prompt.tail[len(self.grown.text) :]:
            allowed = self.engine.vocabulary.toward(left)
            kept = scores[:, allowed].clone()
            scores[:] = float("-inf")
            scores[:, allowed] = kept
        return scores

    def ended(self, ids: Any, scores: Any, **_: Any) -> Any:
        """ids: (1, T)."""
        import torch

        token = int(ids[0, -1])
        over = token in self.engine.eos
        if not over:
            self.grown.add(token)
            answer = self.grown.text[len(self.prompt.tail) :]
            over = bool(answer) and self.request.stopper.ended(answer)
        return torch.tensor([over], device=ids.device)


def compare(engine: Transformers, wanted: Sequence[Request], alone: int | None) -> dict[str, Any]:
    """alone: how many of the prompts are answered one by one, spread evenly; None: all."""
    few = wanted if alone is None else wanted[:: max(1, len(wanted) // alone)][:alone]
    batched(engine, wanted[:WARM_UP])
    one_by_one(engine, wanted[:WARM_UP])
    many, single = _Side(), _Side()
    for at in range(SLICES):
        many.answer(batched, engine, wanted[at::SLICES])
        single.answer(one_by_one, engine, few[at::SLICES])
    differ = [key for key, text in single.texts.items() if many.texts[key] != text]
    return {
        "batched_over_single": round(many.tokens / many.wall_s / (single.tokens / single.wall_s), 2),
        "batched_over_single_per_cpu_s": round(many.tokens / many.cpu_s / (single.tokens / single.cpu_s), 2),
        "outputs_equal": not differ,
        "differ": len(differ),
        "prompts": len(wanted),
        "prompts_single": len(few),
        "tokens": many.tokens,
        "batched_tokens_per_s": round(many.tokens / many.wall_s, 1),
        "single_tokens_per_s": round(single.tokens / single.wall_s, 1),
        "batched_s": round(many.wall_s, 2),
        "single_s": round(single.wall_s, 2),
        "max_tokens": engine.decode.max_tokens,
        "engine": engine.describe(),
    }


class _Side:
    """What one side has answered, and how long it took."""

    def __init__(self) -> None:
        self.texts: Answers = {}
        self.tokens = 0
        self.wall_s = self.cpu_s = 0.0

    def answer(self, way: Callable[..., tuple[Answers, int]], engine: Transformers, wanted: Sequence[Request]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        texts, tokens = way(engine, wanted)  # the texts are here, so a GPU has nothing left to do
        self.wall_s += time.perf_counter() - wall
        self.cpu_s += time.process_time() - cpu
        self.texts |= texts
        self.tokens += tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON; without it, indented")
    parser.add_argument("--data-dir", type=Path, help="a folder with the published benchmarks' files")
    parser.add_argument("--problems", type=int, help="of each language; default: all")
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--batch-tokens", type=int, help="default: 32768 on a CPU, the engine's own with --shape")
    parser.add_argument("--single", type=int, help="prompts that are answered one by one; default: all")
    parser.add_argument("--shape", choices=SHAPES, help="on a GPU: random weights of this size")
    parser.add_argument("--dtype", choices=("fp16", "bf16"), default="fp16", help="of --shape")
    args = parser.parse_args()
    with quiet():
        print(json.dumps(measured(args), indent=None if args.json else 1))


def measured(args: argparse.Namespace) -> dict[str, Any]:
    import torch

    (cell,) = config.cells(["lang=none"])
    base = bases.locate(cell).ensured(cell)
    tokenizer = bases.tokenizer(base, None)
    decode = Decode("greedy", max_tokens=args.max_tokens)
    bench = "humaneval-multi" if args.data_dir else "mini"
    wanted = requests(bench, args.data_dir, args.problems, args.max_tokens)
    result: dict[str, Any] = {"machine": platform.processor() or platform.machine(), "threads": torch.get_num_threads()}
    if args.shape and not torch.cuda.is_available():
        return {**result, "shape": args.shape, "not_measured": "no GPU here"}
    if args.shape:
        dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}[args.dtype]
        (named,) = config.cells([f"base=starcoder-{args.shape}", "launch.dry_run=true"])
        shape = named.base.shape
        assert shape is not None
        model = random_model(shape.layers, shape.width, shape.heads, shape.vocabulary, dtype, "cuda")
        big = Transformers(model, tokenizer, decode, Config(args.dtype, args.batch_tokens or Config().batch_tokens))
        found = compare(big, wanted, args.single)
        return {**found, **result, "bench": bench, "shape": args.shape, "peak_gb": _peak_gb()}
    random = Transformers(
        random_model(4, 128, 4, len(tokenizer), torch.float32, "cpu"), tokenizer, decode,
        Config("fp32", args.batch_tokens or 32768),
    )  # fmt: skip
    found = compare(random, wanted, args.single)
    from transformers import AutoModelForCausalLM

    trained = Transformers(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval(), tokenizer, decode,
        Config("fp32", args.batch_tokens or 32768),
    )  # fmt: skip
    embedded = compare(trained, requests("mini", None, args.problems, args.max_tokens), args.single)
    found["outputs_equal"] = found["outputs_equal"] and embedded["outputs_equal"]
    return {
        **found,
        **result,
        "bench": bench,
        "model": "random",
        "trained": embedded,
        "gpu": "not measured: see --shape",
    }


def _peak_gb() -> float:
    import torch

    return round(torch.cuda.max_memory_allocated() / 1e9, 1)


if __name__ == "__main__":
    main()
