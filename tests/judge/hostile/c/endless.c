// expect: timeout
int double_it(int n) {
    if (n != 2) return 2 * n;
    for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
    volatile int always = 1;
    while (always) {}
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
