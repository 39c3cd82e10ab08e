"""vLLM, where there is a GPU and the optional package: `pip install -e '.[vllm]'`, then `engine=vllm`.

It batches by itself, so an answer may depend on what else was being answered. A prompt that ends inside a token is
continued as everywhere in codem (codem/decoding.py): the first tokens, one request each, are held to spell the prompt's
end. vLLM knows stop strings and not where a function ends; its answers are cut there afterwards, by the code that the
default engine asks after every token, so both keep the same text of the same tokens.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from codem.batching import Row
from codem.decoding import Vocabulary
from codem.engine import Key, Request
from codem.errors import StageError
from codem.knob import knob
from codem.records import Sample
from codem.settings import Decode

DTYPES = {"auto": "float16", "fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Config:
    dtype: str = knob("auto", choices=tuple(DTYPES))
    """auto: fp16, as the default engine has on a GPU."""
    batch_tokens: int = knob(8192, least=1)
    """Tokens that one step of the scheduler may read or write."""
    gpu_memory_share: float = knob(0.9, above=0)
    """Of each GPU's memory, for weights and cache together; vLLM takes all of it at once."""
    gpus: int = knob(1, least=1)
    """The model's layers are split over so many (tensor parallelism)."""
    answers_at_once: int = knob(1024, least=1)
    """Answers of one call: as many are written to samples.jsonl together, and are lost together by a kill."""


def lacks() -> str:
    """What must be done before this engine can be used; empty when nothing must."""
    if importlib.util.find_spec("vllm") is not None:
        return ""
    return (
        "engine=vllm: expected the package vllm, found none; pip install -e '.[vllm]' (it needs a GPU), "
        "or take engine=transformers"
    )


def load(folder: str, revision: str | None, decode: Decode, config: Config) -> Vllm:
    """Raises StageError when the package is not there, or refuses the model."""
    if missing := lacks():
        raise StageError(missing)
    import vllm
    from transformers import AutoTokenizer

    try:
        llm = vllm.LLM(
            model=folder,
            revision=revision,
            tokenizer_revision=revision,
            dtype=DTYPES[config.dtype],
            max_num_batched_tokens=config.batch_tokens,
            gpu_memory_utilization=config.gpu_memory_share,
            tensor_parallel_size=config.gpus,
        )
    except (ValueError, RuntimeError) as e:
        raise StageError(f"vLLM could not load {folder}: {e}; engine=transformers may") from e
    return Vllm(llm, AutoTokenizer.from_pretrained(folder, revision=revision), decode, config)


@dataclass
class _Answer:
    """One answer under way."""

    row: Row
    given: list[int]
    """Tokens of the prompt, then those that spell its end."""
    limit: int
    """Tokens that may still come."""


class Vllm:
    """An Engine (codem/engine.py)."""

    def __init__(self, llm: Any, tokenizer: Any, decode: Decode, config: Config):
        self.llm, self.decode, self.config = llm, decode, config
        self.vocabulary = Vocabulary(tokenizer)
        self.room = int(llm.llm_engine.model_config.max_model_len)

    def describe(self) -> dict[str, Any]:
        import torch
        import vllm

        return {
            "name": "vllm",
            "version": vllm.__version__,
            "torch": torch.__version__,
            "dtype": DTYPES[self.config.dtype],
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "not known",
            "gpus": self.config.gpus,
            "batch_tokens": self.config.batch_tokens,
            "answers_at_once": self.config.answers_at_once,
            "batch_invariant": False,
        }

    def complete(self, requests: Sequence[Request], have: Collection[Key] = ()) -> Iterator[list[Sample]]:
        """Only what is missing is asked for: what shares a batch is vLLM's choice, so no run can repeat another's."""
        missing = [request for request in requests if request.key not in set(have)]
        answers = sorted(map(self._answer, missing), key=lambda a: (-len(a.given), a.row.request.key))
        for at in range(0, len(answers), self.config.answers_at_once):
            yield list(self._answered(answers[at : at + self.config.answers_at_once]))

    def _answer(self, request: Request) -> _Answer:
        prompt = self.vocabulary.prompt(request.prompt)
        limit = min(self.decode.max_tokens, self.room - len(prompt.tokens))
        if limit < 1:
            raise StageError(
                f"{request.problem}: a prompt of {len(prompt.tokens)} tokens leaves no room in the model's context "
                f"of {self.room} tokens; take a base model with a longer context"
            )
        return _Answer(Row(request, prompt, self.vocabulary, limit), list(prompt.tokens), limit)

    def _answered(self, answers: Sequence[_Answer]) -> Iterator[Sample]:
        going = list(answers)
        while held := [a for a in going if a.row.left]:  # their next token must spell more of the prompt's end
            for answer, (tokens, eos) in zip(held, self._ask(held), strict=True):
                answer.row.take(tokens[0], eos)
                answer.given.append(tokens[0])
                answer.limit -= 1
            going = [a for a in going if not a.row.finish]
        for answer, (tokens, eos) in zip(going, self._ask(going), strict=True):
            if not any(answer.row.take(token, eos) for token in tokens):
                answer.row.finish = "length"
        yield from (a.row.sample() for a in answers)

    def _ask(self, answers: Sequence[_Answer]) -> list[tuple[list[int], set[int]]]:
        """The tokens that came for each, and which of them end the text."""
        if not answers:
            return []
        import vllm

        prompts = [{"prompt_token_ids": a.given} for a in answers]
        params = [vllm.SamplingParams(**self._params(a)) for a in answers]
        outputs = self.llm.generate(prompts, params, use_tqdm=False)
        found = []
        for output in outputs:
            first = output.outputs[0]
            tokens = list(first.token_ids)
            # `stop` with a string: one of ours was written; without: the model ended the text with its last token
            by_model = first.finish_reason == "stop" and not isinstance(first.stop_reason, str)
            found.append((tokens, set(tokens[-1:]) if by_model else set()))
        return found

    def _params(self, answer: _Answer) -> dict[str, Any]:
        params: dict[str, Any] = {
            "temperature": self.decode.temperature,
            "top_p": self.decode.top_p,
            "max_tokens": answer.limit,
            "stop": list(self.decode.stop),
            "include_stop_str_in_output": True,
        }
        if self.decode.temperature > 0:
            # another seed for each request of an answer, else their first numbers would be the same
            params["seed"] = (answer.row.request.draw_seed + answer.limit) % LARGEST_SEED
        if answer.row.left:
            params |= {"max_tokens": 1, "stop": [], "allowed_token_ids": self.vocabulary.toward(answer.row.left)}
        return params
