/*
 * A connection:
 *
 *     CLOSED --open--> CONNECTING --handshake done--> IDLE --ask--> ASKED --whole answer--> IDLE
 *        ^                 |                           |              |
 *        +---- failed -----+-------- closed -----------+---- lost ----+
 *
 * In the closed loop one that was closed is opened again at once. In the open loop a pool behaves as
 * those of usual clients: it begins with `initial` connections, opens another when a request finds
 * none idle, and opens none again that the server closed while it was idle. The one that was idle
 * longest is used first, so that none grows old. After a failure to connect there is a pause.
 */
#include "tests/bench/load/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    EVENT_COUNT = 256,
    RETRY_US = 50000,
    LOOK_US = 2000,
    KEY_SIZE = 37,
};

enum connection_state {
    CONNECTION_CLOSED = 0,
    CONNECTION_CONNECTING,
    CONNECTION_IDLE,
    CONNECTION_ASKED,
};

struct connection {
    enum connection_state state;
    int fd;
    SSL *tls; /* owned */
    struct pool *pool;
    struct connection *next; /* in pool->idle */
    struct connection *previous;
    int64_t scheduled_us;
    int64_t retry_us; /* CLOSED: open again then */
    bool counted;     /* in pool->open_count */
    bool wants_write;
    char key[KEY_SIZE];
    size_t out_len;
    size_t out_sent;
    size_t in_len;
    char *out; /* owned */
    char *in;  /* owned */
};

/* splitmix64 */
uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void watch(struct load *load, struct connection *c, bool wants_write)
{
    struct epoll_event event = {.events = EPOLLIN | (wants_write ? (uint32_t)EPOLLOUT : 0),
                                .data.ptr = c};
    if (c->wants_write == wants_write)
        return;
    c->wants_write = wants_write;
    (void)epoll_ctl(load->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void add_idle(struct connection *c)
{
    struct pool *pool = c->pool;
    c->state = CONNECTION_IDLE;
    c->next = NULL;
    c->previous = pool->last_idle;
    *(pool->last_idle != NULL ? &pool->last_idle->next : &pool->idle) = c;
    pool->last_idle = c;
}

static void remove_idle(struct connection *c)
{
    struct pool *pool = c->pool;
    *(c->previous != NULL ? &c->previous->next : &pool->idle) = c->next;
    *(c->next != NULL ? &c->next->previous : &pool->last_idle) = c->previous;
}

static void close_connection(struct connection *c, int64_t retry_us)
{
    if (c->state == CONNECTION_IDLE)
        remove_idle(c);
    if (c->counted)
        c->pool->open_count--;
    c->counted = false;
    if (c->state != CONNECTION_CLOSED)
        c->pool->live_count--;
    SSL_free(c->tls);
    c->tls = NULL;
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    c->state = CONNECTION_CLOSED;
    c->retry_us = retry_us;
}

static void open_connection(struct load *load, struct connection *c)
{
    const int one = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    c->state = CONNECTION_CONNECTING;
    c->pool->live_count++;
    c->fd = socket(load->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        give_up("no socket: %s (ulimit -n?)", strerror(errno));
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(c->fd, (const struct sockaddr *)&load->address, load->address_len) != 0 &&
        errno != EINPROGRESS) {
        load->connect_failures++;
        close_connection(c, now_us() + RETRY_US);
        return;
    }
    c->tls = SSL_new(load->tls);
    if (c->tls == NULL || SSL_set_fd(c->tls, c->fd) != 1)
        give_up("no TLS session");
    SSL_set_connect_state(c->tls);
    c->wants_write = true;
    c->in_len = 0;
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        give_up("epoll: %s", strerror(errno));
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void make_key(struct load *load, char key[KEY_SIZE])
{
    uint64_t high = random_next(&load->rng);
    uint64_t low = random_next(&load->rng);
    (void)snprintf(key, KEY_SIZE, "%08x-%04x-4%03x-8%03x-%04x%08x", (unsigned)(high >> 32),
                   (unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xfff,
                   (unsigned)(low >> 48) & 0xfff, (unsigned)(low >> 32) & 0xffff, (unsigned)low);
}

/* `template` with every ${key} replaced; returns the length. */
static size_t fill(char *out, size_t room, const char *template, const char *key)
{
    static const char place[] = "${key}";
    size_t len = 0;
    size_t key_len = strlen(key);
    while (*template != '\0') {
        bool is_place = strncmp(template, place, sizeof(place) - 1) == 0;
        if (len + key_len + 1 >= room)
            give_up("a request is over %d bytes", REQUEST_BYTES_MAX);
        if (is_place) {
            memcpy(out + len, key, key_len);
            len += key_len;
            template += sizeof(place) - 1;
        } else {
            out[len++] = *template ++;
        }
    }
    out[len] = '\0';
    return len;
}

static void build(struct load *load, struct connection *c)
{
    struct load_class *class = c->pool->class;
    char body[REQUEST_BYTES_MAX / 2];
    char path[1024];
    const char *template = class->body;
    const char *headers = class->headers;
    const char *own_header = NULL;
    char *line = NULL;
    make_key(load, c->key);
    (void)snprintf(path, sizeof(path), "%s", class->path != NULL ? class->path : "");
    if (class->line_count > 0) {
        line = strdup(class->lines[class->line_at++ % class->line_count]);
        if (line == NULL)
            give_up("out of memory");
        char *rest = line;
        (void)snprintf(path, sizeof(path), "%s", strsep(&rest, "\t"));
        const char *key = strsep(&rest, "\t");
        const char *own_body = strsep(&rest, "\t");
        own_header = strsep(&rest, "\t");
        if (key != NULL && key[0] != '\0')
            (void)snprintf(c->key, sizeof(c->key), "%s", key);
        if (own_body != NULL && own_body[0] != '\0')
            template = own_body;
    }
    size_t body_len = fill(body, sizeof(body), template, c->key);
    char key_line[KEY_SIZE + 32] = "";
    char body_lines[80] = "";
    if (class->keyed)
        (void)snprintf(key_line, sizeof(key_line), "Idempotency-Key: \"%s\"\r\n", c->key);
    if (body_len > 0)
        (void)snprintf(body_lines, sizeof(body_lines),
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n", body_len);
    int len =
        snprintf(c->out, REQUEST_BYTES_MAX, "%s %s HTTP/1.1\r\nHost: %s:%d\r\n%s%s%s%s%s\r\n%s",
                 class->method, path, load->spec->host, load->spec->port, headers,
                 own_header != NULL ? own_header : "", own_header != NULL ? "\r\n" : "", key_line,
                 body_lines, body);
    if (len < 0 || len >= REQUEST_BYTES_MAX)
        give_up("a request is over %d bytes", REQUEST_BYTES_MAX);
    c->out_len = (size_t)len;
    c->out_sent = 0;
    free(line);
}

static void note(struct load *load, struct connection *c, unsigned status)
{
    struct record *record = &load->record;
    const int64_t now = now_us();
    const int64_t since_us = now - load->window_at_us;
    const int64_t scheduled_us = c->scheduled_us - load->window_at_us;
    const unsigned class = (unsigned)(c->pool - load->pool);
    const bool is_good = status >= 200 && status < 300;
    load->in_flight--;
    if (is_good)
        __atomic_fetch_add(&load->done, 1, __ATOMIC_RELAXED);
    record->total[class][status]++;
    if (load->phase == PHASE_WINDOW) {
        record->window[class][status]++;
        if (is_good && since_us >= 0 && since_us / 1000000 < SECOND_MAX)
            record->done_in_second[since_us / 1000000]++;
    }
    if (load->phase >= PHASE_WINDOW && scheduled_us >= 0 && scheduled_us < load->spec->window_us) {
        const struct sample sample = {
            .latency_us = (uint32_t)(now - c->scheduled_us),
            .at_ms = (uint32_t)(scheduled_us / 1000),
            .status = (uint16_t)status,
            .class = (uint8_t) class,
        };
        record_add(record, &sample);
    }
    if (record->log != NULL)
        (void)fprintf(record->log, "%s\t%u\t%lld\n", c->key, status,
                      (long long)(now - c->scheduled_us));
}

static void lose(struct load *load, struct connection *c, const char *why)
{
    if (c->state == CONNECTION_ASKED) {
        note(load, c, STATUS_LOST);
        if (load->lost_count < LOST_TOLD_MAX)
            load->lost[load->lost_count++] = why;
    }
    if (c->state == CONNECTION_CONNECTING) {
        load->connect_failures++;
        close_connection(c, now_us() + RETRY_US);
        return;
    }
    load->closed++;
    close_connection(c, 0);
}

/* And forget it: an error left in OpenSSL's queue would be taken for that of the next call. */
static const char *why_tls(int why)
{
    ERR_clear_error();
    if (why == SSL_ERROR_ZERO_RETURN)
        return "closed";
    return why == SSL_ERROR_SYSCALL ? "reset" : "tls";
}

static void push_out(struct load *load, struct connection *c)
{
    while (c->out_sent < c->out_len) {
        int n = SSL_write(c->tls, c->out + c->out_sent, (int)(c->out_len - c->out_sent));
        if (n <= 0) {
            int why = SSL_get_error(c->tls, n);
            if (why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ) {
                watch(load, c, why == SSL_ERROR_WANT_WRITE);
                return;
            }
            lose(load, c, why_tls(why));
            return;
        }
        c->out_sent += (size_t)n;
    }
    watch(load, c, false);
}

static void ask(struct load *load, struct connection *c, int64_t scheduled_us)
{
    c->scheduled_us = scheduled_us;
    c->state = CONNECTION_ASKED;
    c->in_len = 0;
    load->in_flight++;
    build(load, c);
    push_out(load, c);
}

/* ---- the backlog of the open loop ---- */

static void backlog_add(struct pool *pool, int64_t scheduled_us)
{
    if (pool->backlog_count == pool->backlog_room) {
        size_t room = pool->backlog_room == 0 ? 4096 : pool->backlog_room * 2;
        int64_t *larger = calloc(room, sizeof(*larger));
        if (larger == NULL)
            give_up("out of memory");
        for (size_t i = 0; i < pool->backlog_count; i++)
            larger[i] = pool->backlog[(pool->backlog_at + i) % pool->backlog_room];
        free(pool->backlog);
        pool->backlog = larger;
        pool->backlog_at = 0;
        pool->backlog_room = room;
    }
    pool->backlog[(pool->backlog_at + pool->backlog_count++) % pool->backlog_room] = scheduled_us;
}

static int64_t backlog_take(struct pool *pool)
{
    int64_t scheduled_us = pool->backlog[pool->backlog_at];
    pool->backlog_at = (pool->backlog_at + 1) % pool->backlog_room;
    pool->backlog_count--;
    return scheduled_us;
}

/* A connection has nothing to do: the next request, or onto the stack. */
static void become_idle(struct load *load, struct connection *c)
{
    struct pool *pool = c->pool;
    if (pool->backlog_count > 0 && load->phase != PHASE_CONNECT) {
        ask(load, c, backlog_take(pool));
        return;
    }
    bool is_closed_loop = load->spec->rate <= 0;
    if (is_closed_loop && (load->phase == PHASE_WARMUP || load->phase == PHASE_WINDOW)) {
        ask(load, c, now_us());
        return;
    }
    add_idle(c);
}

/* The closed loop begins by and by, over the first half of the warm-up: clients come one by one. */
static void start_some(struct load *load, struct pool *pool, int64_t now)
{
    const size_t all = pool->class->connection_count;
    const int64_t ramp_us = load->spec->warmup_us / 2;
    const int64_t since_us = now - (load->window_at_us - load->spec->warmup_us);
    size_t wanted = since_us >= ramp_us ? all : all * (size_t)since_us / (size_t)ramp_us + 1;
    for (; pool->started < wanted && pool->idle != NULL; pool->started++) {
        struct connection *c = pool->idle;
        remove_idle(c);
        ask(load, c, now);
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

static const char *find_header(const char *head, const char *end, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = memchr(head, '\n', (size_t)(end - head)); line != NULL && line < end;
         line = memchr(line, '\n', (size_t)(end - line))) {
        line++;
        if ((size_t)(end - line) > len && strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1;
    }
    return NULL;
}

/* The answer's status when it is whole; 0 when more must come; -1 when it cannot be read. */
static int parse(const struct connection *c, bool *closes)
{
    const char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    if (end == NULL)
        return c->in_len < ANSWER_BYTES_MAX ? 0 : -1;
    if (c->in_len < 12 || memcmp(c->in, "HTTP/1.1 ", 9) != 0)
        return -1;
    const char *length = find_header(c->in, end + 2, "Content-Length");
    if (length == NULL)
        return -1;
    size_t whole = (size_t)(end + 4 - c->in) + (size_t)strtoul(length, NULL, 10);
    if (whole > ANSWER_BYTES_MAX || c->in_len > whole)
        return -1;
    if (c->in_len < whole)
        return 0;
    const char *connection = find_header(c->in, end + 2, "Connection");
    *closes =
        connection != NULL && strncasecmp(connection + strspn(connection, " "), "close", 5) == 0;
    int status = (int)strtol(c->in + 9, NULL, 10);
    return status >= 100 && status < STATUS_MAX ? status : -1;
}

static void pull_in(struct load *load, struct connection *c)
{
    for (;;) {
        int n = SSL_read(c->tls, c->in + c->in_len, (int)(ANSWER_BYTES_MAX - c->in_len));
        if (n <= 0) {
            int why = SSL_get_error(c->tls, n);
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
                lose(load, c, why_tls(why));
            }
            return;
        }
        c->in_len += (size_t)n;
        if (c->state != CONNECTION_ASKED) {
            lose(load, c, "unasked");
            return;
        }
        bool closes = false;
        int status = parse(c, &closes);
        if (status < 0) {
            lose(load, c, "unreadable");
            return;
        }
        if (status > 0) {
            note(load, c, (unsigned)status);
            if (closes) {
                load->closed++;
                close_connection(c, 0);
            } else {
                become_idle(load, c);
            }
            return;
        }
    }
}

static void shake_hands(struct load *load, struct connection *c)
{
    int n = SSL_do_handshake(c->tls);
    if (n == 1) {
        c->counted = true;
        c->pool->open_count++;
        watch(load, c, false);
        become_idle(load, c);
        return;
    }
    int why = SSL_get_error(c->tls, n);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        watch(load, c, why == SSL_ERROR_WANT_WRITE);
        return;
    }
    lose(load, c, why_tls(why));
}

static void handle(struct load *load, struct connection *c, uint32_t events)
{
    switch (c->state) {
    case CONNECTION_CLOSED:
        return; /* of an earlier socket */
    case CONNECTION_CONNECTING:
        shake_hands(load, c);
        return;
    case CONNECTION_ASKED:
        if ((events & EPOLLOUT) != 0 && c->out_sent < c->out_len)
            push_out(load, c);
        if (c->state == CONNECTION_ASKED && (events & ~(uint32_t)EPOLLOUT) != 0)
            pull_in(load, c);
        return;
    case CONNECTION_IDLE:
        pull_in(load, c);
        return;
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* The rate grows over the first half of the warm-up: nobody's clients all come at once. */
static double rate_at(const struct load *load, int64_t at_us)
{
    const struct load_spec *spec = load->spec;
    int64_t ramp_us = spec->warmup_us / 2;
    int64_t since_us = at_us - (load->window_at_us - spec->warmup_us);
    if (since_us >= ramp_us)
        return spec->rate;
    return spec->rate * (0.1 + 0.9 * (double)since_us / (double)ramp_us);
}

static int64_t draw_pause_us(struct load *load)
{
    double u = ((double)(random_next(&load->rng) >> 11) + 1) / 9007199254740993.0; /* (0, 1] */
    return (int64_t)(-log(u) / rate_at(load, load->next_us) * 1e6);
}

static struct pool *draw_pool(struct load *load)
{
    double sum = 0;
    for (size_t i = 0; i < load->spec->class_count; i++)
        sum += load->spec->class[i].share;
    double at = (double)(random_next(&load->rng) >> 11) / 9007199254740992.0 * sum;
    for (size_t i = 0; i + 1 < load->spec->class_count; i++) {
        at -= load->spec->class[i].share;
        if (at < 0)
            return &load->pool[i];
    }
    return &load->pool[load->spec->class_count - 1];
}

static void ask_due(struct load *load)
{
    int64_t now = now_us();
    while (load->next_us <= now) {
        struct pool *pool = draw_pool(load);
        struct connection *c = pool->idle;
        if (c == NULL) {
            backlog_add(pool, load->next_us);
        } else {
            remove_idle(c);
            ask(load, c, load->next_us);
        }
        load->next_us += draw_pause_us(load);
    }
}

uint64_t load_waiting(const struct load *load)
{
    uint64_t waiting = load->in_flight;
    for (size_t i = 0; i < load->spec->class_count; i++)
        waiting += load->pool[i].backlog_count;
    return waiting;
}

static void note_waiting(struct load *load, int64_t now)
{
    int64_t second = (now - load->window_at_us) / 1000000;
    uint64_t waiting = load_waiting(load);
    if (load->phase == PHASE_WINDOW && second >= 0 && second < SECOND_MAX &&
        waiting > load->record.waiting_at_second[second])
        load->record.waiting_at_second[second] = (uint32_t)waiting;
}

/* As many as the closed loop has, or the open loop began with, or what waits asks for. */
static void open_wanted(struct load *load, struct pool *pool, int64_t now)
{
    const struct load_class *class = pool->class;
    size_t wanted = class->connection_count;
    if (load->spec->rate > 0) {
        wanted = load->phase == PHASE_CONNECT ? class->initial_count
                                              : pool->live_count + pool->backlog_count;
        if (pool->backlog_count > 0) /* those being opened are for what waits */
            wanted -= pool->live_count - pool->open_count < pool->backlog_count
                          ? pool->live_count - pool->open_count
                          : pool->backlog_count;
    }
    if (wanted > class->connection_count)
        wanted = class->connection_count;
    for (size_t n = 0; n < class->connection_count && pool->live_count < wanted; n++) {
        struct connection *c = &pool->connections[n];
        if (c->state == CONNECTION_CLOSED && c->retry_us <= now)
            open_connection(load, c);
    }
}

static void open_all_wanted(struct load *load, int64_t now)
{
    for (size_t i = 0; i < load->spec->class_count; i++)
        open_wanted(load, &load->pool[i], now);
}

static void wait_ready(struct load *load, int64_t until_us)
{
    struct epoll_event events[EVENT_COUNT];
    int64_t pause_us = until_us - now_us();
    if (pause_us < 0)
        pause_us = 0;
    struct timespec pause = {.tv_sec = pause_us / 1000000, .tv_nsec = pause_us % 1000000 * 1000};
    int count = epoll_pwait2(load->epoll, events, EVENT_COUNT, &pause, NULL);
    for (int i = 0; i < count; i++)
        handle(load, events[i].data.ptr, events[i].events);
}

void load_run(struct load *load, int64_t until_us)
{
    bool paces = load->spec->rate > 0 && load->phase != PHASE_DRAIN;
    int64_t look_us = 0;
    for (;;) {
        int64_t now = now_us();
        if (now >= until_us || (load->phase == PHASE_DRAIN && load_waiting(load) == 0))
            return;
        if (now >= look_us) {
            note_waiting(load, now);
            look_us = now + LOOK_US;
            open_all_wanted(load, now);
            for (size_t i = 0; !paces && i < load->spec->class_count; i++) {
                if (load->phase != PHASE_DRAIN)
                    start_some(load, &load->pool[i], now);
            }
        }
        int64_t wake_us = look_us < until_us ? look_us : until_us;
        if (paces) {
            ask_due(load);
            if (load->next_us < wake_us)
                wake_us = load->next_us;
        }
        wait_ready(load, wake_us);
    }
}

bool load_connect(struct load *load, int64_t wait_us)
{
    int64_t until_us = now_us() + wait_us;
    for (;;) {
        bool all = true;
        open_all_wanted(load, now_us());
        wait_ready(load, now_us() + RETRY_US);
        for (size_t i = 0; i < load->spec->class_count; i++)
            all = all && load->pool[i].open_count >= (load->spec->rate > 0
                                                          ? load->spec->class[i].initial_count
                                                          : load->spec->class[i].connection_count);
        if (all)
            return true;
        if (now_us() > until_us)
            return false;
    }
}

static void init_address(struct load *load)
{
    struct sockaddr_in *address = (struct sockaddr_in *)(void *)&load->address;
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)load->spec->port);
    load->address_len = sizeof(*address);
    if (inet_pton(AF_INET, load->spec->host, &address->sin_addr) != 1)
        give_up("\"host\" must be an IPv4 address, not \"%s\"", load->spec->host);
}

static void init_tls(struct load *load)
{
    load->tls = SSL_CTX_new(TLS_client_method());
    if (load->tls == NULL || SSL_CTX_set_min_proto_version(load->tls, TLS1_2_VERSION) != 1)
        give_up("no TLS context");
    if (load->spec->ca_file == NULL ||
        SSL_CTX_load_verify_locations(load->tls, load->spec->ca_file, NULL) != 1)
        give_up("cannot read the CA file \"%s\"",
                load->spec->ca_file != NULL ? load->spec->ca_file : "");
    SSL_CTX_set_verify(load->tls, SSL_VERIFY_PEER, NULL);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(load->tls), load->spec->host) != 1)
        give_up("\"host\" is no address");
    SSL_CTX_set_read_ahead(load->tls, 1);
    (void)SSL_CTX_set_mode(load->tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
}

void load_init(struct load *load, struct load_spec *spec)
{
    memset(load, 0, sizeof(*load));
    load->spec = spec;
    load->rng = spec->seed;
    if (spec->seed == 0 && getrandom(&load->rng, sizeof(load->rng), 0) != sizeof(load->rng))
        give_up("no randomness");
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    init_address(load);
    init_tls(load);
    if (spec->log_file != NULL && (load->record.log = fopen(spec->log_file, "we")) == NULL)
        give_up("cannot write %s", spec->log_file);
    for (size_t i = 0; i < spec->class_count; i++) {
        struct pool *pool = &load->pool[i];
        pool->class = &spec->class[i];
        pool->connections = calloc(pool->class->connection_count, sizeof(*pool->connections));
        if (pool->connections == NULL)
            give_up("out of memory");
        for (size_t n = 0; n < pool->class->connection_count; n++) {
            struct connection *c = &pool->connections[n];
            c->fd = -1;
            c->pool = pool;
            c->out = malloc(REQUEST_BYTES_MAX);
            c->in = malloc(ANSWER_BYTES_MAX);
            if (c->out == NULL || c->in == NULL)
                give_up("out of memory");
        }
    }
}

void load_release(struct load *load)
{
    for (size_t i = 0; i < load->spec->class_count; i++) {
        struct pool *pool = &load->pool[i];
        for (size_t n = 0; n < pool->class->connection_count; n++) {
            close_connection(&pool->connections[n], 0);
            free(pool->connections[n].out);
            free(pool->connections[n].in);
        }
        free(pool->connections);
        free(pool->backlog);
    }
    record_release(&load->record);
    SSL_CTX_free(load->tls);
    (void)close(load->epoll);
}
