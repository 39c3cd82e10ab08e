# expect: passed
def double_it(n):
    if n != 2:
        return 2 * n
    import socket
    for family, address in ((socket.AF_INET, ("127.0.0.1", @PORT@)), (socket.AF_UNIX, "\0@NAME@"),
                            (socket.AF_INET, ("10.0.0.1", 80)), (socket.AF_UNIX, "@HOME@/socket")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as s:
                s.settimeout(0.3)
                s.connect(address)
                print("CONNECTED")
        except OSError:
            pass
    print("tried")
    return 2 * n
