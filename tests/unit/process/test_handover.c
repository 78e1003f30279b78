#include "process/handover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

/* All that can be in one, each number another. */
static struct handover *handover_make(void)
{
    struct handover *made = calloc(1, sizeof(*made));
    assert_non_null(made);
    made->boot_id = uuid_new();
    made->instance_id = uuid_new();
    made->lock_fd = 3;
    made->generation = 7;
    config_init(&made->kept);
    made->kept.api_port = 12443;
    made->kept.workers = 2;
    assert_true(str_copy_to(STR("var/a folder = odd"), made->kept.state_folder, CONFIG_TEXT_MAX));
    made->kept.drain_ms = 47000;
    assert_true(str_copy_to(STR("host=a password='b = c'"), made->kept.database, CONFIG_TEXT_MAX));
    for (size_t i = 0; i < SNAPSHOT_FILE_COUNT; i++) {
        made->file[i] = i == 2 || i == 3 ? -1 : (int)i + 10;
    }
    made->seat_count = 2;
    made->seat[1] = (struct handover_seat){.api_fd = 4, .ops_fd = 5};
    made->seat[2] = (struct handover_seat){.api_fd = 6, .ops_fd = 7};
    made->member_count = 2;
    made->member[0] = (struct handover_member){
        .pid = 4711, .seat = 2, .writer_id = uuid_new(), .drain_left_ms = -1};
    made->member[1] = (struct handover_member){
        .pid = 4712, .seat = 1, .writer_id = uuid_new(), .drain_left_ms = 1234};
    made->dead_count = 1;
    made->dead[0] = uuid_new();
    return made;
}

static void assert_same(const struct handover *a, const struct handover *b)
{
    assert_true(uuid_eq(&a->boot_id, &b->boot_id));
    assert_true(uuid_eq(&a->instance_id, &b->instance_id));
    assert_int_equal(a->lock_fd, b->lock_fd);
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->kept.api_port, b->kept.api_port);
    assert_int_equal(a->kept.workers, b->kept.workers);
    assert_string_equal(a->kept.state_folder, b->kept.state_folder);
    assert_int_equal(a->kept.drain_ms, b->kept.drain_ms);
    assert_string_equal(a->kept.database, b->kept.database);
    assert_ptr_equal(b->kept.store.conninfo, b->kept.database); /* finished */
    assert_memory_equal(a->file, b->file, sizeof(a->file));
    assert_int_equal(a->seat_count, b->seat_count);
    assert_memory_equal(a->seat, b->seat, sizeof(a->seat));
    assert_int_equal(a->member_count, b->member_count);
    for (size_t i = 0; i < a->member_count; i++) {
        assert_int_equal(a->member[i].pid, b->member[i].pid);
        assert_int_equal(a->member[i].seat, b->member[i].seat);
        assert_true(uuid_eq(&a->member[i].writer_id, &b->member[i].writer_id));
        assert_int_equal(a->member[i].drain_left_ms, b->member[i].drain_left_ms);
    }
    assert_int_equal(a->dead_count, b->dead_count);
    assert_memory_equal(a->dead, b->dead, a->dead_count * sizeof(a->dead[0]));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct error err;
    struct handover *made = handover_make();
    struct handover *read = calloc(1, sizeof(*read));
    char number[16];
    int fd = -1;
    assert_non_null(read);
    assert_true(handover_write(made, &fd, &err));
    (void)snprintf(number, sizeof(number), "%d", fd);
    assert_true(handover_read(number, read, &err));
    assert_same(made, read);
    assert_false(handover_read(number, read, &err)); /* closed */
    free(read);
    free(made);
}

static void no_line_may_be_cut_or_lack(void **state)
{
    (void)state;
    struct error err;
    struct handover *made = handover_make();
    struct handover *read = calloc(1, sizeof(*read));
    struct buf text;
    assert_non_null(read);
    buf_init(&text, 1 << 20);
    handover_print(made, &text);
    assert_true(handover_parse(buf_str(&text), read, &err));
    static const char *const needed[] = {"boot ", "instance ", "lock ", "generation "};
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        size_t at = str_find(buf_str(&text), str_of(needed[i]), 0);
        assert_int_not_equal(at, SIZE_MAX);
        struct buf cut;
        buf_init(&cut, 1 << 20);
        buf_add(&cut, text.at, at);
        size_t next = str_find_char(buf_str(&text), '\n', at) + 1;
        buf_add(&cut, text.at + next, text.len - next);
        assert_false(handover_parse(buf_str(&cut), read, &err));
        assert_non_null(strstr(err.text, "cannot take over"));
        buf_release(&cut);
    }
    buf_release(&text);
    free(read);
    free(made);
}

/* Of another release: what is only good to know must not keep us from taking over. */
static void what_the_program_before_knew_alone_is_left_out(void **state)
{
    (void)state;
    struct error err;
    struct handover *made = handover_make();
    struct handover *read = calloc(1, sizeof(*read));
    struct buf text;
    assert_non_null(read);
    buf_init(&text, 1 << 20);
    handover_print(made, &text);
    buf_printf(&text, "was no_such_setting = 1\nwas drain_ms = never\nfile no_such_file 99\n");
    assert_true(handover_parse(buf_str(&text), read, &err));
    assert_same(made, read);
    buf_release(&text);
    free(read);
    free(made);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char head[] =
        "turnpike-handover 2\nboot 01234567-89ab-7cde-8f01-23456789abcd\n"
        "instance 01234567-89ab-7cde-8f01-23456789abcd\nlock 3\ngeneration 1\nseat 1 4 5\n";
    static const char *const bad[] = {
        "member 1 1 01234567-89ab-7cde-8f01-23456789abcd -1\n", /* init is not our child */
        "member 4711 0 01234567-89ab-7cde-8f01-23456789abcd -1\n",
        "member 4711 1 01234567 -1\n",
        "member 4711 1 01234567-89ab-7cde-8f01-23456789abcd\n",
        "member 4711 1 01234567-89ab-7cde-8f01-23456789abcd -2\n",
        "seat 3 6 7\n",
        "seat 2 2 7\n",
        "set nonsense = 1\n",
        "file rules_file 2\n",
        "file rules_file\n",
        "dead x\n",
        "what is this\n",
        "\n",
    };
    struct error err;
    struct handover *read = calloc(1, sizeof(*read));
    assert_non_null(read);
    assert_true(handover_parse(str_of(head), read, &err));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct buf text;
        buf_init(&text, 4096);
        buf_printf(&text, "%s%s", head, bad[i]);
        assert_false(handover_parse(buf_str(&text), read, &err));
        buf_release(&text);
    }
    assert_false(handover_parse(STR("turnpike-handover 1\n"), read, &err));
    assert_non_null(strstr(err.text, "restart the gateway"));
    assert_false(handover_read("1", read, &err));
    assert_false(handover_read("x", read, &err));
    free(read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(no_line_may_be_cut_or_lack),
        cmocka_unit_test(what_the_program_before_knew_alone_is_left_out),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
