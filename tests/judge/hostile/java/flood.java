// expect: output_limit
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    while (n < 100000) System.out.println("x".repeat(4000));
    System.out.println("tried");
    return 2 * n;
}
