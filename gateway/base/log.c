#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/metrics.h"

enum {
    /* Room behind the last field for pid, worker, "truncated" and the newline. */
    TAIL_MAX = 96,
    /* A card number with separators across the cap is seen whole before the value is cut. */
    CARD_TEXT_MAX = 48,
    CARD_DIGITS_SHOWN = 4,
};

static const struct str level_names[LOG_LEVEL_COUNT] = {
    [LOG_DEBUG] = STR_INIT("debug"),
    [LOG_INFO] = STR_INIT("info"),
    [LOG_WARN] = STR_INIT("warn"),
    [LOG_ERROR] = STR_INIT("error"),
};

static struct {
    int fd;
    enum log_level least;
    int worker;
    bool may_block;
    uint64_t dropped_count;
} logger = {.fd = STDERR_FILENO, .least = LOG_INFO, .worker = -1, .may_block = true};

void log_start(int fd, enum log_level least)
{
    struct stat status;
    CHECK((unsigned)least < LOG_LEVEL_COUNT);
    logger.fd = fd;
    logger.least = least;
    logger.dropped_count = 0;
    logger.may_block = fstat(fd, &status) != 0 || !S_ISREG(status.st_mode);
}

void log_set_worker(int slot)
{
    logger.worker = slot;
}

bool log_level_parse(struct str name, enum log_level *out)
{
    for (size_t i = 0; i < LOG_LEVEL_COUNT; i++) {
        if (str_eq(level_names[i], name)) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

uint64_t log_dropped_count(void)
{
    return logger.dropped_count;
}

static void mask_card(char *at, size_t len)
{
    size_t shown = 0;
    for (size_t i = len; i-- > 0;) {
        if (at[i] < '0' || at[i] > '9')
            continue;
        if (shown < CARD_DIGITS_SHOWN)
            shown++;
        else
            at[i] = '*';
    }
}

/* Masked, then cut to LOG_VALUE_MAX bytes at a character's edge; the text returned lies in `out`.
 */
static struct str clean_value(struct str value, char out[LOG_VALUE_MAX + CARD_TEXT_MAX])
{
    struct str seen = str_sub(value, 0, LOG_VALUE_MAX + CARD_TEXT_MAX);
    if (seen.len > 0)
        memcpy(out, seen.at, seen.len);
    size_t from = 0;
    size_t at, len;
    while (crypto_find_card_number((struct str){out + from, seen.len - from}, &at, &len)) {
        mask_card(out + from + at, len);
        from += at + len;
    }
    size_t end = seen.len < LOG_VALUE_MAX ? seen.len : LOG_VALUE_MAX;
    while (end < seen.len && end > 0 && ((unsigned char)out[end] & 0xc0) == 0x80)
        end--;
    return (struct str){out, end};
}

static void put_text(struct json_out *out, const char *key, struct str value)
{
    char text[LOG_VALUE_MAX + CARD_TEXT_MAX];
    json_put_str(out, key, clean_value(value, text));
}

/* A field that does not fit is left out whole, so that the line stays valid JSON. */
static bool put_field(struct json_out *out, const struct log_field *field)
{
    size_t len = out->buf->len;
    if (field->is_number)
        json_put_int(out, field->key, field->number);
    else
        put_text(out, field->key, field->text);
    if (buf_is_ok(out->buf))
        return true;
    out->buf->len = len;
    out->buf->overflowed = false;
    out->need_comma = true;
    return false;
}

static void build_line(struct buf *line, enum log_level level, const char *component,
                       const char *msg, const struct log_field *fields, size_t count)
{
    struct json_out out;
    char time[CLOCK_TEXT_SIZE];
    bool truncated = false;
    buf_clear(line);
    json_out_init(&out, line);
    line->limit = LOG_LINE_MAX - TAIL_MAX;
    json_begin_object(&out);
    json_put_str(&out, "time", clock_format_us(clock_wall_us(), time));
    json_put_str(&out, "level", level_names[level]);
    json_put_cstr(&out, "component", component);
    truncated |= !put_field(&out, &LOG_CSTR("msg", msg));
    for (size_t i = 0; i < count; i++) {
        if (fields[i].key != NULL)
            truncated |= !put_field(&out, &fields[i]);
    }
    line->limit = LOG_LINE_MAX;
    if (truncated)
        json_put_bool(&out, "truncated", true);
    json_put_int(&out, "pid", getpid());
    if (logger.worker >= 0)
        json_put_int(&out, "worker", logger.worker);
    json_end_object(&out);
    buf_add_char(line, '\n');
    CHECK(buf_is_ok(line));
}

static bool would_block(int fd)
{
    /* Not O_NONBLOCK: that would change the descriptor for everyone who shares it. A pipe that
     * polls writable takes PIPE_BUF bytes, which LOG_LINE_MAX does not exceed. */
    struct pollfd item = {.fd = fd, .events = POLLOUT};
    return poll(&item, 1, 0) == 0;
}

void log_write(enum log_level level, const char *component, const char *msg,
               const struct log_field *fields, size_t count)
{
    static struct buf line;
    if (level < logger.least)
        return;
    CHECK((unsigned)level < LOG_LEVEL_COUNT);
    int saved_errno = errno;
    build_line(&line, level, component, msg, fields, count);
    ssize_t written = -1;
    if (!logger.may_block || !would_block(logger.fd)) {
        do {
            written = write(logger.fd, line.at, line.len);
        } while (written < 0 && errno == EINTR);
    }
    if (written != (ssize_t)line.len) {
        logger.dropped_count++;
        metrics_count(METRIC_LOG_DROPPED, 1);
    }
    errno = saved_errno;
}
