// expect: timeout
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    while (n < 1000000) {
        try {
            n = n & 3;
        } catch (Throwable e) {
            n = 2;
        }
    }
    System.out.println("tried");
    return 2 * n;
}
