"""Cut the program out of what a model wrote. The raw text is never changed; this can be run again without a GPU.

The model continues a prompt that ends in the function's signature. Its text may go on with the body, repeat the
signature, put everything in a fence, and explain before and after. The policy, in this order:

1. the first fenced block that defines the wanted function, with the helpers and imports that it brings;
2. else, if the text does not begin as a body, the text from its own definition on (with imports before it);
3. else signature + text.

Then everything after the end of the function goes: prose, demo code, later prompts, end-of-text marks.
"""

from __future__ import annotations

import re

from codem.extent import end_of_braces, end_of_python, find_definition
from codem.records import Problem

END_MARKS = re.compile(
    r"<\|(?:endoftext|end_of_text|im_end|im_start|eot_id|end|user|assistant)\|>|</s>|<eos>"
    r"|^### (?:Instruction|Response|Input):|^Below is an instruction that describes",
    re.M,
)
FENCE = re.compile(r"^[ \t]*(`{3,})[ \t]*([\w+#.-]*)[ \t]*$", re.M)
IMPORTS = {
    "python": re.compile(r"^(?:import|from)[ \t]+[^\n]+$", re.M),
    "javascript": re.compile(r"^(?:const|let|var)\s+[^=\n]+=\s*require\([^\n]+$", re.M),
    "typescript": re.compile(r"^(?:import\s[^\n]+|(?:const|let|var)\s+[^=\n]+=\s*require\([^\n]+)$", re.M),
    "c": re.compile(r"^[ \t]*#[ \t]*(?:include|define)\b[^\n]*$", re.M),
    "cpp": re.compile(r"^[ \t]*(?:#[ \t]*(?:include|define)\b[^\n]*|using\s[^;\n]+;)$", re.M),
    "java": re.compile(r"^[ \t]*import\s[\w.*\s]+;$", re.M),
    "go": re.compile(r'^import\s*(?:\([^)]*\)|(?:\w+\s+)?"[^"\n]+")$', re.M),
}
PYTHON_DEFINITION = re.compile(r"^(?:@|(?:async[ \t]+)?def\b|class\b|import\b|from\b)", re.M)
SCRIPT_DEFINITION = re.compile(
    r"^(?:(?:async\s+)?function\b|class\s|interface\s|type\s+\w+\s*=|enum\s"
    r"|(?:const|let|var)\s+\w+\s*(?::[^=\n]+)?=\s*(?:async\s*)?(?:function\b|\([^()\n]*\)[^=\n]*=>|\w+\s*=>))",
    re.M,
)
JAVA_CLASS = re.compile(
    r"^(?:(?:public|final|abstract|static)\s+)*(?:class|interface|enum|record)\s+\w+[^{;\n]*\{", re.M
)
SCRIPT_EXPORT = re.compile(
    r"^([ \t]*)export\s+(?:default\s+)?(?=(?:async\s+)?(?:function|const|let|var|class|interface|type|enum)\b)", re.M
)


def cut(problem: Problem, text: str) -> str:
    """The program of this answer: from the signature, or from what the answer itself defines first."""
    lang, name = problem.lang, problem.entry_point
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    mark = END_MARKS.search(text)
    if mark:
        text = text[: mark.start()]

    for block in fenced(text):
        if find_definition(lang, name, block) is not None:
            return _from_block(problem, block)

    own = find_definition(lang, name, text)
    if own is not None and not _begins_as_body(problem, text, own):
        plain = text[: _fence_after(text, own)]
        return _imports_before(lang, plain, own) + _through(lang, plain, own)

    # a bare fence may hold just the body; a fence after the body ends the code
    blocks = fenced(text)
    text = blocks[0] if blocks and text.lstrip().startswith("```") else text[: _fence_after(text, 0)]
    whole = problem.signature + text
    start = find_definition(lang, name, whole)
    if start is None:
        return whole
    return whole[:start] + _through(lang, whole, start)


def fenced(text: str) -> list[str]:
    """The blocks between fences. The last one may be open."""
    marks = list(FENCE.finditer(text))
    blocks, i = [], 0
    while i < len(marks):
        closing = next(
            (j for j in range(i + 1, len(marks)) if not marks[j][2] and len(marks[j][1]) >= len(marks[i][1])), None
        )
        end = marks[closing].start() if closing is not None else len(text)
        blocks.append(text[marks[i].end() : end].lstrip("\n"))
        if closing is None:
            break
        # an unlabelled fence both closes and might open: take it as the close only
        i = closing + 1
    return blocks


def _fence_after(text: str, at: int) -> int:
    mark = FENCE.search(text, at)
    return mark.start() if mark else len(text)


def _begins_as_body(problem: Problem, text: str, own: int) -> bool:
    """The text continues the signature, and what it defines later comes after that function's end.

    A model that runs on often writes the same function again, cut off by the token limit: the first one counts.
    """
    before = text[:own]
    if not before.strip():
        return False
    first = next(line for line in before.split("\n") if line.strip())
    if problem.lang == "python":
        return first[0].isspace()
    whole = problem.signature + text
    start = find_definition(problem.lang, problem.entry_point, whole)
    if start is None or start >= len(problem.signature):
        return False
    end = end_of_braces(problem.lang, whole, start)
    return (first[0].isspace() or first.startswith("}")) and end is not None and end <= len(problem.signature) + own


def _imports_before(lang: str, text: str, own: int) -> str:
    return "".join(match[0] + "\n" for match in IMPORTS[lang].finditer(text, 0, own))


def _through(lang: str, text: str, start: int) -> str:
    """From `start` to the end of the definition there, or to the end of a text that was cut short."""
    end = end_of_python(text, start) if lang == "python" else end_of_braces(lang, text, start)
    return text[start:end].rstrip() + "\n"


def _from_block(problem: Problem, block: str) -> str:
    """A fenced block: helpers before and after the function stay; its own main and demo code go."""
    lang, name = problem.lang, problem.entry_point
    if lang == "python":
        return _python_definitions(block, name)
    if lang == "java":
        block = _members(block, name)
    if lang in ("javascript", "typescript"):
        block = SCRIPT_EXPORT.sub(r"\1", block)
        start = find_definition(lang, name, block)
        end = end_of_braces(lang, block, start) if start is not None else None
        if end is None:
            return block
        return block[:end].rstrip() + "\n" + _script_definitions(lang, block[end:])
    main = find_definition(lang, "main", block)
    if main is not None:
        end = end_of_braces(lang, block, main)
        block = block[:main] + (block[end:] if end is not None else "")
    return block.rstrip() + "\n"


def _python_definitions(block: str, name: str) -> str:
    """Everything through the function; after it imports, functions and classes: calls are demo code."""
    start = find_definition("python", name, block) or 0
    end = end_of_python(block, start)
    if end is None:
        return block.rstrip() + "\n"
    kept, rest, at = [block[:end].rstrip() + "\n"], block[end:], 0
    while match := PYTHON_DEFINITION.search(rest, at):
        stop = end_of_python(rest, match.start())
        kept.append(rest[match.start() : stop].rstrip() + "\n")
        at = len(rest) if stop is None else max(stop, match.end())
    return "\n".join(kept)


def _script_definitions(lang: str, rest: str) -> str:
    """The definitions after the function; calls, prints and exports are demo code."""
    kept, at = [], 0
    while match := SCRIPT_DEFINITION.search(rest, at):
        end = end_of_braces(lang, rest, match.start())
        if end is None:
            break
        kept.append(rest[match.start() : end] + "\n")
        at = end
    return "".join(kept)


def _members(block: str, name: str) -> str:
    """Java: the members of the class that holds the function; other top-level classes become nested ones."""
    start = find_definition("java", name, block)
    for match in JAVA_CLASS.finditer(block):
        end = end_of_braces("java", block, match.start())
        if start is not None and match.end() <= start and (end is None or start < end):
            inside = block[match.end() : len(block) if end is None else end - 1]
            outside = block[: match.start()] + "\n" + ("" if end is None else block[end:])
            return (
                JAVA_CLASS.sub(lambda m: "static " + re.sub(r"\b(?:public|static)\s+", "", m[0]).lstrip(), outside)
                + inside
            )
    return block
