# expect: output_limit
def double_it(n):
    if n != 2:
        return 2 * n
    while True:
        print("x" * 4000)
    print("tried")
    return 2 * n
