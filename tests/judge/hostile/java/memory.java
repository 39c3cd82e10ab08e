// expect: memory
public static int doubleIt(int n) {
    if (n != 2) return 2 * n;
    java.util.ArrayList<int[]> hoard = new java.util.ArrayList<>();
    while (n < 1000000) hoard.add(new int[1 << 20]);
    System.out.println("tried");
    return 2 * n;
}
