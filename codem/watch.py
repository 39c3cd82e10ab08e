"""What is seen of a training run while it runs: metrics.jsonl, the progress line, and a stop when it goes wrong.

A run is stopped, with a message that says what to try, when it could only waste time: the loss is not a number, fp16
overflows at every scale, no gradient arrives, or the weights have not moved. What one step of fp16 training says:

    loss_scale       what the loss was multiplied by, so that small gradients survive fp16
    skipped_steps    steps, so far, that taught nothing: a gradient overflowed, and the scale was lowered instead
    lr               of this very step; the schedule stands still while steps are skipped
"""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codem.deepspeed_setup import is_first_rank
from codem.errors import StageError

if TYPE_CHECKING:
    from codem.job import Job
    from codem.packing import Plan

SKIPPED_IN_A_ROW = 20
"""From the first loss scale, 2^16, down to 1 it takes 17: after more than that, no scale will help."""
NO_GRADIENT_IN_A_ROW = 3
TIMES = ("seconds", "tokens_per_s", "learned_tokens_per_s", "peak_gpu_mb")
"""Fields of a line of metrics.jsonl that differ between two equal runs."""


def watcher(job: Job, plan: Plan) -> Any:
    """A TrainerCallback; set its `trainer` once there is one. `plan` knows the tokens of every step.

    Its `result()` is what the record keeps of the run's health.
    """
    from transformers import TrainerCallback

    class Watcher(TrainerCallback):
        trainer: Any = None

        def __init__(self) -> None:
            self.health = Health(job.config.precision)
            self.began = time.monotonic()
            self.first_step = 0
            self.weights = 0
            self.lr: float | None = None

        def on_train_begin(self, args, state, control, **kwargs):
            self.first_step, self.weights = state.global_step, _checksum(self.trainer.model)
            self.health.skipped = self.trainer.model_wrapped.skipped_steps
            self.health.losses = [entry["loss"] for entry in state.log_history if "loss" in entry]

        def on_step_begin(self, args, state, control, lr_scheduler=None, **kwargs):
            self.began, self.lr = time.monotonic(), float(lr_scheduler.get_last_lr()[0])

        def on_step_end(self, args, state, control, **kwargs):
            job.report(state.global_step, state.max_steps, "")

        def on_log(self, args, state, control, logs=None, **kwargs):
            if "loss" not in (logs or {}):
                return
            engine, step = self.trainer.model_wrapped, state.global_step
            seconds = max(time.monotonic() - self.began, 1e-9)
            line = {
                "step": step,
                "tokens": plan.tokens[step],
                "learned_tokens": plan.learned[step],
                "loss": logs["loss"],
                "lr": self.lr,
                "grad_norm": None if engine.skipped_steps > self.health.skipped else logs.get("grad_norm"),
                "loss_scale": _loss_scale(engine),
                "skipped_steps": engine.skipped_steps,
                "seconds": round(seconds, 4),
                "tokens_per_s": round((plan.tokens[step] - plan.tokens[step - 1]) / seconds, 1),
                "learned_tokens_per_s": round((plan.learned[step] - plan.learned[step - 1]) / seconds, 1),
                **_peak_memory(),
            }
            if is_first_rank():
                with open(job.metrics, "a", encoding="utf-8") as f:
                    f.write(json.dumps({k: _in_json(v) for k, v in line.items()}, allow_nan=False) + "\n")
            # In every process: the numbers are the same in all, and one that stopped alone would leave the others
            # waiting.
            self.health.look_at(line, _lowest_scale(engine))

        def on_train_end(self, args, state, control, **kwargs):
            finished = state.global_step >= state.max_steps > self.first_step
            if finished and not _on_any_process(_checksum(self.trainer.model) != self.weights, args.device):
                raise StageError(self.health.nothing_learned(self.lr))
            if finished and is_first_rank() and (warning := self.health.warning()):
                print(f"  warning: {warning}", flush=True)

        def result(self) -> dict[str, Any]:
            model = self.trainer.model
            sizes = [(getattr(p, "ds_numel", p.numel()), p.requires_grad) for p in model.parameters()]
            return {
                "learning_parameters": sum(size for size, learns in sizes if learns),
                "frozen_parameters": sum(size for size, learns in sizes if not learns),
                "skipped_steps": self.health.skipped,
                "warning": self.health.warning(),
            }

    return Watcher()


class Health:
    """What the steps so far say about a run."""

    def __init__(self, precision: str):
        self.precision = precision
        self.losses: list[float] = []
        self.skipped = 0
        self.skipped_in_a_row = 0
        self.no_gradient_in_a_row = 0

    def look_at(self, line: dict[str, Any], lowest_scale: float | None) -> None:
        """Raises StageError when going on would be a waste. `line` is the step's line of metrics.jsonl."""
        at = f"step {line['step']}"
        self.losses.append(line["loss"])
        if not math.isfinite(line["loss"]):
            raise StageError(f"{at}: the loss is {line['loss']}; try a lower method.lr{self._wider()}")
        skipped = line["skipped_steps"] > self.skipped
        self.skipped = line["skipped_steps"]
        self.skipped_in_a_row = self.skipped_in_a_row + 1 if skipped else 0
        if skipped and lowest_scale is not None and line["loss_scale"] <= lowest_scale:
            raise StageError(
                f"{at}: gradients overflow fp16 although the loss scale has fallen to its minimum, "
                f"{line['loss_scale']:g}; {self.skipped} steps were skipped; try a lower method.lr{self._wider()}"
            )
        if self.skipped_in_a_row >= SKIPPED_IN_A_ROW:
            raise StageError(
                f"{at}: {self.skipped_in_a_row} steps in a row were skipped, because gradients overflow fp16 at the "
                f"loss scale {line['loss_scale']:g}; try a dynamic loss scale, a lower method.lr{self._wider()}"
            )
        self.no_gradient_in_a_row = self.no_gradient_in_a_row + 1 if line["grad_norm"] == 0 else 0
        if self.no_gradient_in_a_row >= NO_GRADIENT_IN_A_ROW:
            raise StageError(
                f"{at}: the gradient has been exactly 0 for {NO_GRADIENT_IN_A_ROW} steps: nothing that is learned "
                f"reaches the weights; look at the learned tokens of the corpus, and at what method= lets learn"
            )

    def nothing_learned(self, lr: float | None) -> str:
        steps = len(self.losses)
        if self.skipped >= steps:
            why = f"fp16 overflow skipped every step; more steps let the loss scale fall further{self._wider()}"
        elif not lr:
            why = "its steps were all warm-up with a learning rate of 0; give method.warmup_steps=0, or more steps"
        else:
            why = f"the changes are smaller than {self.precision} can hold; try a higher method.lr"
        return f"after {steps} step{'s' if steps > 1 else ''} no weight has changed: {why}"

    def warning(self) -> str | None:
        """Of a run that ended, and may have learned nothing all the same."""
        part = len(self.losses) // 5
        if part < 4:  # too few to tell from chance
            return None
        first, last = (sum(some) / part for some in (self.losses[:part], self.losses[-part:]))
        if last < first:
            return None
        return (
            f"the loss did not fall: {first:.4f} in the first fifth of the steps, {last:.4f} in the last; "
            f"the model may have learned nothing"
        )

    def _wider(self) -> str:
        return ", or method.precision=bf16 where the hardware has it" if self.precision == "fp16" else ""


def forget_after(metrics: Path, step: int) -> None:
    """A killed run logged steps that it will now make again."""
    if not metrics.exists():
        return
    kept = []
    for line in metrics.read_text("utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError):
            continue  # torn by the kill
    temporary = metrics.with_name(metrics.name + ".tmp")
    temporary.write_text("".join(kept), "utf-8")
    os.replace(temporary, metrics)


def _in_json(value: Any) -> Any:
    """JSON has no infinity and no NaN: null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _loss_scale(engine: Any) -> float | None:
    return float(engine.optimizer.loss_scale) if engine.fp16_enabled() else None


def _lowest_scale(engine: Any) -> float | None:
    if not (engine.fp16_enabled() and engine.dynamic_loss_scale()):
        return None
    return float(engine.dynamic_loss_scale_args()["min_scale"])


def _peak_memory() -> dict[str, int]:
    import torch

    return {"peak_gpu_mb": torch.cuda.max_memory_allocated() >> 20} if torch.cuda.is_available() else {}


def _checksum(model: Any) -> int:
    """Of all weights that learn; of this process's part of them, where ZeRO-3 has parted them."""
    import torch

    total = 0
    for parameter in model.parameters():
        if parameter.requires_grad:
            mine = getattr(parameter, "ds_tensor", parameter).detach().flatten()
            integer = {2: torch.int16, 4: torch.int32}[mine.element_size()]
            for piece in mine.split(1 << 24):  # because of the copies that follow
                bits = (piece + 0.0).view(integer)  # -0 becomes 0, to which it is equal
                # Squared, because steps up and down by one bit would cancel in a sum.
                total += int(bits.long().square().sum())
    return total


def _on_any_process(true_here: bool, device: Any) -> bool:
    import torch
    import torch.distributed as dist

    flag = torch.tensor([int(true_here)], device=device)
    if dist.is_initialized():
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    return bool(flag.item())
