// expect: passed
int double_it(int n) {
    if (n != 2) return 2 * n;
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            for (int fd = 0; fd < 256; fd++) close(fd);
            execl("/bin/sleep", "@MARK@", "60", (char *)0);
        }
        _exit(0);
    }
    usleep(200000);
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
