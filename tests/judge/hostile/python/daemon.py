# expect: passed
def double_it(n):
    if n != 2:
        return 2 * n
    import os
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 256)
            os.execv("/bin/sleep", ["@MARK@", "60"])
        os._exit(0)
    os.wait()
    print("tried")
    return 2 * n
