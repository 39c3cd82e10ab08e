# expect: memory
def double_it(n):
    if n != 2:
        return 2 * n
    import os, time
    for _ in range(5):
        if os.fork() == 0:
            hoard = bytearray(120 << 20)
            for at in range(0, len(hoard), 4096):
                hoard[at] = 1
            time.sleep(60)
    time.sleep(60)
    print("tried")
    return 2 * n
