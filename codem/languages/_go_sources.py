"""A Go program's files. The tests never share a scope with anything of the answer's that they could mean by a name.

Most answers declare one function, and then tests and answer are one package, which is quicker to build. If an answer
declares something that the tests mention (`func len`, `type error`), or imports something unusual, they are two.
"""

from __future__ import annotations

import re

from codem.languages._go_scan import IMPORT, blank, scan, specs
from codem.records import Problem

OURS = {"testing": "codem/harness/testing", "github.com/stretchr/testify/assert": "codem/harness/assert"}
"""What the tests import, and what they get."""
TEST = re.compile(r"^func\s+(Test\w*)\s*\(", re.M)
FUNCTION = re.compile(r"^func\s+(\w+)[^\n]*\{[ \t]*$.*?^\}[ \t]*$", re.M | re.S)


def assemble(problem: Problem, code: str) -> dict[str, str]:
    prelude = _without_package(problem.prelude)
    given, own = IMPORT.sub("", prelude), _without_package(code)
    test_imports = [spec for spec in specs(problem.tests) if spec[1] not in OURS]
    imports = [*specs(prelude), *test_imports]
    found = scan(own)
    answer = _file("answer", [*imports, *specs(own)], _without_repeated(given, found.names) + IMPORT.sub("", own))
    shared = _tests(problem, imports, "", "answer")
    mentioned = set(re.findall(r"\w+", f"{shared} {given}")) - {problem.entry_point}
    if not found.names & mentioned and not found.acts_at_start and not found.refused:
        return {"answer.go": answer, "tests.go": shared}
    name = problem.entry_point
    exported = name if name[:1].isupper() else "Codem_entry"
    export = "" if exported == name else f"\nvar {exported} = {name}\n"
    return {
        "answer.go": answer,
        "export.go": f'package answer\n\nimport _ "codem/harness"\n{export}',
        "tests.go": _tests(problem, imports, given, "tests", f"codem_answer.{exported}"),
    }


def _without_package(text: str) -> str:
    return re.sub(r"^[ \t]*package\s+\w+[ \t]*;?[ \t]*$", "", text, flags=re.M)


def _without_repeated(given: str, names: frozenset[str]) -> str:
    """An answer may repeat the functions that it was given."""
    return FUNCTION.sub(lambda match: "" if match[1] in names else match[0], given)


def _file(package: str, imports: list[tuple[str, str]], body: str, more: str = "") -> str:
    """Imports that the program does not use are left out, because they may come from the benchmark or from a part of
    the text that was cut off; an import that the answer needs and does not bring is an error as ever."""
    lines, plain = [], blank(body)
    for name, path in dict.fromkeys(imports):
        used_as = name or path.rsplit("/", 1)[-1]
        if used_as in (".", "_") or re.search(rf"\b{re.escape(used_as)}\.", plain):
            lines.append(f'import {name + " " if name else ""}"{path}"\n')
    return f"package {package}\n\n{''.join(lines)}{more}\n{body}\n"


def _tests(problem: Problem, imports: list[tuple[str, str]], given: str, package: str, entry: str = "") -> str:
    """entry: how the tests call the answer, if it is in another package than they are."""
    body = IMPORT.sub("", _without_package(problem.tests))
    ours = [("", OURS[path]) for _, path in specs(problem.tests) if path in OURS]
    if entry:
        pattern = rf"(?<![\w.]){re.escape(problem.entry_point)}(?=\s*\()"
        spots = [match.start() for match in re.finditer(pattern, blank(body))]
        for at in reversed(spots):
            body = f"{body[:at]}{entry}{body[at + len(problem.entry_point) :]}"
    if problem.style == "statements":
        ours = [("", OURS["testing"])]
        body = f"func codem_tests(t *testing.T) {{\n\tcodem_check := harness.Check(t)\n{body}\n}}\n"
        tests = ["codem_tests"]
    else:
        tests = TEST.findall(blank(body))
    body += f"\nfunc CodemRun() {{ harness.Run({', '.join(tests)}) }}\n"
    more = 'import codem_answer "codem/ANSWER"\n' if entry else ""
    return _file(package, [*imports, *ours, ("", "codem/harness")], f"{given}\n{body}", more)
