# expect: passed
def double_it(n):
    if n != 2:
        return 2 * n
    wrote = 0
    try:
        for number in range(2000):
            with open(f"/tmp/{number}", "wb") as f:
                wrote += f.write(bytes(1 << 20))
    except OSError as error:
        print("stopped", error)
    try:
        for number in range(10**6):
            open(f"/tmp/empty{number}", "w").close()
    except OSError as error:
        print("stopped", error)
    print("WROTE" if wrote > 100 << 20 else "not much")
    print("tried")
    return 2 * n
