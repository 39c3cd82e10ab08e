"""The source texts of C and C++ programs: the answer with its one door, the tests, and many of each together.

The answer and the tests never see each other. The answer's unit ends in the door, a function with the benchmark's own
signature that calls the answer; the tests call through a pointer of that type which bears the answer's name.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from codem.cutting.extent import end_of_braces, find_definition
from codem.languages._c import text as c_text
from codem.languages._c import words as c_words
from codem.records import Problem
from codem.sandbox import HarnessError

ASSERTS = """
{linkage}void codem_failed(const char *);
#undef assert
#define assert(...) ((__VA_ARGS__) ? (void)0 : codem_failed(#__VA_ARGS__))
#define codem_check(...) ((__VA_ARGS__) ? (void)0 : codem_failed(#__VA_ARGS__))
"""


@dataclass(frozen=True)
class Interface:
    entry: str
    result: str
    parameters: tuple[str, ...]
    """Declarations, with names of ours."""

    @property
    def pointer(self) -> str:
        return f"{self.result} (*{{}})({', '.join(self.parameters) or 'void'})"

    def door(self, name: str, is_cpp: bool) -> str:
        linkage = 'extern "C" ' if is_cpp else ""
        call = f"{self.entry}({', '.join(f'codem_p{i}' for i in range(len(self.parameters)))});"
        back = call if self.result == "void" else f"return {call}"
        return f"{linkage}{self.result} {name}({', '.join(self.parameters) or 'void'}) {{ {back} }}\n"


def interface(entry: str, signature: str) -> Interface:
    """The types of the entry point, from the header that the benchmark gives."""
    plain = re.sub(r"^[ \t]*#[^\n]*$", "", c_text.masked(signature), flags=re.M)
    found = list(re.finditer(rf"\b{re.escape(entry)}\s*\(", plain))
    if not found:
        raise HarnessError(f"C signature: expected a header of {entry}, found {signature!r}; mend the benchmark")
    head, rest = plain[: found[-1].start()], plain[found[-1].end() :]
    result = re.sub(r"\b(?:static|inline|extern)\b", "", re.split(r"[;}]", head)[-1])
    inside, depth = "", 1
    for c in rest:
        depth += (c == "(") - (c == ")")
        if depth == 0:
            break
        inside += c
    parameters = c_text.split_commas("" if inside.strip() == "void" else inside)
    parameters = [one.split("=")[0].strip() for one in parameters]
    for i, one in enumerate(parameters):
        name = re.search(r"\(\s*\*\s*(\w+)\s*\)|[\s*&>](\w+)\s*(?:\[[^\]]*\]\s*)*$", one)
        if name is None:
            raise HarnessError(f"C signature: expected parameters with names, found {one!r}; mend the benchmark")
        word = name[1] or name[2]
        # an array's size may be another parameter's name
        parameters = [re.sub(rf"\b{re.escape(word)}\b", f"codem_p{i}", other) for other in parameters]
    return Interface(entry, " ".join(result.split()), tuple(parameters))


def files(problem: Problem, code: str, is_cpp: bool) -> dict[str, str]:
    extension = "cpp" if is_cpp else "c"
    interface(problem.entry_point, problem.signature)  # a header that cannot be read is to be known at once
    facts = {"entry": problem.entry_point, "signature": problem.signature, "style": problem.style}
    return {
        "prelude.h": problem.prelude + "\n",
        f"answer.{extension}": code + "\n",
        f"tests.{extension}": problem.tests + "\n",
        "facts.json": json.dumps(facts),
    }


@dataclass(frozen=True)
class Source:
    """One program's parts, as `files` wrote them."""

    number: int
    """Its place in the build."""
    whole_prelude: str
    """As the benchmark has it: what the tests see."""
    prelude: str
    """Without the helpers that the answer defines again."""
    answer: str
    tests: str
    style: str
    face: Interface
    is_cpp: bool

    @classmethod
    def of(cls, number: int, given: dict[str, str], is_cpp: bool) -> Source:
        extension = "cpp" if is_cpp else "c"
        facts, prelude, answer = json.loads(given["facts.json"]), given["prelude.h"], given[f"answer.{extension}"]
        face = interface(facts["entry"], facts["signature"])
        own = c_text.defined_functions(answer)
        return cls(
            number,
            prelude,
            c_text.without_functions(prelude, own),
            answer,
            given[f"tests.{extension}"],
            facts["style"],
            face,
            is_cpp,
        )


def alone(source: Source) -> str:
    """The answer as the benchmark has it, at global scope, and its door."""
    extension = "cpp" if source.is_cpp else "c"
    door = source.face.door("codem_entry", source.is_cpp)
    return f'#include "prelude.h"\n#include "answer.{extension}"\n#line 1 "codem-door"\n{door}'


def plain(source: Source) -> str | None:
    """Answer and tests in one unit, for an answer whose types the door cannot take (`vector<long>` for
    `vector<int>`); None unless the answer's text shows that it cannot change what the tests mean."""
    names = c_text.shareable(source.answer, source.is_cpp)
    if names is None or not c_words.STANDARD.issuperset(c_text.includes(source.answer)):
        return None
    if set(names) & c_text.identifiers(source.tests) - {source.face.entry}:
        return None
    extension = "cpp" if source.is_cpp else "c"
    linkage = 'extern "C" ' if source.is_cpp else ""
    return (
        f'#include "prelude.h"\n#include "answer.{extension}"\n#line 1 "codem-tests"\n'
        + "".join(f"#include <{name}>\n" for name in c_text.includes(source.tests))
        + "static void (*codem_failed)(const char *);\n"
        + ASSERTS.format(linkage="").replace("void codem_failed(const char *);", "", 1)
        + f"#define main codem_main\n{_test_body(source)}\n#undef main\n"
        + f"{linkage}void codem_entry(void (*failed)(const char *)) {{ codem_failed = failed; codem_main(); }}\n"
    )


def together(sources: list[Source], names: dict[int, tuple[str, ...]]) -> str:
    """Many answers in one unit, each in a namespace (C: with its names changed) of its own.

    Last in the unit stands, for each name that some answer declares, a declaration that clashes if the headers have
    that name too: in a namespace the answer would hide it, at global scope it would not. Functions of <algorithm> are
    made overloads of the answer's, as `using namespace std;` makes them at global scope.
    """
    is_cpp = sources[0].is_cpp
    parts = _headers(header for s in sources for header in c_text.includes(s.prelude) + c_text.includes(s.answer))
    for s in sources:
        n = s.number
        wrap = _Apart(f"codem_a{n}", names[n], is_cpp)
        parts += [wrap.opening, f'#line 1 "codem-m{n}-prelude"\n{c_text.without_includes(s.prelude)}']
        parts += [f"using std::{name};\n" for name in overloads(s, names[n])]
        parts += [f'#line 1 "codem-m{n}-answer"\n{c_text.without_includes(s.answer)}']
        parts += [f'#line 1 "codem-m{n}-door"\n{s.face.door(f"codem_entry_{n}", is_cpp)}', wrap.closing]
    if is_cpp:
        parts.append("namespace std {}\nusing namespace std;\n")
    parts.append("struct codem_tag { int x; };\n")
    checked = (set(names[s.number]) - set(overloads(s, names[s.number])) for s in sources)
    for i, name in enumerate(sorted(set().union(*checked))):
        parts.append(
            f'#line 1 "codem-names-{name}"\n#if defined({name}) || __has_builtin({name})\n#error known\n#endif\n'
        )
        parts.append(f"extern struct codem_tag {name};\nenum {{ codem_e{i} = sizeof({name}) }};\n")
    return "".join(parts)


def overloads(source: Source, names: tuple[str, ...]) -> list[str]:
    text = source.prelude + source.answer
    if not source.is_cpp or "algorithm" not in c_text.includes(text) or not re.search(r"using\s+namespace\s+std", text):
        return []
    return [name for name in names if name in c_words.OVERLOADED]


def tests_together(sources: list[Source]) -> str:
    """The tests of many problems in one unit, each a function `codem_tests_<number>` that takes the door."""
    is_cpp = sources[0].is_cpp
    linkage = 'extern "C" ' if is_cpp else ""
    parts = _headers(header for s in sources for header in c_text.includes(s.whole_prelude) + c_text.includes(s.tests))
    parts.append(ASSERTS.format(linkage=linkage))
    for s in sources:
        given, body = (c_text.without_prototypes(text, s.face.entry) for text in (s.whole_prelude, _test_body(s)))
        names = [*declared(given), *declared(body), "main"]
        wrap = _Apart(f"codem_t{s.number}", tuple(dict.fromkeys(names)), is_cpp)
        pointer = s.face.pointer
        parts += [wrap.opening, f'#line 1 "codem-m{s.number}-tests"\n{c_text.without_includes(given)}']
        parts += [f"static {pointer.format(f'codem_call_{s.number}')};\n#define {s.face.entry} codem_call_{s.number}\n"]
        parts += ["#define main codem_main\n" if is_cpp else "", body, f"\n#undef {s.face.entry}\n"]
        parts += [f"{linkage}void codem_tests_{s.number}(void (*door)(void)) {{\n"]
        parts += [
            f"    codem_call_{s.number} = ({pointer.format('')})door;\n    {'codem_main' if is_cpp else 'main'}();\n"
        ]
        parts += ["}\n", "#undef main\n" if is_cpp else "", wrap.closing]
    return "".join(parts)


def declared(text: str) -> tuple[str, ...]:
    """What a trusted text declares outside all braces."""
    blanked = re.sub(r"^[ \t]*#[^\n]*$", "", text, flags=re.M)
    found = c_text.pieces(blanked)
    if found is None:
        return tuple(sorted(c_text.defined_functions(blanked)))
    return tuple(name for piece in found for name in piece.names)


def _test_body(source: Source) -> str:
    if source.style == "statements":
        return f"static int main(void) {{\n{source.tests}\nreturn 0;\n}}\n"
    text = re.sub(r"^[ \t]*#[ \t]*undef[ \t]+NDEBUG\b", "", c_text.without_includes(source.tests), flags=re.M)
    lang = "cpp" if source.is_cpp else "c"
    start = find_definition(lang, "main", text)
    end = end_of_braces(lang, text, start) if start is not None else None
    if end is None:
        raise HarnessError(
            f"{source.face.entry}: expected tests with a main, found {text[-200:]!r}; mend the benchmark"
        )
    # a main may forget its return, any other function may not
    return text[: end - 1] + "return 0;\n" + text[end - 1 :]


def _headers(names) -> list[str]:
    return [f"#include <{name}>\n" for name in dict.fromkeys(names)]


class _Apart:
    """What keeps one program's names away from its neighbours."""

    def __init__(self, prefix: str, names: tuple[str, ...], is_cpp: bool):
        if is_cpp:
            self.opening, self.closing = f"namespace {prefix} {{\n", "\n}\n"
        else:
            self.opening = "".join(f"#define {name} {prefix}_{name}\n" for name in names)
            self.closing = "".join(f"#undef {name}\n" for name in names)
