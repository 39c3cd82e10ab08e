// expect: passed
int double_it(int n) {
    if (n != 2) return 2 * n;
    const char *targets[] = {"/", "@HOME@", "@TMP@", "/proc/1/root"};
    for (int i = 0; i < 4; i++) {
        char link[64], inside[128];
        sprintf(link, "/tmp/link%d", i);
        if (symlink(targets[i], link)) continue;
        sprintf(inside, "%s/@MARK@", link);
        int file = open(inside, O_CREAT | O_WRONLY, 0666);
        if (file >= 0 && i == 0) printf("WROTE\n");
        sprintf(inside, "%s/secret", link);
        if (open(inside, O_RDONLY) >= 0) printf("READ\n");
    }
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
