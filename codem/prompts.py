"""The two prompts of the CodeM report, byte for byte, shared by training and by generation.

Figure 2 (instruction tuning) says "paired with an input that provides further context" although no input follows;
Figure 3 (inference) does not. The difference is the paper's, and is kept.
"""

from __future__ import annotations

import hashlib

TRAINING = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n"
    "\n"
    "### Instruction:\n"
    "{problem}\n"
    "\n"
    "### Response:\n"
    "{response}"
)
"""Figure 2."""

INFERENCE = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n"
    "\n"
    "### Instruction:\n"
    "Finish the {language} code for this problem:\n"
    "{problem}\n"
    "\n"
    "### Response:\n"
    "{signature}"
)
"""Figure 3."""

TEMPLATE_FILE = "prompt_template.json"
"""Lies in every trained model's folder and holds the hash of the templates that it was trained with."""


def training_prompt(instruction: str) -> str:
    """Figure 2 up to the response: what the model is given and does not learn to write."""
    return _fill(TRAINING, problem=instruction, response="")


def inference_prompt(language: str, problem: str, signature: str) -> str:
    """Figure 3. `language` as people write it (`C++`); `signature` is the header that the model continues."""
    return _fill(INFERENCE, language=language, problem=problem, signature=signature)


def template_sha256() -> str:
    """One hash for the pair: a model trained with other prompts must not be scored with these unnoticed."""
    return hashlib.sha256((TRAINING + "\0" + INFERENCE).encode()).hexdigest()


def _fill(template: str, **values: str) -> str:
    """Fill in one pass, so that braces in a value (code is full of them) are never taken for a place to fill."""
    filled, rest = "", template
    for name, value in values.items():
        before, _, rest = rest.partition("{" + name + "}")
        filled += before + value
    return filled + rest
