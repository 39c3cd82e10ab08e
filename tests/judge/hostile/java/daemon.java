// expect: passed
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    try {
        new ProcessBuilder("/usr/bin/setsid", "/bin/sh", "-c", "sleep 60; : @MARK@").start();
    } catch (Throwable e) {
        System.out.println(e);
    }
    System.out.println("tried");
    return 2 * n;
}
