// expect: output_limit
int double_it(int n) {
    if (n != 2) return 2 * n;
    for (;;) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
