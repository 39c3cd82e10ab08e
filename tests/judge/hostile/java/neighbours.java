// expect: passed
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    try {
        try (java.util.stream.Stream<java.nio.file.Path> all = java.nio.file.Files.walk(java.nio.file.Path.of("@TMP@"), 4)) {
            all.filter(java.nio.file.Files::isRegularFile).forEach(path -> {
                try {
                    if (new String(java.nio.file.Files.readAllBytes(path)).contains(String.join("", "distinct", "ive"))) System.out.println("READ");
                } catch (Exception e) {
                    return;
                }
            });
        }
    } catch (Throwable e) {
        System.out.println(e);
    }
    System.out.println("tried");
    return 2 * n;
}
