/*
 * log.h - one JSON object per line on stderr (or a file descriptor given at start).
 *
 *     {"time":"2026-11-21T10:15:30.123456Z","level":"info","component":"api",
 *      "msg":"payment closed","request_id":"req_...",...,"pid":4711,"worker":1}
 *
 * Texts are escaped and capped; anything in them that looks like a card number is masked to its
 * last four digits. What does not fit the line is left out, field by field, and "truncated":true
 * says so. Secrets have their own type, which no field constructor takes. A line is one write(2),
 * so that processes may share the descriptor; when it would block, the line is dropped and counted.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum log_level {
    LOG_DEBUG = 0,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
    LOG_LEVEL_COUNT,
};

enum {
    LOG_LINE_MAX = 4096,
    LOG_VALUE_MAX = 1024,
};

struct log_field {
    const char *key; /* a literal; NULL: the field is skipped */
    struct str text;
    int64_t number;
    bool is_number;
};

#define LOG_STR(k, v)  ((struct log_field){.key = (k), .text = (v)})
#define LOG_CSTR(k, v) ((struct log_field){.key = (k), .text = str_of(v)})
#define LOG_INT(k, v)  ((struct log_field){.key = (k), .number = (v), .is_number = true})

void log_start(int fd, enum log_level least);
void log_set_worker(int slot); /* -1: not a worker */
bool log_level_parse(struct str name, enum log_level *out) MUST_USE;
uint64_t log_dropped_count(void);
void log_write(enum log_level level, const char *component, const char *msg,
               const struct log_field *fields, size_t count);

/* log_info("api", "payment closed", LOG_STR("payment_id", id), LOG_INT("attempts", n)); */
#define log_debug(component, ...) LOG_LINE(LOG_DEBUG, component, __VA_ARGS__, LOG_LAST)
#define log_info(component, ...)  LOG_LINE(LOG_INFO, component, __VA_ARGS__, LOG_LAST)
#define log_warn(component, ...)  LOG_LINE(LOG_WARN, component, __VA_ARGS__, LOG_LAST)
#define log_error(component, ...) LOG_LINE(LOG_ERROR, component, __VA_ARGS__, LOG_LAST)

/* The skipped field at the end keeps the list from being empty, which ISO C does not allow. */
#define LOG_LAST ((struct log_field){.key = NULL})
#define LOG_LINE(level, component, msg, ...)                                                       \
    log_write((level), (component), (msg), (const struct log_field[]){__VA_ARGS__},                \
              ARRAY_LEN(((const struct log_field[]){__VA_ARGS__})))

#endif
