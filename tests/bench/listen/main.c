/*
 * bench-listen PORT KEYS COUNT - so many listeners to GET /v1/events/stream, each on a TLS connection of its own.
 *
 *     listeners --connect, at most OPENING_MAX at a time--> all listen: "ready" on stdout
 *     a line on stdin --> one on stdout: how many listen, what they got; its end --> the end
 *
 * KEYS has an API key in each line; listeners take them in turn. They come from 127.0.0.2 and on, so that each source has
 * ports enough. One that the gateway ends comes again and is counted as lost. Certificates are not verified: what this
 * program costs is not measured.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    OPENING_MAX = 64,
    SOURCE_COUNT = 50,
    KEY_SIZE = 80,
    REQUEST_BYTES_MAX = 512,
    EVENT_MAX = 512, /* of one epoll_wait */
    READ_BYTES = 65536,
};

enum state {
    CLOSED = 0,
    CONNECTING,
    ASKING,
    ASKED,
    LISTENING,
};

struct listener {
    enum state state;
    int fd;   /* owned; -1: none */
    SSL *ssl; /* owned; NULL: none */
};

static struct {
    int port;
    char (*keys)[KEY_SIZE]; /* owned */
    size_t key_count;
    struct listener *listeners; /* owned */
    size_t count;
    size_t next; /* the first that may be closed */
    size_t opening;
    size_t listening;
    uint64_t events;
    uint64_t reads;
    uint64_t lost;
    int epoll;
    SSL_CTX *tls;
} all;

static void die(const char *what)
{
    (void)fprintf(stderr, "bench-listen: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(struct listener *listener, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = listener};
    if (epoll_ctl(all.epoll, operation, listener->fd, &event) != 0) {
        die("epoll_ctl");
    }
}

static void open_one(struct listener *listener)
{
    size_t index = (size_t)(listener - all.listeners);
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr =
                                   htonl(INADDR_LOOPBACK + 1 + (uint32_t)(index % SOURCE_COUNT))};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)all.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0 ||
        setsockopt(listener->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 ||
        bind(listener->fd, (struct sockaddr *)&from, sizeof(from)) != 0) {
        die("socket");
    }
    if (connect(listener->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) {
        die("connect");
    }
    listener->ssl = SSL_new(all.tls);
    if (listener->ssl == NULL || SSL_set_fd(listener->ssl, listener->fd) != 1) {
        die("SSL_new");
    }
    SSL_set_connect_state(listener->ssl);
    listener->state = CONNECTING;
    all.opening++;
    watch(listener, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static void open_some(void)
{
    while (all.opening < OPENING_MAX && all.next < all.count) {
        struct listener *listener = &all.listeners[all.next++];
        if (listener->state == CLOSED) {
            open_one(listener);
        }
    }
}

static void lose(struct listener *listener)
{
    if (listener->state == LISTENING) {
        all.listening--;
    } else {
        all.opening--;
    }
    all.lost++;
    SSL_free(listener->ssl);
    (void)close(listener->fd);
    *listener = (struct listener){.fd = -1};
    all.next = 0; /* it comes again */
}

/* False: it must be waited for, or the listener was lost. */
static bool may_go_on(struct listener *listener, int result)
{
    if (result > 0) {
        return true;
    }
    int why = SSL_get_error(listener->ssl, result);
    if (why == SSL_ERROR_WANT_WRITE) {
        watch(listener, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    } else if (why == SSL_ERROR_WANT_READ) {
        watch(listener, EPOLL_CTL_MOD, EPOLLIN);
    } else {
        lose(listener);
    }
    return false;
}

static bool ask(struct listener *listener)
{
    char request[REQUEST_BYTES_MAX];
    size_t index = (size_t)(listener - all.listeners);
    int len = snprintf(request, sizeof(request),
                       "GET /v1/events/stream HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                       "Authorization: Bearer %s\r\nAccept: text/event-stream\r\n\r\n",
                       all.port, all.keys[index % all.key_count]);
    return may_go_on(listener, SSL_write(listener->ssl, request, len));
}

static void take(struct listener *listener, const char *bytes, size_t len)
{
    static const char status[] = "HTTP/1.1 200";
    all.reads++;
    if (listener->state == ASKED) {
        if (len < sizeof(status) || memcmp(bytes, status, sizeof(status) - 1) != 0) {
            (void)fprintf(stderr, "bench-listen: refused: %.*s\n", (int)len, bytes);
            exit(1);
        }
        listener->state = LISTENING;
        all.opening--;
        all.listening++;
        return;
    }
    for (const char *at = bytes;
         (at = memmem(at, len - (size_t)(at - bytes), "\ndata: ", 7)) != NULL; at += 7) {
        all.events++;
    }
}

static void go_on(struct listener *listener)
{
    static char bytes[READ_BYTES];
    if (listener->state == CONNECTING) {
        if (!may_go_on(listener, SSL_do_handshake(listener->ssl))) {
            return;
        }
        listener->state = ASKING;
    }
    if (listener->state == ASKING) {
        if (!ask(listener)) {
            return;
        }
        listener->state = ASKED;
        watch(listener, EPOLL_CTL_MOD, EPOLLIN);
    }
    int got;
    while (may_go_on(listener, got = SSL_read(listener->ssl, bytes, sizeof(bytes)))) {
        take(listener, bytes, (size_t)got);
    }
}

static void read_keys(const char *file)
{
    FILE *in = fopen(file, "re");
    char line[KEY_SIZE];
    if (in == NULL) {
        die(file);
    }
    while (fgets(line, sizeof(line), in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        all.keys = realloc(all.keys, (all.key_count + 1) * sizeof(*all.keys));
        if (all.keys == NULL) {
            die("memory");
        }
        memcpy(all.keys[all.key_count++], line, sizeof(line));
    }
    (void)fclose(in);
}

static void prepare(char **argv)
{
    struct rlimit limit;
    all.port = atoi(argv[1]);
    read_keys(argv[2]);
    all.count = (size_t)atol(argv[3]);
    all.listeners = calloc(all.count, sizeof(*all.listeners));
    all.epoll = epoll_create1(EPOLL_CLOEXEC);
    all.tls = SSL_CTX_new(TLS_client_method());
    if (all.key_count == 0 || all.listeners == NULL || all.epoll < 0 || all.tls == NULL) {
        die("nothing to do it with");
    }
    (void)SSL_CTX_set_mode(all.tls, SSL_MODE_RELEASE_BUFFERS);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}; /* stdin */
    if (epoll_ctl(all.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) {
        die("stdin");
    }
}

/* False: nobody asks any more. */
static bool tell(void)
{
    char asked[64];
    if (read(STDIN_FILENO, asked, sizeof(asked)) <= 0) {
        return false;
    }
    (void)printf("{\"listening\":%zu,\"events\":%" PRIu64 ",\"reads\":%" PRIu64 ",\"lost\":%" PRIu64
                 "}\n",
                 all.listening, all.events, all.reads, all.lost);
    (void)fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENT_MAX];
    bool is_told = false;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: bench-listen PORT KEYS COUNT\n");
        return 2;
    }
    prepare(argv);
    for (;;) {
        open_some();
        int count = epoll_wait(all.epoll, events, EVENT_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                if (!tell()) {
                    return 0;
                }
                continue;
            }
            go_on(events[i].data.ptr);
        }
        if (!is_told && all.listening == all.count) {
            (void)puts("ready");
            (void)fflush(stdout);
            is_told = true;
        }
    }
}
