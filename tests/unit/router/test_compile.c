/*
 * test_compile.c - what a program costs to make, whoever wrote the rules.
 */
#include "support.h"

#include "router/compile.h"
#include "router/parse.h"

enum {
    VALUES = 2000,
    RULES = 3000,
    TEXT_BYTES = 1 << 20,
};

static void put_set(struct buf *text, const char *name, int step)
{
    char line[128];
    (void)snprintf(line, sizeof(line), "set %s = [\"v0\"", name);
    buf_add_str(text, str_of(line));
    for (int i = step; i < VALUES; i += step) {
        (void)snprintf(line, sizeof(line), ", \"v%d\"", i);
        buf_add_str(text, str_of(line));
    }
    buf_add_str(text, STR("]\n"));
}

static void put_rules(struct buf *text)
{
    char line[128];
    put_set(text, "every", 1);
    put_set(text, "second", 2); /* numbers with gaps */
    buf_add_str(text, STR("rule \"first\" when metadata.tier in every { use rebilly }\n"));
    for (int i = 0; i < RULES; i++) {
        (void)snprintf(
            line, sizeof(line),
            "rule \"r%d\" when metadata.tier in second and method == \"m%d\" { use paypal }\n", i,
            i);
        buf_add_str(text, str_of(line));
    }
    buf_add_str(text, STR("otherwise { by cost }"));
    assert_true(buf_is_ok(text));
}

/* Each rule had its own copy: ten thousand rules with ten thousand values took seconds, of a worker. */
static void a_named_set_is_in_the_program_once(void **state UNUSED)
{
    struct buf text;
    struct arena arena;
    struct ast_tree tree;
    struct program program;
    struct mix_seed seed = {0};
    struct error err = {.text = ""};
    static struct diagnosis diagnosis;
    buf_init(&text, TEXT_BYTES);
    put_rules(&text);
    arena_init(&arena, PARSE_ARENA_BYTES_MAX);
    diagnosis_init(&diagnosis, &arena);
    if (!parse_tree(buf_str(&text), providers_known, ARRAY_LEN(providers_known), &arena, &tree,
                    &diagnosis)) {
        (void)diagnosis_first(&diagnosis, &err);
        fail_msg("%s", err.text);
    }
    assert_true(compile_tree(&tree, &seed, &arena, &program, &err));
    assert_int_equal(program.number_count, VALUES / 2);
    assert_true(program.index.dimension_count > 0);
    arena_release(&arena);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_named_set_is_in_the_program_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
