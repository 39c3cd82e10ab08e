# expect: memory
def double_it(n):
    if n != 2:
        return 2 * n
    hoard = []
    while True:
        hoard.append(bytearray(1 << 24))
    print("tried")
    return 2 * n
