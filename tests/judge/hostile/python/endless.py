# expect: timeout
def double_it(n):
    if n != 2:
        return 2 * n
    import signal
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
    print("tried")
    return 2 * n
