/*
 * load.h - a load generator that is cheap and honest.
 *
 *     spec (JSON) --> connections, all opened first --> warm-up --> window --> drain --> result (JSON)
 *                                                          |          |
 *                                                        mark       mark   (probe.c: CPU, memory, WAL)
 *
 * Closed loop: each connection asks again as soon as it was answered. Open loop (rate > 0): requests
 * have scheduled times, drawn beforehand (Poisson); one that finds no idle connection waits in this
 * program, and every latency counts from the scheduled time, so that a slow server cannot hide
 * behind the clients it keeps waiting.
 *
 * One thread does all requests (epoll and OpenSSL); a second one takes the marks and looks at memory.
 * What is scheduled within the window is measured for latency; what is completed within it counts for
 * throughput; every answer, also of warm-up and drain, is counted in `total`.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <jansson.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

enum {
    CLASS_MAX = 8,
    GROUP_MAX = 8,
    STATUS_LOST = 0, /* no answer: reset, closed, unreadable */
    STATUS_MAX = 600,
    REQUEST_BYTES_MAX = 8192,
    ANSWER_BYTES_MAX = 65536,
    SECOND_MAX = 3600,
    LOST_TOLD_MAX = 100,
};

/* ---- what is asked for (spec.c) ---- */

struct load_class {   /* one kind of request, with connections of its own */
    const char *name; /* borrowed from the spec, as all strings here */
    const char *method;
    const char *path;        /* NULL: from `lines` */
    const char *headers;     /* complete lines, each with CR LF */
    const char *body;        /* "" for none; every ${key} is replaced by the request's key */
    bool keyed;              /* send an Idempotency-Key */
    double share;            /* of the rate */
    size_t connection_count; /* at most */
    size_t initial_count;    /* open loop: open before the start */
    char **lines; /* owned: path TAB key TAB body TAB header; all but the path may be missing */
    size_t line_count;
    size_t line_at;
};

struct load_group {
    const char *name;
    int pid; /* the group is this process and all its descendants */
};

struct load_spec {
    json_t *json; /* owned */
    const char *host;
    int port;
    const char *ca_file;
    const char *log_file; /* NULL: none */
    const char *database; /* NULL: no WAL is measured */
    double rate;          /* requests per second; 0: closed loop */
    int64_t warmup_us;
    int64_t window_us;
    int64_t drain_us; /* longest wait for what is under way at the end */
    uint64_t seed;
    struct load_class class[CLASS_MAX];
    size_t class_count;
    struct load_group group[GROUP_MAX];
    size_t group_count;
};

/* Exits with a message when the spec is not sound. */
void spec_load(struct load_spec *spec, const char *file);
void spec_release(struct load_spec *spec);

/* ---- what was answered (record.c) ---- */

struct sample {
    uint32_t latency_us; /* from the scheduled time */
    uint32_t at_ms;      /* scheduled, since the start of the window */
    uint16_t status;
    uint8_t class;
};

struct record {
    struct sample *samples; /* owned: those scheduled within the window */
    size_t sample_count;
    size_t sample_room;
    uint64_t total[CLASS_MAX][STATUS_MAX];  /* every answer */
    uint64_t window[CLASS_MAX][STATUS_MAX]; /* completed within the window */
    uint32_t done_in_second[SECOND_MAX];    /* 2xx by second of the window */
    uint32_t waiting_at_second[SECOND_MAX]; /* scheduled and not answered, highest of that second */
    FILE *log;
};

void record_add(struct record *record, const struct sample *sample);
json_t *record_print(const struct record *record, const struct load_spec *spec); /* new reference */
void record_release(struct record *record);

/* ---- what it costs (probe.c) ---- */

struct mark {
    int64_t at_us;
    uint64_t done; /* 2xx until then */
    int64_t cpu_us[GROUP_MAX];
    int64_t own_cpu_us;
    int64_t wal_bytes;
    int64_t busy_us; /* of the machine: all but idle and iowait */
};

struct probe;

/* Connects to the database, if one is named. */
struct probe *probe_new(const struct load_spec *spec);
void probe_mark(struct probe *probe, struct mark *mark);
/* Memory of the process and its descendants. */
int64_t probe_resident_bytes(int pid);
void probe_free(struct probe *probe);
json_t *mark_print(const struct mark *mark, const struct load_spec *spec);
/* Median and p99 of 8 kB write + fdatasync in a folder. */
json_t *probe_fsync(const char *folder);

/* ---- the requests (client.c) ---- */

enum phase {
    PHASE_CONNECT = 0,
    PHASE_WARMUP,
    PHASE_WINDOW,
    PHASE_DRAIN,
};

struct connection;

struct pool { /* of one class */
    struct load_class *class;
    struct connection *connections; /* owned */
    size_t open_count;              /* after their handshake */
    size_t live_count;              /* not CLOSED */
    size_t started;                 /* closed loop: those that ask, and ask again when answered */
    struct connection *idle;        /* idle longest */
    struct connection *last_idle;   /* idle since just now */
    int64_t *backlog;               /* owned: scheduled times that wait for a connection, a ring */
    size_t backlog_at;
    size_t backlog_count;
    size_t backlog_room;
};

struct load {
    struct load_spec *spec;
    struct record record;
    struct pool pool[CLASS_MAX];
    SSL_CTX *tls; /* owned */
    struct sockaddr_storage address;
    socklen_t address_len;
    int epoll;
    enum phase phase;
    int64_t window_at_us; /* start of the window */
    uint64_t rng;
    uint64_t done;      /* 2xx, all */
    uint64_t in_flight; /* asked and not answered */
    uint64_t closed;    /* connections that the server closed */
    uint64_t connect_failures;
    const char *lost[LOST_TOLD_MAX]; /* why the first lost requests have no answer */
    size_t lost_count;
    int64_t next_us; /* open loop: the next scheduled time */
};

void load_init(struct load *load, struct load_spec *spec);
void load_release(struct load *load);
/* Open every connection; false after `wait_us`. */
bool load_connect(struct load *load, int64_t wait_us);
/* Handle what is ready until `until_us` or, in PHASE_DRAIN, until nothing is under way. */
void load_run(struct load *load, int64_t until_us);
uint64_t load_waiting(const struct load *load); /* in flight and waiting for a connection */

int64_t now_us(void);
uint64_t random_next(uint64_t *state);
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
