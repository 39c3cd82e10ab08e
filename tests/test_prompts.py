"""The prompts are the paper's Figures 2 and 3, byte for byte."""

from codem import prompts

FIGURE_2 = b"""\
Below is an instruction that describes a task, paired with an input that provides further context. \
Write a response that appropriately completes the request.

### Instruction:
Add two numbers.

### Response:
"""

FIGURE_3 = b"""\
Below is an instruction that describes a task. Write a response that appropriately completes the request.

### Instruction:
Finish the C++ code for this problem:
Add two numbers.

### Response:
int add(int a, int b) {
"""


def test_training_prompt_is_figure_2():
    assert prompts.training_prompt("Add two numbers.").encode() == FIGURE_2


def test_inference_prompt_is_figure_3():
    made = prompts.inference_prompt("C++", "Add two numbers.", "int add(int a, int b) {\n")
    assert made.encode() == FIGURE_3


def test_braces_in_a_value_are_text():
    assert "{signature} {problem}" in prompts.training_prompt("{signature} {problem}")
    made = prompts.inference_prompt("Go", "Return {language}.", "func f() {\n")
    assert "Return {language}.\n\n### Response:\nfunc f() {\n" in made


def test_the_hash_is_that_of_these_templates():
    """Changing a prompt must change the hash, and must be done knowingly."""
    assert prompts.template_sha256() == "cf768894d67b960e2bdec27d3e43f90f39663e799db805e50e0fc9303ae5383b"
