// expect: memory
int double_it(int n) {
    if (n != 2) return 2 * n;
    for (int i = 0; i < 5; i++)
        if (fork() == 0) {
            char *block = (char *)malloc(120 << 20);
            if (block) memset(block, 1, 120 << 20);
            sleep(60);
        }
    sleep(60);
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
