// expect: memory runtime_error
int double_it(int n) {
    if (n != 2) return 2 * n;
    for (;;) {
        char *block = (char *)malloc(1 << 24);
        memset(block, 1, 1 << 24);
    }
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
