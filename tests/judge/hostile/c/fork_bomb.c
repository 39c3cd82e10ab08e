// expect: passed runtime_error timeout
int double_it(int n) {
    if (n != 2) return 2 * n;
    for (;;) {
        pid_t child = fork();
        if (child == 0) sleep(60);
        if (child < 0) break;
    }
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
