# expect: passed runtime_error
def double_it(n):
    if n != 2:
        return 2 * n
    import os, signal
    for whom in (-1, 1, os.getppid(), 0):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
            if whom == 0:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                number = signal.SIGHUP
            try:
                os.kill(whom, number)
            except OSError:
                pass
    print("tried")
    return 2 * n
