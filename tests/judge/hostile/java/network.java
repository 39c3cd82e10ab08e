// expect: passed
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    try {
        try (java.net.Socket s = new java.net.Socket()) {
            s.connect(new java.net.InetSocketAddress("127.0.0.1", @PORT@), 500);
            System.out.println("CONNECTED");
        }
    } catch (Throwable e) {
        System.out.println(e);
    }
    System.out.println("tried");
    return 2 * n;
}
