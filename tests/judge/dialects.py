"""One small problem in every language, and the ways to misbehave in each. `double_it(n)` is 2 * n."""

# ruff: noqa: E501  (programs on one line each)

from __future__ import annotations

from codem.records import Problem

LANGUAGES = ("python", "javascript", "typescript", "c", "cpp", "java", "go", "rust")

SIGNATURES = {
    "python": "def double_it(n):\n",
    "javascript": "function doubleIt(n) {\n",
    "typescript": "function doubleIt(n: number): number {\n",
    "c": "int double_it(int n) {\n",
    "cpp": "int double_it(int n) {\n",
    "java": "public static int doubleIt(int n) {\n",
    "go": "func doubleIt(n int) int {\n",
    "rust": "fn double_it(n: i32) -> i32 {\n",
}
PRELUDES = {
    "c": "#include <stdlib.h>\n#include <string.h>\n#include <stdio.h>\n#include <unistd.h>\n#include <sys/mman.h>\n",
    "cpp": "#include <cstdlib>\n#include <string>\n#include <cstdio>\n#include <unistd.h>\nusing namespace std;\n",
    "go": 'import (\n\t"fmt"\n\t"net"\n\t"os"\n\t"os/exec"\n\t"runtime"\n)\n',
    "rust": "use std::io::Read;\nuse std::process;\n",
}


def problem(lang: str) -> Problem:
    name = "double_it" if lang in ("python", "c", "cpp", "rust") else "doubleIt"
    equal = "===" if lang.endswith("script") else "=="
    end = "" if lang == "python" else ";"
    tests = "".join(f"codem_check({name}({n}) {equal} {2 * n}){end}\n" for n in (2, 0, -3))
    return Problem(
        id=f"small/{lang}/0",
        task="small/0",
        lang=lang,
        description="Twice the number.",
        signature=SIGNATURES[lang],
        entry_point=name,
        prelude=PRELUDES.get(lang, ""),
        tests=tests,
        reference=body(lang, ""),
    )


def body(lang: str, statement: str, result: str = "2 * n") -> str:
    """The function's body with a statement before its return."""
    indent = "\t" if lang == "go" else "    "
    statement = statement.replace("\n", "\n" + indent)
    lines = f"{indent}{statement}\n" if statement else ""
    end = "" if lang in ("python", "go") else ";"
    close = "" if lang == "python" else "}\n"
    return f"{lines}{indent}return {result}{end}\n{close}"


EARLY_EXITS = {
    "python": ["import sys; sys.exit(0)", "import os; os._exit(0)", "raise SystemExit", "exit(0)", "quit()"]
    + ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "import os; os.execv('/bin/true', ['true'])"],
    "javascript": ["process.exit(0);", "process.reallyExit(0);", "process.kill(process.pid);", "process.abort();"]
    + ["throw undefined;"],
    "typescript": ["process.exit(0);", "process.reallyExit(0);", "throw undefined;"],
    "c": ["exit(0);", "_exit(0);", "quick_exit(0);", "_Exit(0);", "abort();", 'execl("/bin/true", "true", (char *)0);'],
    "cpp": ["exit(0);", "_exit(0);", "quick_exit(0);", "std::_Exit(0);", "throw 1;"],
    "java": ["System.exit(0);", "Runtime.getRuntime().halt(0);", "Runtime.getRuntime().exit(0);"]
    + ['if (true) throw new RuntimeException("x");'],
    "go": ["os.Exit(0)", "runtime.Goexit()", 'panic("x")'],
    "rust": ["process::exit(0);", "process::abort();", 'panic!("x");', "loop { let _: u8 = [1][n as usize + 1]; }"]
    + ["std::panic::set_hook(Box::new(|_| process::exit(0))); if n > 0 { panic!(); }"]
    + ['extern "C" { fn _exit(code: i32) -> !; } unsafe { _exit(0) }'],
}
ENDLESS = {
    "python": "while True: pass",
    "javascript": "while (true) {}",
    "typescript": "while (n < 1e9) { n = 1; }",
    "c": "volatile int x = 1; while (x) {}",
    "cpp": "volatile int x = 1; while (x) {}",
    "java": "while (n < 1000000) { n = n & 1; }",
    "go": "for n < 1000000 {\n\tn = n & 1\n}",
    "rust": "let mut n = n; while n < 1000000 { n = n & 1; }",
}
MEMORY = {
    "python": "x = []\nwhile True: x.append(bytearray(1 << 24))",
    "javascript": "const x = []; while (true) x.push(new Array(1 << 16).fill(n));",
    "typescript": "const x: any[] = []; while (n < 1e9) x.push(new Array(1 << 16).fill(n));",
    "c": "while (n < 100000) { char *p = malloc(1 << 24); memset(p, 1, 1 << 24); }",
    "cpp": "while (n < 100000) { char *p = new char[1 << 24]; for (int i = 0; i < 1 << 24; i += 512) ((volatile char *)p)[i] = 1; }",
    "java": "java.util.ArrayList<int[]> x = new java.util.ArrayList<>(); while (n < 1000000) x.add(new int[1 << 20]);",
    "go": "x := [][]byte{}\nfor n < 100000 {\n\tb := make([]byte, 1<<24)\n\tfor i := range b {\n\t\tb[i] = 1\n\t}\n\tx = append(x, b)\n}\nfmt.Println(len(x))",
    "rust": "let mut x: Vec<Vec<u8>> = vec![]; while x.len() < 1000000 { x.push(vec![1; 1 << 24]); }",
}
FLOOD = {
    "python": "while True: print('x' * 1000)",
    "javascript": "while (true) console.log('x'.repeat(1000));",
    "typescript": "while (n < 1e9) console.log('x'.repeat(1000));",
    "c": 'while (n < 100000) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");',
    "cpp": 'while (n < 100000) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");',
    "java": 'while (n < 100000) System.out.println("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");',
    "go": 'for n < 100000 {\n\tfmt.Println("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")\n}',
    "rust": 'let mut i = 0; while i < 1000000 { println!("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"); i += 1; }',
}
# A right answer that prints, and reads the empty stdin.
TALKATIVE = {
    "python": "import sys\nprint('working', n, sys.stdin.read())",
    "javascript": "console.log('working', n, require('fs').readFileSync(0, 'utf8'));",
    "typescript": "console.log('working', n, require('fs').readFileSync(0, 'utf8'));",
    "c": 'printf("working %d %d\\n", n, getchar());',
    "cpp": 'printf("working %d %d\\n", n, getchar());',
    "java": 'System.out.println("working " + n); try { System.in.read(); } catch (Exception e) { return 0; }',
    "go": 'var s string\nfmt.Scan(&s)\nfmt.Println("working", n, s)',
    "rust": 'let mut s = String::new(); std::io::stdin().read_to_string(&mut s).unwrap(); println!("working {} {}", n, s);',
}
GARBAGE = {
    "python": "    return (2 * n\n  }} what\n",
    "javascript": "  return 2 * (n;\n",
    "typescript": "  return 2 * (n;\n",
    "c": "    return 2 * (n;\n",
    "cpp": "    return 2 * (n;\n",
    "java": "    return 2 * (n;\n",
    "go": "\treturn 2 * (n\n",
    "rust": "    return 2 * (n;\n",
}
# Each of these must not do harm to what is built together with it.
POISON = {
    "python": ["", "\x00", "    return '\n", "class", "def double_it(n):\n\treturn 2*n\n    return 1\n"],
    "javascript": ["", "\x00", "  return `", "}}}}", "/*"],
    "typescript": [
        "",
        "\x00",
        "  return `",
        "}}}}",
        "/*",
        "  return 1;\n}\ndeclare global { interface Number { zz: 1 } }\n",
    ]
    + ["  const s: string = n;\n  return n;\n}\n", "@@@ ###"],
    "c": ["", "\x00", '  return "', "}}}}", "/*", '#include "/dev/zero"\n', "#error no\n", "#if 1\n"],
    "cpp": ["", "\x00", '  return "', "}}}}", "/*", '#include "/dev/zero"\n', 'R"(', "#if 1\n"],
    "java": ["", "\x00", '  return "', "}}}}", "/*", "\\u000", "    return " + "(" * 3000 + "n" + ")" * 3000 + ";\n}\n"]
    + ["    return " + "+".join(["n"] * 20000) + ";\n}\n"],
    "go": ["", "\x00", "\treturn `", "}}}}", "/*", 'import "C"\n', 'import "nowhere/at/all"\n']
    + [
        '```go\nimport "nowhere.example/x"\n\nfunc doubleIt(n int) int {\n\treturn x.Double(n)\n}\n```',
        '```go\nimport "fmt\nfunc doubleIt(n int) int {\n```',
    ],
    "rust": [
        "",
        "\x00",
        '    return "',
        "}}}}",
        "/*",
        "    n\n}\nmod nowhere;\n",
        '    compile_error!("no");\n    n\n}\n',
    ]
    + ["    n\n}\n#[macro_export]\nmacro_rules! vec { () => { 1 } }\n", "    n\n}\nimpl From<W> for i32 {}\n"]
    + ["    n\n}\nstruct A<T>(T);\nfn f<T>(n: i32) { f::<A<T>>(n) }\nfn g() { f::<u8>(1) }\n"],
}
