// expect: passed
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    for (String target : new String[] {"/", "@HOME@", "/proc/1/root"}) {
        try {
            java.nio.file.Path link = java.nio.file.Path.of("/tmp/link" + target.length());
            java.nio.file.Files.createSymbolicLink(link, java.nio.file.Path.of(target));
            if (java.nio.file.Files.exists(link.resolve("secret"))) System.out.println("READ");
            java.nio.file.Files.writeString(link.resolve("@MARK@"), "x");
            System.out.println("WROTE " + link);
        } catch (Exception e) {
            continue;
        }
    }
    System.out.println("tried");
    return 2 * n;
}
