"""A piece of code as files that the build step of its language's plug-in takes, so that the compiler judges the piece.

The piece is compiled as it is. What models leave out because a reader needs no telling is added: a fragment that brings
no imports of its own gets the usual ones, Java methods a class, bare statements a function. Lines keep their numbers.
"""

from __future__ import annotations

import re
from types import ModuleType

from codem.corpus import parsing
from codem.language_facts import LanguageFacts
from codem.records import Problem

NAME = "codem_unit"
_C_HEADERS = ("stdio", "stdlib", "string", "stdbool", "stdint", "math", "ctype", "limits", "stddef", "time")
_CPP_HEADERS = """
algorithm array cmath cstdint cstdio cstdlib cstring deque functional iomanip iostream limits list map memory numeric
optional queue random set sstream stack stdexcept string tuple unordered_map unordered_set utility vector
"""
_GO_PACKAGES = """
bufio bytes context errors fmt io math os reflect regexp sort strconv strings sync time unicode math/rand math/bits
container/heap container/list sync/atomic unicode/utf8 encoding/json
"""
_JAVA_IMPORTS = " ".join(
    f"import java.{name}.*;" for name in ("util", "util.function", "util.stream", "io", "math", "text", "time")
)
_TS_TYPES = '/// <reference lib="dom" />\ndeclare module "*";\n'
"""Programs for a browser count, and a package that is not here is of type any: whether it is there says nothing about
the code."""
_JAVA_TYPES: tuple[str, ...] = ("class_declaration", "interface_declaration", "enum_declaration", "record_declaration")
_JAVA_TYPES += ("annotation_type_declaration",)


def unit(plugin: ModuleType, facts: LanguageFacts, code: str) -> dict[str, str]:
    """File name -> source. A language that this module does not know is compiled as an answer without tests."""
    made = _MAKERS.get(facts.name)
    return made(plugin, facts, code) if made else plugin.assemble(_problem(facts, f"{NAME}"), code)


def _problem(facts: LanguageFacts, signature: str, prelude: str = "") -> Problem:
    """An answer's frame that asks for nothing and tests nothing."""
    return Problem("unit", "unit", facts.name, "", signature, NAME, prelude, "", "")


def _c(plugin: ModuleType, facts: LanguageFacts, code: str) -> dict[str, str]:
    fragment = not re.search(r"^\s*#\s*include\b", code, re.M)
    headers = _CPP_HEADERS.split() if facts.name == "cpp" else [f"{name}.h" for name in _C_HEADERS]
    prelude = "".join(f"#include <{name}>\n" for name in headers) if fragment else ""
    if fragment and facts.name == "cpp" and "using namespace" not in code:
        prelude += "using namespace std;\n"
    if _only_statements(facts.name, code):
        code = _framed(
            code, r"^[ \t]*#[^\n]*(?:\n|$)|^[ \t]*using namespace \w+;", f"void {NAME}_body(void) {{ ", "\n}"
        )
    door = f"int {NAME}(void) {{ return 0; }}\n"
    return plugin.assemble(_problem(facts, f"int {NAME}(void) {{\n", prelude), f"{code}\n{door}")


def _go(plugin: ModuleType, facts: LanguageFacts, code: str) -> dict[str, str]:
    from codem.languages._go_scan import blank, specs

    package = re.compile(r"^[ \t]*package[ \t]+\w+[ \t]*;?", re.M)
    start = "package answer;"
    if not package.search(blank(code)):
        have = {path for _, path in specs(code)}
        used = set(re.findall(r"(?<![\w.)\]])(\w+)\.", blank(code)))
        wanted = [path for path in _GO_PACKAGES.split() if path.rsplit("/", 1)[-1] in used and path not in have]
        start += "".join(f' import "{path}";' for path in wanted)
        if _only_statements("go", code):
            code = _framed(code, r'^[ \t]*import\s*(?:\([^)]*\)|[^\n]*"[^\n]*)', f"func {NAME}() {{ ", "\n}")
    blanked = package.sub(lambda match: re.sub(r"\S", " ", match[0]), code)
    return {"answer.go": f"{start} {blanked}\n", "tests.go": "package answer\n\nfunc CodemRun() {}\n"}


def _java(plugin: ModuleType, facts: LanguageFacts, code: str) -> dict[str, str]:
    code = re.sub(r"^[ \t]*package\s+[\w.]+\s*;", lambda match: re.sub(r"\S", " ", match[0]), code, flags=re.M)
    root = parsing.tree("java", code)
    top = list(parsing.top_level(root)) if root is not None else []
    if any(node.type in _JAVA_TYPES for node in top) and not any(_is_member(node.type) for node in top):
        # a public class would have to be in a file that is called like it
        data = code.encode("utf-8", "surrogatepass")
        for node in reversed([node for node in top if node.type in _JAVA_TYPES]):
            words = next((child for child in node.children if child.type == "modifiers"), None)
            for word in words.children if words is not None else ():
                if word.type == "public":
                    data = data[: word.start_byte] + b"      " + data[word.end_byte :]
        return _java_files(data.decode("utf-8", "surrogatepass"))
    imports = re.compile(r"^[ \t]*import\s+[\w.*\s]+;", re.M)
    own = " ".join(" ".join(match.split()) for match in imports.findall(code))
    code = imports.sub(lambda match: re.sub(r"\S", " ", match[0]), code)
    body = code if any(_is_member(node.type) for node in top) else f"void {NAME}() throws Exception {{ {code}\n}}"
    start = f"{own or _JAVA_IMPORTS} class CodemAnswer {{ "
    return _java_files(f"{start}{body}\n}}")


def _java_files(code: str) -> dict[str, str]:
    """The last class is there so that there is one; the file of the tests has to be there, and says nothing."""
    return {"Solution.java": f"{code}\nfinal class CodemUnit {{}}\n", "Main.java": ""}


def _is_member(kind: str) -> bool:
    return kind in ("method_declaration", "constructor_declaration", "field_declaration")


def _typescript(plugin: ModuleType, facts: LanguageFacts, code: str) -> dict[str, str]:
    files = plugin.assemble(_problem(facts, ""), code)
    return {**files, "answer.ts": code + "\n", "types.d.ts": _TS_TYPES + files["types.d.ts"]}


def _rust(plugin: ModuleType, facts: LanguageFacts, code: str) -> dict[str, str]:
    if _only_statements("rust", code):
        code = f"fn {NAME}_body() {{ {code}\n}}"
    return plugin.assemble(_problem(facts, f"fn {NAME}() {{\n"), code)


def _only_statements(lang: str, code: str) -> bool:
    """Statements outside of a function, and no function: what a reader puts into one."""
    root = parsing.tree(lang, code)
    kinds = [node.type for node in parsing.top_level(root)] if root is not None else []
    if any("function" in kind or "method" in kind or "template" in kind or "namespace" in kind for kind in kinds):
        return False
    statement = ("statement", "short_var_declaration", "call_expression", "assignment")
    return any(kind.endswith(statement) and kind != "import_statement" for kind in kinds)


def _framed(code: str, outside: str, start: str, end: str) -> str:
    """The code in a frame that begins after the last line that has to stay outside."""
    last = max((match.end() for match in re.finditer(outside, code, re.M)), default=0)
    head, body = code[:last], code[last:]
    return f"{head}{start}{body}{end}" if not head or head.endswith("\n") else f"{head};{start}{body}{end}"


_MAKERS = {"c": _c, "cpp": _c, "go": _go, "java": _java, "typescript": _typescript, "rust": _rust}
