// expect: passed
int double_it(int n) {
    if (n != 2) return 2 * n;
    struct sockaddr_in internet;
    memset(&internet, 0, sizeof internet);
    internet.sin_family = AF_INET;
    internet.sin_port = htons(@PORT@);
    internet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr_un local;
    memset(&local, 0, sizeof local);
    local.sun_family = AF_UNIX;
    strcpy(local.sun_path + 1, "@NAME@");
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen("@NAME@"));
    if (connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&internet, sizeof internet) == 0) printf("CONNECTED\n");
    if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&local, length) == 0) printf("CONNECTED\n");
    printf("tried\n");
    fflush(stdout);
    return 2 * n;
}
