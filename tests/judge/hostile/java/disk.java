// expect: passed
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    long wrote = 0;
    try {
        for (int i = 0; i < 2000; i++) {
            java.nio.file.Files.write(java.nio.file.Path.of("/tmp/" + i), new byte[1 << 20]);
            wrote++;
        }
    } catch (Throwable e) {
        System.out.println(e);
    }
    System.out.println(wrote > 100 ? "WROTE" : "not much");
    System.out.println("tried");
    return 2 * n;
}
