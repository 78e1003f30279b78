#include "base/id.h"
#include "base/clock.h"
#include "base/rng.h"
#include "helpers.h"

static void new_ids_are_version_7_of_now_and_ascend(void **state)
{
    (void)state;
    struct uuid before = uuid_new();
    int64_t start_ms = clock_wall_us() / 1000;
    char before_text[ID_TEXT_SIZE];
    (void)id_format(ID_PAYMENT, &before, before_text);
    for (int i = 0; i < 200000; i++) {
        struct uuid id = uuid_new();
        char text[ID_TEXT_SIZE];
        (void)id_format(ID_PAYMENT, &id, text);
        assert_int_equal(id.byte[6] >> 4, 7);
        assert_int_equal(id.byte[8] >> 6, 2);
        assert_true(uuid_compare(&before, &id) < 0);
        assert_true(strcmp(before_text, text) < 0);
        before = id;
        memcpy(before_text, text, sizeof(text));
    }
    int64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | before.byte[i];
    assert_true(ms >= start_ms && ms <= clock_wall_us() / 1000 + 100);
}

static void a_child_makes_other_ids_than_its_parent(void **state)
{
    (void)state;
    enum { COUNT = 64 };
    struct uuid mine[COUNT], theirs[COUNT];
    int ends[2];
    (void)uuid_new();
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    for (int i = 0; i < COUNT; i++)
        mine[i] = uuid_new();
    if (pid == 0)
        _exit(write(ends[1], mine, sizeof(mine)) == sizeof(mine) ? 0 : 1);
    assert_int_equal(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < COUNT; k++)
            assert_false(uuid_eq(&mine[i], &theirs[k]));
    }
    close(ends[0]);
    close(ends[1]);
}

static void made_ids_are_pure(void **state)
{
    (void)state;
    static const uint8_t ones[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    char out[UUID_TEXT_SIZE];
    struct uuid id = uuid_make(INT64_C(0x0123456789ab), ones);
    assert_str(uuid_format(&id, out), "01234567-89ab-7fff-bfff-ffffffffffff");
    static const uint8_t zeros[10] = {0};
    id = uuid_make(0, zeros);
    assert_str(uuid_format(&id, out), "00000000-0000-7000-8000-000000000000");
    assert_false(uuid_is_zero(&id));
    /* The example of RFC 9562, appendix A.6. */
    static const uint8_t rfc[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    id = uuid_make(INT64_C(0x017F22E279B0), rfc);
    assert_str(uuid_format(&id, out), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

static void uuids_are_read_strictly(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "017f22e279b07cc398c4dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2+79b0-7cc3-98c4-dc0c0c07398f",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
        "017f22e2-79b0-7cc3-98c4dc0c-0c07398f",
    };
    struct error err;
    struct uuid id, back;
    char out[UUID_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_false(uuid_parse(str_of(refused[i]), &id, &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
    assert_true(uuid_parse(STR("017F22E2-79B0-7cc3-98C4-DC0C0C07398F"), &id, &err));
    assert_str(uuid_format(&id, out), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    for (int i = 0; i < 1000; i++) {
        rng_fill(&id, sizeof(id));
        assert_true(uuid_parse(uuid_format(&id, out), &back, &err));
        assert_true(uuid_eq(&id, &back));
    }
}

static void ids_of_every_kind_come_back_only_as_their_kind(void **state)
{
    (void)state;
    struct uuid id = uuid_new();
    for (int kind = ID_NONE + 1; kind < ID_KIND_COUNT; kind++) {
        char out[ID_TEXT_SIZE];
        struct str text = id_format((enum id_kind)kind, &id, out);
        assert_int_equal(text.len, 30);
        for (int other = ID_NONE + 1; other < ID_KIND_COUNT; other++) {
            struct error err;
            struct uuid back = {{0}};
            assert_int_equal(id_parse((enum id_kind)other, text, &back, &err), kind == other);
            assert_int_equal(uuid_eq(&id, &back), kind == other);
        }
    }
}

static void id_text_sorts_as_its_bytes_do(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct uuid a, b;
        char text_a[ID_TEXT_SIZE], text_b[ID_TEXT_SIZE];
        rng_fill(&a, sizeof(a));
        rng_fill(&b, sizeof(b));
        if (i % 2 == 0)
            memcpy(&b, &a, 12);
        int by_text =
            strcmp(id_format(ID_EVENT, &a, text_a).at, id_format(ID_EVENT, &b, text_b).at);
        assert_int_equal(by_text < 0, uuid_compare(&a, &b) < 0);
    }
}

static void extreme_ids_have_known_texts(void **state)
{
    (void)state;
    struct uuid id;
    struct error err;
    char out[ID_TEXT_SIZE];
    memset(&id, 0, sizeof(id));
    assert_true(uuid_is_zero(&id));
    assert_str(id_format(ID_KEY, &id, out), "key_00000000000000000000000000");
    memset(&id, 0xff, sizeof(id));
    assert_str(id_format(ID_KEY, &id, out), "key_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    assert_true(id_parse(ID_KEY, STR("KEY_7zzzzzzzzzzzzzzzzzzzzzzzzz"), &id, &err));
    for (size_t i = 0; i < sizeof(id.byte); i++)
        assert_int_equal(id.byte[i], 0xff);
    assert_true(id_parse(ID_KEY, STR("key_0000000000000000000000oilL"), &id, &err));
    assert_str(id_format(ID_KEY, &id, out), "key_00000000000000000000000111");
}

static void malformed_ids_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "pay_",
        "pay_8ZZZZZZZZZZZZZZZZZZZZZZZZZ",  /* 129 bits */
        "pay_ZZZZZZZZZZZZZZZZZZZZZZZZZZ",  /* 130 bits */
        "pay_0000000000000000000000000",   /* short */
        "pay_000000000000000000000000000", /* long */
        "pay_0000000000000000000000000U",  /* no digit */
        "pay_0000000000000000000000000-",
        "pay_0000000000000000000000000 ",
        "pay-00000000000000000000000000",
        "pya_00000000000000000000000000",
        "0000000000000000000000000000000",
        "pay_000000000000000000000000\xc3\xa9",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct error err;
        struct uuid id;
        if (id_parse(ID_PAYMENT, str_of(refused[i]), &id, &err))
            fail_test("%s", refused[i]);
        assert_int_equal(err.code, ERROR_INVALID);
    }
    struct error err;
    struct uuid id;
    assert_false(id_parse(ID_PAYMENT, STR("pay_0000000000000000000000000\0"), &id, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_ids_are_version_7_of_now_and_ascend),
        cmocka_unit_test(a_child_makes_other_ids_than_its_parent),
        cmocka_unit_test(made_ids_are_pure),
        cmocka_unit_test(uuids_are_read_strictly),
        cmocka_unit_test(ids_of_every_kind_come_back_only_as_their_kind),
        cmocka_unit_test(id_text_sorts_as_its_bytes_do),
        cmocka_unit_test(extreme_ids_have_known_texts),
        cmocka_unit_test(malformed_ids_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
