#include "base/log.h"
#include "base/json.h"
#include "helpers.h"

#include <stdio.h>
#include <stdlib.h>

/* Everything logged goes into this pipe; a line is read back whole. */
static int ends[2];
static char line[LOG_LINE_MAX * 2];

static int open_pipe(void **state)
{
    (void)state;
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        return -1;
    log_start(ends[1], LOG_DEBUG);
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    log_start(STDERR_FILENO, LOG_INFO);
    log_set_worker(-1);
    return close(ends[0]) + close(ends[1]);
}

static struct str read_lines(void)
{
    ssize_t got = read(ends[0], line, sizeof(line));
    return (struct str){line, got < 0 ? 0 : (size_t)got};
}

/* The one line that was logged, parsed. Owned by the caller. */
static json_t *read_line(void)
{
    struct error err;
    struct str text = read_lines();
    assert_true(str_ends(text, STR("\n")));
    assert_int_equal(str_find_char(text, '\n', 0), text.len - 1);
    assert_in_range(text.len, 2, LOG_LINE_MAX);
    json_t *value = json_parse(str_sub(text, 0, text.len - 1), &json_limits_default, &err);
    if (value == NULL)
        fail_test("%s: " STR_FMT, err.text, STR_ARG(text));
    return value;
}

static void a_line_is_one_json_object_with_its_fields(void **state)
{
    (void)state;
    int64_t number = 0;
    log_set_worker(3);
    log_info("api", "payment closed", LOG_CSTR("payment_id", "pay_1"), LOG_INT("attempts", -2),
             LOG_STR(NULL, STR("skipped")), LOG_CSTR("empty", NULL));
    json_t *value = read_line();
    assert_str(json_text(value, "level"), "info");
    assert_str(json_text(value, "component"), "api");
    assert_str(json_text(value, "msg"), "payment closed");
    assert_str(json_text(value, "payment_id"), "pay_1");
    assert_true(json_path_int64(value, "attempts", &number) && number == -2);
    assert_true(json_path_int64(value, "pid", &number) && number == getpid());
    assert_true(json_path_int64(value, "worker", &number) && number == 3);
    assert_int_equal(json_text(value, "time").len, 27);
    assert_non_null(json_path(value, "empty"));
    assert_int_equal(json_object_size(value), 9);
    json_decref(value);
}

static void a_line_needs_no_field(void **state)
{
    (void)state;
    log_warn("master", "ready");
    json_t *value = read_line();
    assert_str(json_text(value, "level"), "warn");
    assert_int_equal(json_object_size(value), 5);
    json_decref(value);
}

static void levels_below_the_least_are_silent(void **state)
{
    (void)state;
    enum log_level level = LOG_DEBUG;
    log_start(ends[1], LOG_WARN);
    log_debug("a", "b");
    log_info("a", "b");
    assert_int_equal(read_lines().len, 0);
    log_warn("a", "b");
    assert_true(read_lines().len > 0);
    log_error("a", "b");
    assert_true(read_lines().len > 0);
    assert_true(log_level_parse(STR("error"), &level));
    assert_int_equal(level, LOG_ERROR);
    assert_true(log_level_parse(STR("debug"), &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_false(log_level_parse(STR("ERROR"), &level));
    assert_false(log_level_parse(STR(""), &level));
}

static void foreign_text_cannot_forge_a_line_or_a_terminal_command(void **state)
{
    (void)state;
    const struct str evil = STR("x\"}\r\n{\"level\":\"error\"}\x1b[2J\x7f\x00"
                                "\xe2\x80\xa8\xe2\x80\xa9\xc2\x85\xff\xc3(\xed\xa0\x80");
    log_info("api", "evil\n\x1b]0;title\x07", LOG_STR("value", evil));
    struct str text = read_lines();
    assert_int_equal(str_find_char(text, '\n', 0), text.len - 1);
    for (size_t i = 0; i + 1 < text.len; i++)
        assert_true((unsigned char)text.at[i] >= 0x20 && text.at[i] != 0x7f);
    assert_int_equal(str_find(text, STR("\xe2\x80\xa8"), 0), SIZE_MAX);
    assert_int_equal(str_find(text, STR("\xe2\x80\xa9"), 0), SIZE_MAX);
    assert_true(str_is_utf8(text));
    assert_true(str_find(text, STR("\xef\xbf\xbd"), 0) != SIZE_MAX);
}

static void card_numbers_show_their_last_four_digits(void **state)
{
    (void)state;
    log_info("api", "card 4111111111111111 refused",
             LOG_CSTR("both", "4111-1111-1111-1111 and 378282246310005!"),
             LOG_CSTR("uuid", "41111111-1111-4111-8111-111111111111"));
    json_t *value = read_line();
    assert_str(json_text(value, "msg"), "card ************1111 refused");
    assert_str(json_text(value, "both"), "****-****-****-1111 and ***********0005!");
    assert_str(json_text(value, "uuid"), "41111111-1111-4111-8111-111111111111");
    json_decref(value);
}

static void a_card_number_across_the_cap_is_masked_too(void **state)
{
    (void)state;
    const struct str card = STR("4111 1111 1111 1111");
    char text[LOG_VALUE_MAX + 100];
    for (size_t at = LOG_VALUE_MAX - 40; at < LOG_VALUE_MAX + 10; at++) {
        memset(text, ' ', sizeof(text));
        memcpy(text + at, card.at, card.len);
        log_info("api", "x", LOG_STR("value", ((struct str){text, sizeof(text)})));
        json_t *value = read_line();
        struct str logged = json_text(value, "value");
        assert_int_equal(logged.len, LOG_VALUE_MAX);
        assert_int_equal(str_find(logged, STR("41"), 0), SIZE_MAX);
        assert_int_equal(str_find(logged, STR("11111"), 0), SIZE_MAX);
        json_decref(value);
    }
}

static void long_values_are_cut_at_a_characters_edge(void **state)
{
    (void)state;
    const struct str smile = STR("\xf0\x9f\x98\x80");
    for (size_t shift = 0; shift < 4; shift++) {
        char text[LOG_VALUE_MAX * 2];
        memset(text, 'x', sizeof(text));
        for (size_t i = shift; i + 4 <= sizeof(text); i += 4)
            memcpy(text + i, smile.at, smile.len);
        log_info("api", "x", LOG_STR("value", ((struct str){text, sizeof(text)})));
        json_t *value = read_line();
        struct str logged = json_text(value, "value");
        assert_in_range(logged.len, LOG_VALUE_MAX - 3, LOG_VALUE_MAX);
        assert_true(str_eq(logged, str_sub((struct str){text, sizeof(text)}, 0, logged.len)));
        json_decref(value);
    }
}

static void what_does_not_fit_is_left_out_and_said(void **state)
{
    (void)state;
    char text[LOG_VALUE_MAX];
    memset(text, '\x01', sizeof(text)); /* six bytes each when escaped */
    struct str hard = {text, sizeof(text)};
    log_set_worker(63);
    log_info("api", "x", LOG_STR("a", hard), LOG_CSTR("b", "short"), LOG_INT("c", INT64_MIN));
    json_t *value = read_line();
    assert_null(json_path(value, "a"));
    assert_str(json_text(value, "b"), "short");
    assert_non_null(json_path(value, "c"));
    assert_true(json_is_true(json_path(value, "truncated")));
    assert_non_null(json_path(value, "worker"));
    json_decref(value);
    memset(text, 'y', sizeof(text));
    log_info("api", "x", LOG_STR("a", hard), LOG_STR("b", hard), LOG_STR("c", hard),
             LOG_STR("d", hard), LOG_INT("e", 5));
    value = read_line();
    assert_int_equal(json_text(value, "c").len, LOG_VALUE_MAX);
    assert_null(json_path(value, "d"));
    assert_non_null(json_path(value, "e"));
    json_decref(value);
}

static void random_bytes_never_break_a_line(void **state)
{
    (void)state;
    unsigned seed = 5;
    for (int i = 0; i < 3000; i++) {
        char text[300];
        size_t len = (size_t)rand_r(&seed) % sizeof(text);
        for (size_t k = 0; k < len; k++)
            text[k] = (char)(unsigned char)(1 + rand_r(&seed) % 255);
        log_error("api", "fuzz", LOG_STR("value", ((struct str){text, len})));
        json_decref(read_line());
    }
}

static void a_full_pipe_drops_lines_and_counts_them(void **state)
{
    (void)state;
    uint64_t logged = 0;
    while (log_dropped_count() == 0 && logged < 100000) {
        log_info("api", "a line into a pipe that nobody reads");
        logged++;
    }
    assert_int_equal(log_dropped_count(), 1);
    log_info("api", "still full");
    assert_int_equal(log_dropped_count(), 2);
    while (read_lines().len > 0)
        continue;
    log_info("api", "room again");
    assert_int_equal(log_dropped_count(), 2);
    json_decref(read_line());
}

static void log_many(int number)
{
    for (int i = 0; i < 200; i++)
        log_info("api", "from a child among others", LOG_INT("child", number), LOG_INT("i", i));
}

static void lines_of_several_processes_never_mix(void **state)
{
    (void)state;
    char path[] = "/tmp/test_log_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
    log_start(fd, LOG_INFO);
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            log_many(i);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        continue;
    FILE *file = fopen(path, "r");
    int count = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        struct error err;
        json_t *value = json_parse(str_of(line), &json_limits_default, &err);
        assert_non_null(value);
        json_decref(value);
        count++;
    }
    assert_int_equal(count, 800);
    assert_int_equal(fclose(file), 0);
    close(fd);
    unlink(path);
}

static void a_dead_descriptor_is_a_dropped_line(void **state)
{
    (void)state;
    log_start(-1, LOG_INFO);
    log_info("api", "nowhere");
    assert_int_equal(log_dropped_count(), 1);
}

#define with_pipe(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_pipe(a_line_is_one_json_object_with_its_fields),
        with_pipe(a_line_needs_no_field),
        with_pipe(levels_below_the_least_are_silent),
        with_pipe(foreign_text_cannot_forge_a_line_or_a_terminal_command),
        with_pipe(card_numbers_show_their_last_four_digits),
        with_pipe(a_card_number_across_the_cap_is_masked_too),
        with_pipe(long_values_are_cut_at_a_characters_edge),
        with_pipe(what_does_not_fit_is_left_out_and_said),
        with_pipe(random_bytes_never_break_a_line),
        with_pipe(a_full_pipe_drops_lines_and_counts_them),
        with_pipe(lines_of_several_processes_never_mix),
        with_pipe(a_dead_descriptor_is_a_dropped_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
