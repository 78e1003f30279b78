/*
 * attack-slow: thousands of slow TLS clients at once, each of which measures when it was closed.
 *
 *     attack-slow --port N [--head N] [--body N] [--read N] [--hello N] [--from N]
 *                 [--addresses N] [--per-second N] [--drip-ms N] [--steady] [--path PATH] [--authorization TEXT]
 *
 *     connect, handshake, one small request --> waits until all are there --> attacks
 *
 *     head    begins a request and sends a byte of a header now and then
 *     body    announces 60,000 bytes; every other one sends just enough to stay above the minimum
 *             rate, the rest a byte now and then
 *     read    asks for a large answer many times over, and reads nothing (its window is tiny)
 *     hello   never gets so far: a part of a ClientHello, then nothing
 *
 * They come from --addresses addresses, 127.0.0.<from> the first.
 *
 * The first request, and the pause behind it, bring all of them to the start line in time: each
 * attack's deadline begins with its own first byte, not with the connection. --steady leaves that
 * out: each attacks as soon as it is connected.
 *
 * While it waits and attacks it reads lines from stdin: "go" starts the attack (without --steady).
 * It prints "ready N" when all are there, and at the end one JSON document: per kind how many
 * attacked, how many were closed, how late the first, the median and the last, in milliseconds from
 * the attack's first byte.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENT_MAX = 512,
    STEP_MS = 20,
    GIVE_UP_MS = 60000, /* after the start of the attack */
    START_MS = 2000,    /* the attack begins within this */
    BODY_BYTES = 60000,
    STEADY_BYTES = 400, /* a drip of those who stay above the minimum rate, twice a second */
    READ_REQUESTS = 40,
    REQUEST_MAX = 2048,
};

enum kind { KIND_HEAD = 0, KIND_BODY, KIND_READ, KIND_HELLO, KIND_COUNT };
static const char *const kind_names[KIND_COUNT] = {"head", "body", "read", "hello"};

enum state {
    STATE_NONE = 0,
    STATE_CONNECTING,
    STATE_SHAKING,
    STATE_WARMING, /* the small request is under way */
    STATE_WAITING,
    STATE_ATTACKING,
    STATE_CLOSED,
    STATE_FAILED, /* never got to attack */
};

struct attacker {
    int fd;
    SSL *ssl;
    enum kind kind;
    enum state state;
    int64_t from_ms;   /* of the attack */
    int64_t closed_ms; /* after it */
    int64_t drip_at_ms;
    bool is_steady; /* keeps a minimum rate */
};

static struct {
    int port;
    size_t count[KIND_COUNT];
    unsigned addresses;
    unsigned first_address;
    size_t per_second;
    int64_t drip_ms;
    bool at_once;
    const char *path;
    const char *authorization;
} options = {.addresses = 1,
             .first_address = 1,
             .per_second = 1000,
             .drip_ms = 1000,
             .path = "/openapi.json"};

static struct attacker *attackers;
static size_t attacker_count;
static size_t started; /* connections begun */
static size_t arrived; /* waiting, or failed */
static size_t attacking;
static size_t ended;
static size_t most_attacking;
static SSL_CTX *context;
static int poll_fd;

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void give_up(const char *what)
{
    (void)fprintf(stderr, "attack-slow: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- one attacker ---------------------------------------------------------------------------- */

static void end(struct attacker *a)
{
    if (a->state == STATE_ATTACKING) {
        a->closed_ms = now_ms() - a->from_ms;
        a->state = STATE_CLOSED;
        attacking--;
    } else {
        if (a->state != STATE_WAITING)
            arrived++;
        a->state = STATE_FAILED;
    }
    ended++;
    SSL_free(a->ssl);
    a->ssl = NULL;
    (void)close(a->fd);
}

/* All of it or the end: what we send is small, but for one who does not read. */
static bool put(struct attacker *a, const char *bytes, size_t len)
{
    ERR_clear_error();
    int sent = a->ssl != NULL ? SSL_write(a->ssl, bytes, (int)len)
                              : (int)send(a->fd, bytes, len, MSG_NOSIGNAL);
    if (sent > 0)
        return true;
    int why = a->ssl != NULL ? SSL_get_error(a->ssl, sent) : SSL_ERROR_SYSCALL;
    if (why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ)
        return true; /* the server does not read either */
    end(a);
    return false;
}

static void begin(struct attacker *a)
{
    char request[REQUEST_MAX];
    int len = 0;
    a->state = STATE_ATTACKING;
    a->from_ms = now_ms();
    a->drip_at_ms = a->from_ms + rand() % (int)options.drip_ms;
    arrived++;
    attacking++;
    if (attacking > most_attacking)
        most_attacking = attacking;
    switch (a->kind) {
    case KIND_HEAD:
        len = snprintf(request, sizeof request,
                       "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
        break;
    case KIND_BODY:
        len = snprintf(request, sizeof request,
                       "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\n"
                       "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n{",
                       BODY_BYTES);
        break;
    case KIND_READ:
        len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n",
                       options.path, options.authorization != NULL ? "Authorization: " : "",
                       options.authorization != NULL ? options.authorization : "",
                       options.authorization != NULL ? "\r\n" : "");
        break;
    case KIND_HELLO:
        len = snprintf(request, sizeof request, "%c%c%c%c%c%c%c%c%c%c", 22, 3, 1, 2, 0, 1, 0, 1,
                       0xfc, 3);
        break;
    case KIND_COUNT:
        break;
    }
    int times = a->kind == KIND_READ ? READ_REQUESTS : 1;
    for (int i = 0; i < times && a->state == STATE_ATTACKING; i++)
        (void)put(a, request, (size_t)len);
}

static void drip(struct attacker *a, int64_t now)
{
    static char steady[STEADY_BYTES];
    if (a->kind == KIND_READ || now < a->drip_at_ms)
        return;
    a->drip_at_ms = now + (a->is_steady ? 500 : options.drip_ms);
    memset(steady, ' ', sizeof steady);
    (void)put(a, steady, a->is_steady ? sizeof steady : 1);
}

static void warm(struct attacker *a)
{
    static const char request[] = "GET /warm HTTP/1.1\r\nHost: localhost\r\n\r\n";
    a->state = STATE_WARMING;
    (void)put(a, request, sizeof request - 1);
}

static void shake(struct attacker *a)
{
    ERR_clear_error();
    int result = SSL_do_handshake(a->ssl);
    if (result == 1) {
        if (options.at_once)
            begin(a);
        else
            warm(a);
        return;
    }
    int why = SSL_get_error(a->ssl, result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        end(a);
}

/* Read what has come; an end or an error ends the attacker. One who does not read only looks. */
static void look(struct attacker *a)
{
    char bytes[4096];
    if (a->state == STATE_ATTACKING && (a->kind == KIND_READ || a->ssl == NULL)) {
        ssize_t got = recv(a->fd, bytes, 1, MSG_PEEK | MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            end(a);
        return;
    }
    for (;;) {
        ERR_clear_error();
        int got = SSL_read(a->ssl, bytes, sizeof bytes);
        if (got <= 0) {
            int why = SSL_get_error(a->ssl, got);
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
                end(a);
            return;
        }
        if (a->state == STATE_WARMING) { /* its whole answer comes in one record */
            a->state = STATE_WAITING;
            arrived++;
        }
    }
}

static void on_event(struct attacker *a, uint32_t what)
{
    if (a->state == STATE_CLOSED || a->state == STATE_FAILED)
        return;
    if (what & (EPOLLHUP | EPOLLERR)) {
        end(a); /* reset: whatever lies unread does not matter */
        return;
    }
    if (a->state == STATE_CONNECTING) {
        a->state = STATE_SHAKING;
        if (a->kind == KIND_HELLO) {
            begin(a);
            return;
        }
    }
    if (a->state == STATE_SHAKING)
        shake(a);
    else if (a->kind == KIND_READ && a->state == STATE_ATTACKING && (what & EPOLLRDHUP))
        end(a); /* it would find out behind what it does not read */
    else if (what & (EPOLLIN | EPOLLRDHUP))
        look(a);
}

static void dial(struct attacker *a, size_t number)
{
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f000000 + options.first_address +
                                                        (uint32_t)(number % options.addresses))};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)options.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int tiny = 1;
    a->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (a->fd < 0)
        give_up("cannot make a socket");
    /* So that thousands of ports of one address may be taken at once. */
    (void)setsockopt(a->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (a->kind == KIND_READ)
        (void)setsockopt(a->fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny);
    if (bind(a->fd, (struct sockaddr *)&from, sizeof from) != 0)
        give_up("cannot bind");
    if (connect(a->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
        give_up("cannot connect");
    a->state = STATE_CONNECTING;
    if (a->kind != KIND_HELLO) {
        a->ssl = SSL_new(context);
        if (a->ssl == NULL || SSL_set_fd(a->ssl, a->fd) != 1)
            give_up("no TLS");
        SSL_set_connect_state(a->ssl);
    }
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                 .data.ptr = a};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, a->fd, &wanted) != 0)
        give_up("cannot poll");
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void make_attackers(void)
{
    for (int kind = 0; kind < KIND_COUNT; kind++)
        attacker_count += options.count[kind];
    attackers = calloc(attacker_count, sizeof *attackers);
    if (attackers == NULL)
        give_up("no memory");
    size_t left[KIND_COUNT];
    memcpy(left, options.count, sizeof left);
    for (size_t i = 0, kind = 0; i < attacker_count;
         i++, kind++) { /* mixed, so all kinds ramp up */
        while (left[kind % KIND_COUNT] == 0)
            kind++;
        attackers[i].kind = (enum kind)(kind % KIND_COUNT);
        attackers[i].is_steady = attackers[i].kind == KIND_BODY && i % 2 == 0;
        left[kind % KIND_COUNT]--;
    }
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        give_up("no limit of descriptors");
    if (limit.rlim_cur < attacker_count + 64) {
        limit.rlim_cur = attacker_count + 64;
        if (limit.rlim_max < limit.rlim_cur)
            limit.rlim_max = limit.rlim_cur;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            give_up("too few file descriptors");
    }
}

static void poll_once(int wait_ms)
{
    struct epoll_event events[EVENT_MAX];
    int count = epoll_wait(poll_fd, events, EVENT_MAX, wait_ms);
    for (int i = 0; i < count; i++)
        on_event(events[i].data.ptr, events[i].events);
}

static void drip_all(void)
{
    static int64_t next;
    int64_t now = now_ms();
    if (now < next)
        return;
    next = now + STEP_MS;
    for (size_t i = 0; i < started; i++) {
        if (attackers[i].state == STATE_ATTACKING)
            drip(&attackers[i], now);
    }
}

/* At most so many a second, evenly. */
static void ramp_up(void)
{
    int64_t from = now_ms();
    while (started < attacker_count) {
        size_t due = (size_t)(now_ms() - from + 1) * options.per_second / 1000 + 1;
        for (; started < attacker_count && started < due; started++)
            dial(&attackers[started], started);
        poll_once(1);
        drip_all();
    }
    from = now_ms();
    while (arrived < attacker_count && now_ms() - from < GIVE_UP_MS) {
        poll_once(STEP_MS);
        drip_all();
    }
}

static void attack(void)
{
    char line[16];
    (void)printf("ready %zu\n", arrived - ended);
    (void)fflush(stdout);
    if (!options.at_once) {
        if (fgets(line, sizeof line, stdin) == NULL)
            exit(1);
        int64_t begun = now_ms();
        for (size_t i = 0; i < attacker_count; i++) {
            if (attackers[i].state == STATE_WAITING) {
                arrived--;
                begin(&attackers[i]);
            }
            while (i % 16 == 0 && i * START_MS / attacker_count > (size_t)(now_ms() - begun)) {
                poll_once(1);
                drip_all();
            }
        }
        (void)printf("attacking %zu\n", attacking);
        (void)fflush(stdout);
    }
    int64_t from = now_ms();
    while (attacking > 0 && now_ms() - from < GIVE_UP_MS) {
        poll_once(STEP_MS);
        drip_all();
    }
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void print_kind(enum kind kind, bool is_first)
{
    int64_t *times = calloc(attacker_count + 1, sizeof *times);
    size_t closed = 0;
    size_t failed = 0;
    for (size_t i = 0; i < attacker_count; i++) {
        if (attackers[i].kind != kind)
            continue;
        if (attackers[i].state == STATE_CLOSED)
            times[closed++] = attackers[i].closed_ms;
        failed += attackers[i].state == STATE_FAILED;
    }
    qsort(times, closed, sizeof *times, compare);
    (void)printf("%s\"%s\":{\"wanted\":%zu,\"failed\":%zu,\"closed\":%zu,\"left\":%zu,"
                 "\"first_ms\":%lld,\"median_ms\":%lld,\"last_ms\":%lld}",
                 is_first ? "" : ",", kind_names[kind], options.count[kind], failed, closed,
                 options.count[kind] - failed - closed, closed > 0 ? (long long)times[0] : 0,
                 closed > 0 ? (long long)times[closed / 2] : 0,
                 closed > 0 ? (long long)times[closed - 1] : 0);
    free(times);
}

static void print_result(void)
{
    bool is_first = true;
    (void)printf("{\"attacked_at_once\":%zu,\"kinds\":{", most_attacking);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (options.count[kind] > 0) {
            print_kind((enum kind)kind, is_first);
            is_first = false;
        }
    }
    (void)puts("}}");
}

/* ---- options --------------------------------------------------------------------------------- */

static void take_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--steady") == 0) {
            options.at_once = true;
            continue;
        }
        const char *value = i + 1 < argc ? argv[++i] : "";
        long number = strtol(value, NULL, 10);
        if (strcmp(name, "--port") == 0)
            options.port = (int)number;
        else if (strcmp(name, "--addresses") == 0)
            options.addresses = (unsigned)number;
        else if (strcmp(name, "--from") == 0)
            options.first_address = (unsigned)number;
        else if (strcmp(name, "--per-second") == 0)
            options.per_second = (size_t)number;
        else if (strcmp(name, "--drip-ms") == 0)
            options.drip_ms = number;
        else if (strcmp(name, "--path") == 0)
            options.path = value;
        else if (strcmp(name, "--authorization") == 0)
            options.authorization = value;
        else {
            int kind = 0;
            while (kind < KIND_COUNT &&
                   strcmp(name + (strlen(name) > 2 ? 2 : 0), kind_names[kind]) != 0)
                kind++;
            if (kind == KIND_COUNT) {
                (void)fprintf(stderr, "attack-slow: what is %s?\n", name);
                exit(2);
            }
            options.count[kind] = (size_t)number;
        }
    }
    if (options.port == 0 || options.addresses == 0 || options.per_second == 0 ||
        options.drip_ms <= 0) {
        (void)fprintf(stderr, "attack-slow: --port and counts are needed\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    take_options(argc, argv);
    (void)signal(SIGPIPE, SIG_IGN);
    make_attackers();
    raise_descriptors();
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    context = SSL_CTX_new(TLS_client_method());
    if (poll_fd < 0 || context == NULL)
        give_up("cannot start");
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ramp_up();
    attack();
    print_result();
    return 0;
}
