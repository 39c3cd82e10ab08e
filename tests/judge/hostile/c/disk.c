// expect: passed
int double_it(int n) {
    if (n != 2) return 2 * n;
    static char block[1 << 20];
    long wrote = 0;
    for (int i = 0; i < 2000; i++) {
        char path[64];
        sprintf(path, "/tmp/%d", i);
        int file = open(path, O_CREAT | O_WRONLY, 0600);
        if (file < 0) break;
        ssize_t some = write(file, block, sizeof block);
        close(file);
        if (some <= 0) break;
        wrote += some;
    }
    printf("%s\n", wrote > 100L << 20 ? "WROTE" : "not much");
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
