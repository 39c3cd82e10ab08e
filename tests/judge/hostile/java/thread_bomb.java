// expect: passed runtime_error timeout memory
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    try {
        for (int i = 0; i < 5000; i++) {
            Thread one = new Thread(() -> { try { Thread.sleep(60000); } catch (InterruptedException e) { return; } });
            one.setDaemon(true);
            one.start();
        }
    } catch (Throwable e) {
        System.out.println(e);
    }
    System.out.println("tried");
    return 2 * n;
}
