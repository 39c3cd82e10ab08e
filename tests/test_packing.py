"""What a step learns from does not depend on processes or packing, and nothing is lost, doubled or cut on the way."""

from __future__ import annotations

import dataclasses
import random
import time
from collections import Counter

import pytest

from codem.errors import StageError
from codem.fine_tuning import FineTuning
from codem.packing import IGNORE, Example, Plan, collate_packed, collate_padded, plan

CONFIG = FineTuning(
    lr=1e-5, schedule="cosine", warmup_steps=0, batch_per_gpu=2, grad_accumulation=4, gpus=2, precision="fp32",
    epochs=2.0, max_steps=None, max_tokens=64, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, weight_decay=0.0,
    max_grad_norm=1.0, dropout=0.0, learn_prompt=False, packing=True, gradient_checkpointing=False,
    checkpoint_steps=1,
)  # fmt: skip
ROW = 64


def lengths(count: int, longest: int = ROW, seed: int = 0) -> list[int]:
    rng = random.Random(seed)
    return [min(longest, max(1, round(rng.lognormvariate(2.5, 0.8)))) for _ in range(count)]


def planned(sizes: list[int], processes: int = 1, seed: int = 0, **changes) -> Plan:
    learned = [size // 2 for size in sizes]
    return plan(sizes, learned, dataclasses.replace(CONFIG, **changes), ROW, processes, seed)


def examples_of(made: Plan) -> list[list[int]]:
    """Of each step, sorted."""
    return [sorted(i for members in made.step(k) for i in members) for k in range(made.steps)]


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_step_has_the_same_examples_however_they_lie(packing: bool, processes: int) -> None:
    sizes = lengths(150)
    made = planned(sizes, processes, packing=packing)
    assert examples_of(made) == examples_of(planned(sizes))
    assert all(len(step) == 16 for step in examples_of(made)[:-1])
    assert len(made.passes) == made.steps * made.accumulation * processes
    assert made.tokens == planned(sizes).tokens and made.learned == planned(sizes).learned


@pytest.mark.parametrize("packing", [True, False])
def test_every_epoch_has_every_example_once_in_another_order(packing: bool) -> None:
    sizes = lengths(150)
    seen = [i for step in examples_of(planned(sizes, packing=packing)) for i in step]
    assert Counter(seen) == Counter(dict.fromkeys(range(150), 2))
    unpacked = planned(sizes, packing=False)
    order = [i for members in unpacked.passes for i in members]
    assert sorted(order[:150]) == sorted(order[150:]) == list(range(150))
    assert order[:150] != order[150:] and order[:150] != sorted(order[:150])


def test_what_an_epoch_leaves_over_joins_the_next_and_only_the_last_step_is_short() -> None:
    counts = [len(step) for step in examples_of(planned(lengths(150)))]
    assert counts == [16] * 18 + [12]


def test_fractions_of_epochs_and_numbers_of_steps_are_kept() -> None:
    sizes = lengths(100)
    half = planned(sizes, epochs=0.5)
    assert sum(map(len, examples_of(half))) == 50 == len({i for step in examples_of(half) for i in step})
    assert sum(map(len, examples_of(planned(sizes, epochs=1.3)))) == 130
    steps = examples_of(planned(sizes, max_steps=9))
    assert len(steps) == 9 and all(len(step) == 16 for step in steps)
    tiny = examples_of(planned(sizes[:3], max_steps=2))
    assert [len(step) for step in tiny] == [16, 16]


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
def test_no_pass_is_longer_than_its_room_and_no_more_are_made_than_the_fullest_step_needs(processes: int) -> None:
    sizes = lengths(300)
    made = planned(sizes, processes)
    loads = [sum(sizes[i] for i in members) for members in made.passes]
    assert max(loads) <= 2 * ROW
    room = 2 * ROW * processes
    fullest = max(b - a for a, b in zip(made.tokens, made.tokens[1:], strict=False))
    assert made.accumulation <= -(-fullest // room) + 1
    for number in range(made.steps):
        at = range(number * made.accumulation * processes, (number + 1) * made.accumulation * processes)
        taken = sum(not made.is_skipped(k) for k in at) // processes
        assert taken <= -(-(made.tokens[number + 1] - made.tokens[number]) // room) + 1
        assert not made.is_skipped(at[-1])
    padded = planned(sizes, processes, packing=False)
    assert made.accumulation <= padded.accumulation


def test_passes_of_the_same_time_are_about_equally_long() -> None:
    sizes = lengths(400)
    made = planned(sizes, 4)
    for at in range(0, len(made.passes) - 4 * made.accumulation, 4):
        loads = [sum(sizes[i] for i in members) for members in made.passes[at : at + 4]]
        assert max(loads) - min(loads) <= max(sizes)


def test_equal_arguments_give_an_equal_plan_and_another_seed_another() -> None:
    sizes = lengths(80)
    assert planned(sizes, 2) == planned(sizes, 2)
    assert examples_of(planned(sizes, seed=1)) != examples_of(planned(sizes, seed=2))


def test_what_is_too_long_is_named_and_not_cut() -> None:
    made = planned([10, ROW, ROW + 1, 5, 200], epochs=1)
    assert made.too_long == [2, 4] and made.examples == 3
    assert examples_of(made) == [[0, 1, 3]]
    assert made.tokens == [0, 10 + ROW + 5]
    with pytest.raises(StageError, match=r"2 examples, and none fits into 64 tokens; raise method\.max_tokens"):
        planned([ROW + 1, 500])


def test_processes_that_cannot_share_a_step_are_refused() -> None:
    for packing in (True, False):
        with pytest.raises(StageError, match="3 processes cannot share evenly"):
            planned(lengths(20), 3, packing=packing)


def test_the_largest_corpus_of_the_paper_is_laid_out_in_seconds() -> None:
    sizes = [min(2048, max(16, round(random.Random(i).lognormvariate(5.3, 1.0)))) for i in range(108_000)]
    config = dataclasses.replace(CONFIG, gpus=8, epochs=3.0, max_tokens=2048)
    started = time.process_time()
    made = plan(sizes, sizes, config, 2048, 8, 0)
    assert time.process_time() - started < 60  # a guard against quadratic work; it takes about three
    assert made.tokens[-1] == 3 * sum(sizes)


def test_labels_are_the_learned_tokens_but_never_an_examples_first() -> None:
    pytest.importorskip("torch")
    batch = collate_packed([Example((7, 8, 9), (False, True, True)), Example((5, 6), (True, True))], pad_token_id=0)
    assert batch["input_ids"].tolist() == [[7, 8, 9, 5, 6]]
    assert batch["labels"].tolist() == [[IGNORE, 8, 9, IGNORE, 6]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert batch["cu_seq_lens_q"].tolist() == [0, 3, 5] and batch["max_length_q"] == 3


def test_only_learned_tokens_need_logits() -> None:
    pytest.importorskip("torch")
    examples = [Example((7, 8, 9), (False, True, True)), Example((5, 6), (True, True)), Example((4,), (True,))]
    batch = collate_packed(examples, pad_token_id=0, learned_only=True)
    assert batch["logits_to_keep"].tolist() == [0, 1, 3]
    assert batch["shift_labels"].tolist() == [[8, 9, 6]]
    nothing = collate_packed([], pad_token_id=0, learned_only=True)
    assert nothing["logits_to_keep"].tolist() == [0] and nothing["shift_labels"].tolist() == [[IGNORE]]


def test_padded_rows_mark_their_padding() -> None:
    pytest.importorskip("torch")
    batch = collate_padded([Example((7, 8, 9), (False, True, True)), Example((5, 6), (True, True))], pad_token_id=6)
    assert batch["input_ids"].tolist() == [[7, 8, 9], [5, 6, 6]]
    assert batch["labels"].tolist() == [[IGNORE, 8, 9], [IGNORE, 6, IGNORE]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize("collate", [collate_packed, collate_padded])
def test_an_empty_pass_has_nothing_to_learn(collate) -> None:
    pytest.importorskip("torch")
    batch = collate([], pad_token_id=3)
    assert batch["input_ids"].tolist() == [[3]] and batch["labels"].tolist() == [[IGNORE]]
