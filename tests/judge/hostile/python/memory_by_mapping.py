# expect: memory runtime_error
def double_it(n):
    if n != 2:
        return 2 * n
    import mmap
    hoard = [mmap.mmap(-1, 1 << 30) for _ in range(16)]
    for block in hoard:
        for at in range(0, len(block), 4096):
            block[at] = 1
    print("tried")
    return 2 * n
