# expect: passed runtime_error timeout
def double_it(n):
    if n != 2:
        return 2 * n
    import os, time
    try:
        while True:
            if os.fork() == 0:
                time.sleep(60)
    except OSError as error:
        print("stopped", error)
    print("tried")
    return 2 * n
