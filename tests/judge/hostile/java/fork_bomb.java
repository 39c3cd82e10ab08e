// expect: passed runtime_error timeout memory
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    try {
        for (int i = 0; i < 500; i++)
            new ProcessBuilder("/bin/sh", "-c", "sleep 60 & sleep 60 & sleep 60 & wait").start();
    } catch (Throwable e) {
        System.out.println(e);
    }
    System.out.println("tried");
    return 2 * n;
}
