"""C and C++: whole test programs, answers that try to pass without being right, and many in one translation unit."""

# ruff: noqa: E501  (programs on one line each)

from __future__ import annotations

import pytest
from c_equivalence import candidates, one_by_one, programs, together
from judge_help import facts, judged

from codem import plugins
from codem.languages._c import text as c_text
from codem.languages._c import units as c_units
from codem.records import Outcome, Problem
from codem.runtime import program
from codem.work_folder import work_folder

CPP = Problem(
    id="small/cpp/1",
    task="small/1",
    lang="cpp",
    description="Each number times n.",
    signature="vector<float> scaled(vector<float> xs, int n){\n",
    entry_point="scaled",
    prelude="#include<stdio.h>\n#include<math.h>\n#include<vector>\nusing namespace std;\n#include<algorithm>\n#include<stdlib.h>\nfloat twice(float x){ return 2*x; }\n",
    tests="""#undef NDEBUG
#include<assert.h>
bool issame(vector<float> a,vector<float>b){
    if (a.size()!=b.size()) return false;
    for (int i=0;i<a.size();i++)
        if (abs(a[i]-b[i])>1e-4) return false;
    return true;
}
int main(){
    assert (issame(scaled({1,2.5}, 2), {2,5}));
    assert ((scaled({1,2.5}, 2) == vector<float>{2,5}));
    assert (abs(scaled({3}, 3)[0]-9)<1e-4);
    assert (scaled({}, 3).size()==0);
}
""",
    reference="    for (int i=0;i<xs.size();i++) xs[i]=xs[i]*n;\n    return xs;\n}\n",
    style="program",
)
C = Problem(
    id="small/c/1",
    task="small/1",
    lang="c",
    description="The word n times.",
    signature="char *repeated(const char *word, int n) {\n",
    entry_point="repeated",
    prelude="#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n",
    tests="""#include <assert.h>
#include <string.h>
#include <math.h>
int issame(const char *a, const char *b) { return strlen(a) == strlen(b) && memcmp(a, b, strlen(b)) == 0; }
int main() {
    assert(strcmp(repeated("ab", 2), "abab") == 0);
    assert(issame(repeated("x", 3), "xxx"));
    assert(fabs((double)strlen(repeated("abc", 5)) - 15) < 0.5);
    printf("All tests passed\\n");
    return 0;
}
""",
    reference="    char *all = calloc(strlen(word) * n + 1, 1);\n    for (int i = 0; i < n; i++) strcat(all, word);\n    return all;\n}\n",
    style="program",
)
LIE = {
    "cpp": "vector<float> scaled(vector<float> xs, int n){ return {7}; }\n",
    "c": 'char *repeated(const char *word, int n) { return "no"; }\n',
}
RIGHT = {"cpp": CPP.signature + CPP.reference, "c": C.signature + C.reference}
READS_MARK = 'static char stolen[99]; __attribute__((%s)) static void early(void) { int n = read(0, stolen, 64); dprintf(1, "\\n%%.*s end\\n", n, stolen); _exit(0); }\n'
STEALS = [
    "#include <unistd.h>\n" + READS_MARK % "constructor",
    '#include <unistd.h>\n#include <stdio.h>\nstatic void early(int c, char **v, char **e) { char m[99]; int n = read(0, m, 64); dprintf(1, "\\n%.*s end\\n", n, m); _exit(0); }\n__attribute__((section(".preinit_array"), used)) static void (*p)(int, char **, char **) = early;\n',
    '#include <unistd.h>\n#include <stdio.h>\nstatic void early(int c, char **v, char **e) { char m[99]; int n = read(0, m, 64); dprintf(1, "\\n%.*s end\\n", n, m); _exit(0); }\n__attribute__((section(".init_array"), used)) static void (*p)(int, char **, char **) = early;\n',
    # the resolver of an indirect function runs while the program is loaded
    "#include <unistd.h>\n#include <stdio.h>\n"
    + 'LINKAGE void *resolve(void) { char m[99]; int n = read(0, m, 64); dprintf(1, "\\n%.*s end\\n", n, m); _exit(0); }\nLINKAGE int indirect(void) __attribute__((ifunc("resolve")));\nint (*volatile take)(void) = indirect;\n',
    '#include <unistd.h>\n__attribute__((destructor)) static void late(void) { printf("\\nend\\n"); _exit(0); }\n',
    # a copy of the process runs the tests, and what it says is led into a pipe
    '#include <unistd.h>\n#include <string.h>\n__attribute__((constructor)) static void copy(void) { int p[2]; pipe(p); if (fork() == 0) { dup2(p[1], 1); return; } close(p[1]); char m[400] = ""; read(p[0], m, 399); char *at = strstr(m, " wrong"); if (at) { memcpy(at, " end  ", 6); at[4] = 10; write(1, m, at - m + 5); } _exit(0); }\n',
]
MACROS = [
    "#include <assert.h>\n#define NDEBUG\n#undef assert\n#define assert(x) ((void)0)\n",
    "#define NDEBUG\n#include <assert.h>\n",
    "#define if(x) if (0)\n",
    "#define abs(x) 0\n#define fabs(x) 0\n#define strcmp(a, b) 0\n#define memcmp(a, b, n) 0\n",
    "#define main(...) main() { return 0; } int unused()\n",
    "#define true 1\n#define false 1\n#define codem_failed(x) 0\n#define codem_check(x) 0\n",
]
OWN_LIBC = [
    "int strcmp(const char *a, const char *b) { return 0; }\n",
    "int memcmp(const void *a, const void *b, size_t n) { return 0; }\n",
    "size_t strlen(const char *s) { return 15; }\n",
    "double fabs(double x) { return 0; }\n",
    "int abs(int x) { return 0; }\n",
    "long read(int fd, void *to, size_t n) { return 0; }\n",
    "long write(int fd, const void *from, size_t n) { return n; }\n",
    "void _exit(int code) { for (;;) { } }\n",
    "void exit(int code) { for (;;) { } }\n",
    "void abort(void) { for (;;) { } }\n",
    "int fflush(FILE *f) { return 0; }\n",
    "int getpid(void) { return 0; }\n",
    "int fstat(int fd, void *s) { return 0; }\n",
    "void *dlsym(void *so, const char *name) { return 0; }\n",
]
OWN_LIBC += ["void __assert_fail() {}\n", "int issame() { return 1; }\n", "void codem_failed(const char *s) {}\n"]
OWN_LIBC += ["int main() { return 0; }\n", "int codem_main() { return 0; }\n"]
LEAVES = ["exit(0)", "_exit(0)", "quick_exit(0)", "_Exit(0)", "abort()", "kill(getpid(), 9)", "longjmp(place, 1)"]
CPP_ONLY = [
    "bool operator==(const vector<float>&, const vector<float>&) { return true; }\n",
    "namespace std { bool operator==(const vector<float>&, const vector<float>&) { return true; } }\n",
    "namespace std { template<> bool operator==<float>(const vector<float>&, const vector<float>&) { return true; } float abs(float, int); }\n",
    "template<> bool std::operator==<float, std::allocator<float>>(const vector<float>&, const vector<float>&) { return true; }\n",
    "bool issame(vector<float> a, vector<float> b) { return true; }\n",
    "struct Any { template<class T> operator T() const { return T(); } bool operator==(const vector<float>&) const { return true; } size_t size() const { return 0; } float operator[](int) const { return 9; } };\nbool issame(Any, vector<float>) { return true; }\nAny scaled(vector<float> xs, int n) { return Any(); }\n#define scaled scaled_\n",
    "namespace { struct Early { Early() { _Exit(0); } } early; }\n",
    "int leave() { exit(0); }\nint early = leave();\n",
    "}\nbool operator==(const vector<float>&, const vector<float>&) { return true; }\nnamespace other {\n",
    '#include <thread>\n#include <unistd.h>\nstd::thread *late = new std::thread([] { usleep(10000); puts("end"); _exit(0); });\n',
]


def in_language(lang: str, texts: list[str]) -> list[str]:
    linkage = 'extern "C" ' if lang == "cpp" else ""
    return [text.replace("LINKAGE ", linkage) for text in texts]


def attacks(lang: str) -> list[str]:
    linkage = 'extern "C" ' if lang == "cpp" else ""
    texts = [*in_language(lang, STEALS), *MACROS, *(linkage + text for text in OWN_LIBC)]
    heads = (
        "#include <setjmp.h>\n#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\nstatic jmp_buf place;\n"
    )
    lie = LIE[lang]
    texts = [text + lie for text in texts]
    texts += [heads + lie.replace("{ return", f"{{ {leave}; return", 1) for leave in LEAVES]
    return texts + [text + lie for text in CPP_ONLY if lang == "cpp"]


def fenced(texts: list[str]) -> list[str]:
    """As a model would hand in a whole file."""
    return [f"```\n{text}```\n" for text in texts]


@pytest.mark.parametrize("problem", [CPP, C], ids=["cpp", "c"])
def test_nothing_but_a_right_answer_passes(sandbox, problem):
    lang = problem.lang
    texts = attacks(lang)
    verdicts = judged(sandbox, problem, fenced([*texts, LIE[lang], RIGHT[lang]]), run_cpu_s=2, run_wall_s=10)
    passed = [
        text for text, v in zip(texts, verdicts, strict=False) if v.outcome in (Outcome.PASSED, Outcome.HARNESS_ERROR)
    ]
    assert passed == []
    assert verdicts[-2].outcome is Outcome.WRONG
    assert verdicts[-1].outcome is Outcome.PASSED


@pytest.mark.parametrize("problem", [CPP, C], ids=["cpp", "c"])
def test_what_an_answer_defines_for_itself_leaves_the_tests_as_they_are(sandbox, problem):
    """The macros and functions with which others cheat do no harm to a right answer that has its own reasons."""
    lang = problem.lang
    linkage = 'extern "C" ' if lang == "cpp" else ""
    heads = [
        "#include <assert.h>\n#undef assert\n#define assert(x) ((void)0)\n",
        "#define n count\n#define word text\n",
        "#define LONG 1\n#define main own_main\n",
        f"{linkage}int issame(int x) {{ return x; }}\n",
        f"{linkage}void abort(void);\n",
        "int helper(int x);\nint helper(int x) { return x; }\nint main() { return helper(3); }\n",
        "static int cache[1000];\nint counter = 3;\n",
        '__attribute__((constructor)) static void early(void) { printf("early\\n"); }\n',
        "#include <pthread.h>\n#include <unistd.h>\nstatic void *rest(void *p) { for (;;) sleep(1); return p; }\n__attribute__((constructor)) static void early(void) { pthread_t t; pthread_create(&t, 0, rest, 0); }\n",
    ]
    verdicts = judged(sandbox, problem, fenced([head + RIGHT[lang] for head in heads]))
    assert [(head, v) for head, v in zip(heads, verdicts, strict=True) if v.outcome is not Outcome.PASSED] == []


VARIANTS = {
    "cpp": [
        "vector<float> scaled(const vector<float>& xs, int n){ vector<float> out; for (float x : xs) out.push_back(x*n); return out; }",
        "static inline vector<float> scaled(vector<float> xs, long n){ for (auto& x : xs) x*=n; return xs; }",
        "vector<float> scaled(vector<float> xs, int n=2, bool more=false){ for (auto& x : xs) x*=n; return xs; }",
        "template <class T> vector<T> scaled(vector<T> xs, int n){ for (auto& x : xs) x*=n; return xs; }",
        "vector<float> scaled(vector<float> xs, double n); vector<float> scaled(vector<float> xs, double n){ for (auto& x : xs) x*=n; return xs; }",
        "std::vector<float> scaled(std::vector<float> xs, int n){ std::transform(xs.begin(), xs.end(), xs.begin(), [n](float x){ return x*n; }); return xs; }",
        # the whole prompt again, with the helper that the benchmark gives
        CPP.prelude + CPP.signature + CPP.reference,
        # names that the standard library has too
        "int count(int x){ return x; }\nvector<float> scaled(vector<float> xs, int n){ for (auto& x : xs) x*=count(n); return xs; }",
        '#include <map>\n#include <string>\nvector<float> scaled(vector<float> xs, int n){ map<string, int> m; m["n"]=n; for (auto& x : xs) x*=m["n"]; return xs; }',
    ],
    "c": [
        "static char *repeated(const char *word, int n) {\n" + C.reference,
        "char *repeated(char *word, long n) {\n" + C.reference,
        "int length(const char *s);\n" + C.signature + C.reference + "int length(const char *s) { return strlen(s); }",
        "struct pair { int a, b; };\ntypedef struct { int x; } one;\nenum { FIRST, SECOND = 5 };\n"
        + C.signature
        + C.reference,
        C.prelude + C.signature + C.reference,
        "int max(int a, int b) { return a > b ? a : b; }\n" + C.signature + C.reference,
        "#define SIZE 10\n" + C.signature + C.reference,
    ],
}


@pytest.mark.parametrize("problem", [CPP, C], ids=["cpp", "c"])
def test_right_answers_of_many_forms_pass(sandbox, problem):
    texts = VARIANTS[problem.lang]
    verdicts = judged(sandbox, problem, fenced(texts))
    assert [(text, v) for text, v in zip(texts, verdicts, strict=True) if v.outcome is not Outcome.PASSED] == []


def test_types_that_the_header_does_not_have(sandbox):
    """`vector<double>` for `vector<float>` compiles with the tests' literals, though not behind the given header."""
    double = "vector<float> scaled(vector<double> xs, int n){ vector<float> out; for (double x : xs) out.push_back(x*n); return out; }"
    liar = "bool operator==(const vector<float>&, const vector<float>&) { return true; }\nvector<float> scaled(vector<double> xs, int n){ return {2}; }"
    first, second = judged(sandbox, CPP, fenced([double, liar]))
    assert first.outcome is Outcome.PASSED
    assert second.outcome is Outcome.COMPILE_ERROR


def test_a_name_of_the_c_library_is_the_answers_own(sandbox):
    """Task 23 of HumanEval-X: with the published recipe the tests' literals reach the C library's function."""
    problem = Problem(
        id="small/cpp/23",
        task="small/23",
        lang="cpp",
        description="Length of a string.",
        signature="int strlen(string str){\n",
        entry_point="strlen",
        prelude="#include<stdio.h>\n#include<string>\n#include<string.h>\nusing namespace std;\n",
        tests='#undef NDEBUG\n#include<assert.h>\nint main(){\n    assert (strlen("") == 0);\n    assert (strlen("abc") == 3);\n}\n',
        reference="    return str.length();\n}\n",
        style="program",
    )
    verdicts = judged(sandbox, problem, [problem.reference, "    return 0;\n}\n"])
    assert [v.outcome for v in verdicts] == [Outcome.PASSED, Outcome.WRONG]


def test_the_headers_that_benchmarks_want(sandbox):
    include = "#include <openssl/md5.h>\n#include <boost/any.hpp>\n#include <string>\n#include <list>\n"
    problem = Problem(
        id="small/cpp/2",
        task="small/2",
        lang="cpp",
        description="MD5 of the strings.",
        signature="std::string digest(std::list<boost::any> values) {\n",
        entry_point="digest",
        prelude=include,
        tests='#include <assert.h>\nint main() { assert(digest({1, std::string("abc"), 2.5}) == "900150983cd24fb0d6963f7d28e17f72"); assert(digest({std::string(200, \'a\')}) == "887f30b43b2867f4a9accceee7d16e6c"); }\n',
        reference="""    std::string out;
    for (auto& v : values) {
        if (v.type() != typeid(std::string)) { try { boost::any_cast<std::string>(v); return "?"; } catch (boost::bad_any_cast&) { continue; } }
        std::string s = boost::any_cast<std::string>(v);
        unsigned char md[16]; char hex[3];
        MD5((const unsigned char*)s.data(), s.size(), md);
        for (int i = 0; i < 16; i++) { snprintf(hex, 3, "%02x", md[i]); out += hex; }
    }
    return out;
}
""",
        style="program",
    )
    (verdict,) = judged(sandbox, problem, [problem.reference])
    assert verdict.outcome is Outcome.PASSED, verdict


@pytest.mark.parametrize("problem", [CPP, C], ids=["cpp", "c"])
def test_one_unit_for_all_that_may_share_it(sandbox, problem):
    """Broken, clashing and hostile answers go their own way; each is told what it would be told alone."""
    lang, plugin = problem.lang, plugins.load("languages", problem.lang)
    if not plugin.toolchain().found:
        pytest.skip(plugin.toolchain().how_to_get())
    plain = [problem.signature + problem.reference.replace("return", f"int v{i}={i}; return") for i in range(5)]
    broken = [
        problem.signature + "    return nothing;\n}\n",
        problem.signature + "    return helper(n);\n}\nint helper(int n);\n",
    ]
    odd = [
        "int exit(int x) { return x; }\n" + RIGHT[lang],
        "int own = 3;\n" + RIGHT[lang],
        "#define N 3\n" + RIGHT[lang],
    ]
    made = [program(plugin.assemble(problem, text), 2.0) for text in [*plain, *broken, *odd]]
    with work_folder() as folder:
        built = plugin.build(made, folder, sandbox, facts(lang))
        alone = []
        for i, one in enumerate(made[5:8]):
            (folder / f"alone{i}").mkdir()
            alone += plugin.build([one], folder / f"alone{i}", sandbox, facts(lang))
    assert len({b.folder for b in built[:5]}) == 1
    assert len({b.folder for b in built[7:]} | {built[0].folder}) == 4
    assert [b.failure for b in alone] == [Outcome.COMPILE_ERROR, Outcome.COMPILE_ERROR, alone[2].failure]
    assert [b.failure for b in built[5:8]] == [b.failure for b in alone]
    assert [b.failure for b in built[:5]] == [None] * 5
    assert "nothing" in built[5].message and "helper" in built[6].message


@pytest.mark.parametrize("lang", ["cpp", "c"])
def test_the_same_outcome_among_others_and_alone(sandbox, lang, data_dir):
    if not plugins.load("languages", lang).toolchain().found:
        pytest.skip("no toolchain")
    from c_equivalence import benchmark_problems

    items = programs(candidates(benchmark_problems(lang, data_dir)[3::40], 2))
    many = together(lang, items, sandbox)
    assert many == one_by_one(lang, items, sandbox)
    assert {Outcome.PASSED, Outcome.WRONG, Outcome.COMPILE_ERROR} <= set(many)


def test_headers_are_read_as_they_are_written():
    grid = c_units.interface(
        "f", "// f(x)\nint **f(int rows, int cols, int grid[rows][cols], char *(*g)(int), void *p) {\n"
    )
    assert grid.result == "int **"
    assert grid.parameters[2] == "int codem_p2[codem_p0][codem_p1]"
    assert grid.parameters[3:] == ("char *(*codem_p3)(int)", "void *codem_p4")
    nested = c_units.interface("f", "map<string, vector<int>> f(map<char,int> a, const vector<vector<int>>& b){\n")
    assert nested.parameters == ("map<char,int> codem_p0", "const vector<vector<int>>& codem_p1")
    assert c_units.interface("f", "int f(void) {\n").parameters == ()


@pytest.mark.parametrize(
    "text",
    [
        "int x = leave();",
        "vector<int> v(3);",
        "struct A { static int x; };",
        "struct A { A() { exit(0); } } a;",
        "} int f() { return 1; } namespace x {",
        "int f() { return 1; }\n#pragma once\n",
        "int f() { return 1; } // \\\n int g = h(); ",
        'const char *s = R"(}";',
        "int g() { return 1; } int f() { return ::g(); }",
        "auto x = [] { exit(0); return 1; }();",
        "extern int y;",
        "int main() { }",
        "__attribute__((constructor)) void f() { }",
        "int f() { return 1; }\n#include <map>\n",
        "template <> void f<int>() { }",
        'int f() { asm("nop"); return 1; }',
        "int f(",
    ],
)
def test_what_may_act_on_others_is_not_shared(text):
    assert c_text.shareable(text, True) is None
