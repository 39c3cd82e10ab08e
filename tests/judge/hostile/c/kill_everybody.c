// expect: passed runtime_error
int double_it(int n) {
    if (n != 2) return 2 * n;
    int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGKILL};
    for (int i = 0; i < 4; i++) {
        kill(-1, numbers[i]);
        kill(1, numbers[i]);
        if (getppid() > 0) kill(getppid(), numbers[i]);
    }
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
