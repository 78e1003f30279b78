#include "process/cli_follow.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/event_type.h"
#include "base/clock.h"
#include "process/screen.h"

enum {
    LINE_BYTES_MAX = 4 << 20,
    POSITION_BYTES_MAX = 1024,
    SILENCE_S = 45, /* the gateway says something every 15 s */
    PAUSE_LEAST_MS = 200,
    PAUSE_MOST_MS = 5000,
};

static volatile sig_atomic_t is_stopping;

struct message { /* being read, line by line */
    char id[POSITION_BYTES_MAX];
    struct buf type;
    struct buf data;
};

struct follow {
    struct cli *cli;
    const struct follow_options *options;
    struct error *err;
    CURL *curl; /* of this connection */
    struct buf line;
    struct buf refusal; /* the body of an answer that is no stream */
    struct message message;
    char position[POSITION_BYTES_MAX]; /* "": from now on */
    bool is_ready;
    bool has_failed; /* on_event, or a file: *err says why */
    bool was_told;   /* something came on this connection */
};

static void stop(int signal_number)
{
    (void)signal_number;
    is_stopping = 1;
}

/* ---- types ----------------------------------------------------------------------------------- */

static bool fits(struct str pattern, struct str type)
{
    if (str_ends(pattern, STR("*"))) {
        return str_starts(type, str_sub(pattern, 0, pattern.len - 1));
    }
    return str_eq(pattern, type);
}

bool follow_wants(const char *events, struct str type)
{
    struct str rest = str_of(events);
    if (events == NULL) {
        return true;
    }
    while (rest.len > 0) {
        if (fits(str_trim(str_cut(&rest, ',')), type)) {
            return true;
        }
    }
    return false;
}

bool follow_check_types(const char *events, struct error *err)
{
    size_t count = 0;
    const struct event_type *all = event_type_all(&count);
    struct str rest = str_of(events);
    while (rest.len > 0) {
        struct str pattern = str_trim(str_cut(&rest, ','));
        bool is_known = false;
        for (size_t i = 0; i < count; i++) {
            is_known = is_known || fits(pattern, str_of(all[i].name));
        }
        if (!is_known) {
            return fail(err, ERROR_INVALID,
                        "--events: there is no event \"" STR_FMT "\"; docs/api.md lists all",
                        STR_ARG(str_sub(pattern, 0, 80)));
        }
    }
    return true;
}

/* ---- the position ---------------------------------------------------------------------------- */

static bool read_position(struct follow *follow, struct error *err)
{
    const char *file = follow->options->position;
    char text[POSITION_BYTES_MAX];
    int fd = file != NULL ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return file == NULL || errno == ENOENT ||
               fail(err, ERROR_IO, "--position: cannot read %s: %s", file, strerror(errno));
    }
    ssize_t got = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    struct str value = {text, got > 0 ? (size_t)got : 0};
    if (str_ends(value, STR("\n"))) {
        value.len--;
    }
    bool ok = got >= 0 && value.len < sizeof(text) - 1;
    for (size_t i = 0; ok && i < value.len; i++) {
        ok = value.at[i] > ' ' && value.at[i] < 0x7f;
    }
    return (ok && str_copy_to(value, follow->position, sizeof(follow->position))) ||
           fail(err, ERROR_INVALID, "--position: %s holds no position; remove it to begin from now",
                file);
}

/* Beside it, then over it: whoever is killed leaves the old one or the new one. */
static bool keep_position(struct follow *follow)
{
    const char *file = follow->options->position;
    char fresh[4096];
    if (file == NULL) {
        return true;
    }
    int len = snprintf(fresh, sizeof(fresh), "%s.new", file);
    int fd = len > 0 && (size_t)len < sizeof(fresh)
                 ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
                 : -1;
    size_t size = strlen(follow->position);
    bool ok = fd >= 0 && write(fd, follow->position, size) == (ssize_t)size;
    ok = (fd < 0 || close(fd) == 0) && ok && rename(fresh, file) == 0;
    return ok ||
           fail(follow->err, ERROR_IO, "--position: cannot write %s: %s", file, strerror(errno));
}

/* ---- messages -------------------------------------------------------------------------------- */

static bool tell(struct follow *follow)
{
    static const struct json_limits limits = {32, 4096, LINE_BYTES_MAX};
    struct message *message = &follow->message;
    struct follow_event event = {.type = buf_str(&message->type), .data = buf_str(&message->data)};
    if (!follow_wants(follow->options->events, event.type)) {
        return true;
    }
    json_t *json = json_parse(event.data, &limits, follow->err);
    if (json == NULL) {
        return fail_prefix(follow->err, "an event cannot be read");
    }
    event.json = json;
    bool ok = follow->options->on_event(follow->options->ctx, &event, follow->err);
    json_decref(json);
    return ok;
}

/* An empty line: the message is whole. Without data only the position moves. */
static bool end_message(struct follow *follow)
{
    struct message *message = &follow->message;
    bool ok = message->data.len == 0 || tell(follow);
    if (ok && message->id[0] != '\0') {
        bool moves = strcmp(follow->position, message->id) != 0;
        (void)str_copy_to(str_of(message->id), follow->position, sizeof(follow->position));
        ok = !moves || keep_position(follow);
        if (ok && !follow->is_ready) {
            follow->is_ready = true;
            if (follow->options->on_ready != NULL) {
                follow->options->on_ready(follow->options->ctx);
            }
        }
    }
    message->id[0] = '\0';
    buf_clear(&message->type);
    buf_clear(&message->data);
    return ok;
}

static bool take_line(struct follow *follow, struct str line)
{
    struct message *message = &follow->message;
    if (line.len == 0) {
        return end_message(follow);
    }
    struct str value = line;
    struct str name = str_cut(&value, ':');
    if (str_starts(value, STR(" "))) {
        value = str_sub(value, 1, value.len);
    }
    if (str_eq(name, STR("id"))) {
        return str_copy_to(value, message->id, sizeof(message->id)) ||
               fail(follow->err, ERROR_INVALID, "a position of the stream is too long");
    }
    if (str_eq(name, STR("event"))) {
        buf_clear(&message->type);
        buf_add_str(&message->type, value);
    } else if (str_eq(name, STR("data"))) {
        buf_add_str(&message->data, value);
    }
    return true;
}

static size_t take(char *data, size_t size, size_t count, void *ctx)
{
    struct follow *follow = ctx;
    struct str rest = {data, size * count};
    long status = 0;
    (void)curl_easy_getinfo(follow->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        buf_add_str(&follow->refusal, rest);
        return size * count;
    }
    follow->was_told = true;
    while (rest.len > 0 && !follow->has_failed && !is_stopping) {
        bool is_whole = str_find_char(rest, '\n', 0) != SIZE_MAX;
        buf_add_str(&follow->line, str_cut(&rest, '\n'));
        if (is_whole) {
            follow->has_failed = !take_line(follow, buf_str(&follow->line));
            buf_clear(&follow->line);
        }
    }
    return follow->has_failed || is_stopping || !buf_is_ok(&follow->line) ? 0 : size * count;
}

/* ---- connections ----------------------------------------------------------------------------- */

static int look(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)ctx;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return is_stopping != 0;
}

static void stream_path(const struct follow *follow, struct buf *url)
{
    buf_add_str(url, str_of(follow->cli->ask.url));
    buf_add_str(url, STR("/v1/events/stream"));
    if (follow->position[0] != '\0') {
        ask_add_query(url, "after", str_of(follow->position));
    }
    if (follow->cli->merchant != NULL) {
        ask_add_query(url, "merchant", str_of(follow->cli->merchant));
    }
    buf_add_char(url, '\0');
}

/* Until it ends. The HTTP status; 0: there was no answer. */
static long connect_once(struct follow *follow)
{
    struct buf url;
    long status = 0;
    buf_init(&url, ASK_URL_MAX + ASK_PATH_MAX);
    buf_clear(&follow->line);
    buf_clear(&follow->refusal);
    follow->message.id[0] = '\0';
    buf_clear(&follow->message.type);
    buf_clear(&follow->message.data);
    follow->was_told = false;
    follow->curl = curl_easy_init();
    CHECK(follow->curl != NULL);
    stream_path(follow, &url);
    ask_prepare(&follow->cli->ask, follow->curl);
    (void)curl_easy_setopt(follow->curl, CURLOPT_URL, url.at);
    (void)curl_easy_setopt(follow->curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(follow->curl, CURLOPT_WRITEDATA, follow);
    (void)curl_easy_setopt(follow->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(follow->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
    (void)curl_easy_setopt(follow->curl, CURLOPT_XFERINFOFUNCTION, look);
    (void)curl_easy_setopt(follow->curl, CURLOPT_NOPROGRESS, 0L);
    CURLcode code = curl_easy_perform(follow->curl);
    (void)curl_easy_getinfo(follow->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        follow->has_failed = true;
        (void)fail(follow->err, ERROR_UNAVAILABLE,
                   "%s: its certificate is not trusted; name the authority that signed it by --ca",
                   follow->cli->ask.url);
    }
    curl_easy_cleanup(follow->curl);
    buf_release(&url);
    return status;
}

static void rest_a_while(int pause_ms)
{
    for (int slept = 0; slept < pause_ms && !is_stopping; slept += PAUSE_LEAST_MS) {
        (void)usleep(PAUSE_LEAST_MS * 1000);
    }
}

/* Connections, one after the other. */
static bool follow_on(struct follow *follow)
{
    int pause_ms = PAUSE_LEAST_MS;
    while (!is_stopping) {
        long status = connect_once(follow);
        if (follow->has_failed) {
            return false;
        }
        bool is_refused = status >= 400 && status != 429 && status < 500;
        if (is_refused && !is_stopping) {
            return ask_refused(status, buf_str(&follow->refusal), follow->err);
        }
        pause_ms = follow->was_told               ? PAUSE_LEAST_MS
                   : pause_ms * 2 < PAUSE_MOST_MS ? pause_ms * 2
                                                  : PAUSE_MOST_MS;
        if (status != 200 && !is_stopping && pause_ms == PAUSE_LEAST_MS * 2) {
            (void)fprintf(stderr, "turnpike: %s does not answer; it is tried again\n",
                          follow->cli->ask.url);
        }
        rest_a_while(pause_ms);
    }
    return true;
}

bool follow_run(struct cli *cli, const struct follow_options *options, struct error *err)
{
    static struct follow follow;
    const struct sigaction on_stop = {.sa_handler = stop};
    follow = (struct follow){.cli = cli, .options = options, .err = err};
    buf_init(&follow.line, LINE_BYTES_MAX);
    buf_init(&follow.refusal, LINE_BYTES_MAX);
    buf_init(&follow.message.type, 2UL * EVENT_TYPE_NAME_MAX);
    buf_init(&follow.message.data, LINE_BYTES_MAX);
    (void)sigaction(SIGINT, &on_stop, NULL);
    (void)sigaction(SIGTERM, &on_stop, NULL);
    bool ok = follow_check_types(options->events, err) && read_position(&follow, err) &&
              follow_on(&follow);
    buf_release(&follow.line);
    buf_release(&follow.refusal);
    buf_release(&follow.message.type);
    buf_release(&follow.message.data);
    return ok;
}

/* ---- turnpike events follow ------------------------------------------------------------------ */

static bool print_event(void *ctx, const struct follow_event *event, struct error *err)
{
    const struct cli *cli = ctx;
    static const struct cli_column columns[] = {
        {"", "created", CLI_TIME}, {"", "type", CLI_TEXT},      {"", "operation", CLI_TEXT},
        {"", "payment", CLI_TEXT}, {"", "payout", CLI_TEXT},    {"", "status", CLI_STATE},
        {"", "amount", CLI_MONEY}, {"", "reference", CLI_TEXT},
    };
    bool has_colour = screen_has_colour(stdout);
    struct buf line;
    struct buf cell;
    buf_init(&line, LINE_BYTES_MAX);
    buf_init(&cell, LINE_BYTES_MAX);
    if (cli->as_json) {
        buf_add_str(&line, event->data);
    }
    for (size_t i = 0; !cli->as_json && i < ARRAY_LEN(columns); i++) {
        buf_clear(&cell);
        cli_cell(event->json, &columns[i], &cell);
        if (cell.len > 0 && line.len > 0) {
            buf_add_str(&line, STR("  "));
        }
        screen_add(&line, has_colour,
                   columns[i].kind == CLI_STATE ? screen_tone(buf_str(&cell)) : TONE_NONE,
                   buf_str(&cell));
    }
    buf_add_char(&line, '\n');
    bool ok = fwrite(line.at, 1, line.len, stdout) == line.len && fflush(stdout) == 0;
    buf_release(&line);
    buf_release(&cell);
    return ok || fail(err, ERROR_IO, "cannot write: %s", strerror(errno));
}

static void say_ready(void *ctx)
{
    (void)ctx;
    (void)fprintf(stderr, "following events; Ctrl-C ends it\n");
}

int cli_events_follow(struct cli *cli)
{
    const struct follow_options options = {
        .events = cli_value(cli, "events"),
        .position = cli_value(cli, "position"),
        .on_event = print_event,
        .on_ready = say_ready,
        .ctx = cli,
    };
    return follow_run(cli, &options, &cli->err) ? CLI_DONE : cli_fail(cli, &cli->err);
}
