#include "providers/provider.h"

#include "base/rng.h"
#include "providers/adapter.h"
#include "providers/paypal.h"

#include "fixture.h"

static struct str random_text(struct rng *rng, struct arena *arena)
{
    const size_t len = rng_below(rng, 40);
    char *at = arena_alloc(arena, len);

    for (size_t i = 0; i < len; i++)
        at[i] = (char)rng_below(rng, 256);
    return (struct str){at, len};
}

static struct provider_request random_request(struct rng *rng, struct arena *arena)
{
    struct provider_request request = {
        .step = (enum provider_step)rng_below(rng, PROVIDER_STEP_COUNT),
        .moves_money = rng_below(rng, 2) == 1,
        .method = random_text(rng, arena),
        .path = random_text(rng, arena),
        .header_count = rng_below(rng, PROVIDER_HEADER_MAX + 1),
        .has_body = rng_below(rng, 2) == 1,
        .body = random_text(rng, arena),
        .key = random_text(rng, arena),
        .basic_auth = rng_below(rng, 2) == 1,
    };

    for (size_t i = 0; i < request.header_count; i++) {
        request.header[i].name = random_text(rng, arena);
        request.header[i].value = random_text(rng, arena);
    }
    return request;
}

static bool is_same(const struct provider_request *a, const struct provider_request *b)
{
    bool same = a->step == b->step && a->moves_money == b->moves_money &&
                str_eq(a->method, b->method) && str_eq(a->path, b->path) &&
                a->header_count == b->header_count && a->has_body == b->has_body &&
                str_eq(a->body, b->body) && str_eq(a->key, b->key) &&
                a->basic_auth == b->basic_auth;

    for (size_t i = 0; same && i < a->header_count; i++)
        same = str_eq(a->header[i].name, b->header[i].name) &&
               str_eq(a->header[i].value, b->header[i].value);
    return same;
}

static void what_was_packed_unpacks_to_the_same_request(void **state)
{
    struct arena arena;
    struct buf packed;
    struct error err;
    struct rng rng;
    (void)state;

    rng_seed(&rng, 20261121);
    arena_init(&arena, 1 << 20);
    buf_init(&packed, 1 << 16);
    for (int i = 0; i < 2000; i++) {
        const struct provider_request request = random_request(&rng, &arena);
        struct provider_request again;

        provider_request_pack(&request, &packed);
        assert_true(provider_request_unpack(buf_str(&packed), &arena, &again, &err));
        assert_true(is_same(&request, &again));
        buf_clear(&packed);
        arena_reset(&arena);
    }
    buf_release(&packed);
    arena_release(&arena);
}

static void a_cut_or_longer_packing_is_refused(void **state)
{
    struct provider_request again;
    struct arena arena;
    struct buf packed;
    struct error err;
    struct rng rng;
    (void)state;

    rng_seed(&rng, 7);
    arena_init(&arena, 1 << 20);
    buf_init(&packed, 1 << 16);
    const struct provider_request request = random_request(&rng, &arena);
    provider_request_pack(&request, &packed);
    for (size_t len = 0; len < packed.len; len++)
        assert_false(
            provider_request_unpack(str_sub(buf_str(&packed), 0, len), &arena, &again, &err));
    buf_add_char(&packed, 'x');
    assert_false(provider_request_unpack(buf_str(&packed), &arena, &again, &err));
    for (size_t i = 0; i < 20000; i++) { /* never reads beyond the end, whatever stands there */
        packed.at[rng_below(&rng, packed.len)] = (char)rng_below(&rng, 256);
        (void)!provider_request_unpack(buf_str(&packed), &arena, &again, &err);
        arena_reset(&arena);
    }
    buf_release(&packed);
    arena_release(&arena);
}

static void facts_are_set_replaced_printed_and_parsed(void **state)
{
    struct provider_facts facts = {.count = 0};
    struct provider_facts again;
    struct arena arena;
    struct error err;
    struct buf out;
    (void)state;

    arena_init(&arena, 1 << 16);
    buf_init(&out, 4096);
    assert_int_equal(provider_fact_find(&facts, STR("x")).len, 0);
    provider_fact_set(&facts, STR("list_id"), STR("a\"b"));
    provider_fact_set(&facts, STR("charge_id"), STR("c1"));
    provider_fact_set(&facts, STR("list_id"), STR("l2"));
    assert_int_equal(facts.count, 2);
    provider_facts_print(&facts, &out);
    assert_true(str_eq(buf_str(&out), STR("{\"list_id\":\"l2\",\"charge_id\":\"c1\"}")));
    assert_true(provider_facts_parse(buf_str(&out), &arena, &again, &err));
    assert_int_equal(again.count, 2);
    assert_true(str_eq(provider_fact_find(&again, STR("charge_id")), STR("c1")));
    assert_true(provider_facts_parse(STR("{}"), &arena, &again, &err));
    assert_int_equal(again.count, 0);
    assert_false(provider_facts_parse(STR("[]"), &arena, &again, &err));
    assert_false(provider_facts_parse(STR("{\"a\":1}"), &arena, &again, &err));
    assert_false(provider_facts_parse(STR("{\"a\":\"1\",\"b\":\"1\",\"c\":\"1\",\"d\":\"1\","
                                          "\"e\":\"1\",\"f\":\"1\",\"g\":\"1\",\"h\":\"1\","
                                          "\"i\":\"1\"}"),
                                      &arena, &again, &err));
    buf_release(&out);
    arena_release(&arena);
}

static void every_step_is_found_by_its_name(void **state)
{
    (void)state;
    for (int i = PROVIDER_STEP_NONE + 1; i < PROVIDER_STEP_COUNT; i++) {
        const enum provider_step step = (enum provider_step)i;
        assert_int_equal(provider_step_find(str_of(provider_step_name(step))), step);
    }
    assert_int_equal(provider_step_find(STR("none")), PROVIDER_STEP_NONE);
    assert_int_equal(provider_step_find(STR("Charge")), PROVIDER_STEP_NONE);
}

static void the_registry_knows_all_and_their_currencies(void **state)
{
    size_t count = 0;
    const struct provider *const *all = provider_all(&count);
    (void)state;

    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(provider_find(str_of(all[i]->name)), all[i]);
        assert_non_null(all[i]->family);
        assert_int_equal(all[i]->build_payee == NULL, all[i]->judge_payee == NULL);
        assert_int_equal(all[i]->build_token == NULL, all[i]->judge_token == NULL);
    }
    assert_null(provider_find(STR("payone")));
    assert_true(provider_takes_currency(&provider_paypal, currency_find(STR("EUR"))));
    assert_false(provider_takes_currency(&provider_paypal, currency_find(STR("KWD"))));
}

/* Payments never go to an account that pays out, nor the other way round. */
static void a_provider_charges_or_pays_out_and_never_both(void **state)
{
    const uint32_t payout = 1u << OPERATION_PAYOUT;
    size_t count = 0;
    const struct provider *const *all = provider_all(&count);
    (void)state;

    for (size_t i = 0; i < count; i++) {
        const uint32_t operations = all[i]->capability.operations;
        assert_true(operations != 0);
        assert_true((operations & payout) == 0 || operations == payout);
    }
}

static void a_word_is_found_in_letters_of_either_case(void **state)
{
    (void)state;

    assert_true(adapter_mentions(STR("Batch ALREADY exists"), STR("already exist")));
    assert_true(adapter_mentions(STR("x"), STR("x")));
    assert_true(adapter_mentions(STR(""), STR("")));
    assert_false(adapter_mentions(STR(""), STR("x")));
    assert_false(adapter_mentions(STR("alread"), STR("already")));
    assert_false(adapter_mentions(STR_NONE, STR("a")));
}

static void a_base_url_is_an_origin_and_nothing_else(void **state)
{
    static const struct str good[] = {
        STR_INIT("https://api-m.paypal.com"), STR_INIT("https://127.0.0.1:9443"),
        STR_INIT("https://[::1]:9443"),       STR_INIT("https://[::]"),
        STR_INIT("https://localhost:1"),      STR_INIT("https://x:65535")};
    static const struct str bad[] = {STR_INIT(""),
                                     STR_INIT("http://x"),
                                     STR_INIT("https://"),
                                     STR_INIT("https://x/"),
                                     STR_INIT("https://x/path"),
                                     STR_INIT("https://u@x"),
                                     STR_INIT("https://u:p@x"),
                                     STR_INIT("https://x:0"),
                                     STR_INIT("https://x:65536"),
                                     STR_INIT("https://x:"),
                                     STR_INIT("https://x:-1"),
                                     STR_INIT("https://x?y"),
                                     STR_INIT("https://x#y"),
                                     STR_INIT("https://x y"),
                                     STR_INIT("https://[::1"),
                                     STR_INIT("https://[]"),
                                     STR_INIT("https://[:]"),
                                     STR_INIT("https://x/443"),
                                     STR_INIT("https://x:000443"),
                                     STR_INIT("https://.x"),
                                     STR_INIT("HTTPS://x"),
                                     STR_INIT("https://x\r\nHost: y"),
                                     STR_INIT("https://x:9443:1")};
    struct error err;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(adapter_check_base_url(good[i], &err));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (adapter_check_base_url(bad[i], &err))
            fail_msg("taken: " STR_FMT, STR_ARG(bad[i]));
    }
}

static void an_account_needs_whole_credentials(void **state)
{
    struct provider_account account = fixture_account(&provider_paypal);
    struct error err;
    (void)state;

    assert_true(provider_paypal.check_account(&account, &err));
    account.user = STR("with:colon");
    assert_false(provider_paypal.check_account(&account, &err));
    account.user = STR_NONE;
    assert_false(provider_paypal.check_account(&account, &err));
    char text[ADAPTER_PASSWORD_MAX + 1];
    memset(text, 'x', sizeof(text));
    account.user = (struct str){text, ADAPTER_USER_MAX};
    assert_true(provider_paypal.check_account(&account, &err));
    account.user.len++;
    assert_false(provider_paypal.check_account(&account, &err));
    account.user = STR("client");
    secret_set(&account.password, (struct str){text, ADAPTER_PASSWORD_MAX});
    assert_true(provider_paypal.check_account(&account, &err));
    secret_set(&account.password, (struct str){text, ADAPTER_PASSWORD_MAX + 1});
    assert_false(provider_paypal.check_account(&account, &err));
    secret_set(&account.password, STR("line\nbreak"));
    assert_false(provider_paypal.check_account(&account, &err));
    secret_release(&account.password);
    assert_false(provider_paypal.check_account(&account, &err));
}

static void raw_values_are_the_digits_that_stand_there(void **state)
{
    const struct str json =
        STR("{ \"a\" : {\"skip\":[1,{\"amount\":7},\"]}\\\"\"],\"amount\": 10.990 },"
            "\"b\":[5,[6,7.00],\"8\"],\"s\":\"x\\\"y\",\"n\":null}");
    static const struct {
        const char *path;
        const char *raw; /* NULL: absent */
    } rows[] = {
        {"a.amount", "10.990"},   {"b.0", "5"},  {"b.1.1", "7.00"}, {"b.2", "8"},
        {"s", "x\\\"y"},          {"b.3", NULL}, {"n", NULL},       {"a", NULL},
        {"a.skip.1.amount", "7"}, {"a.b", NULL}, {"b.x", NULL},     {"a.amount.c", NULL},
    };
    struct str raw;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const bool is_found = adapter_raw_value(json, rows[i].path, &raw);
        assert_int_equal(is_found, rows[i].raw != NULL);
        if (is_found)
            assert_true(str_eq(raw, str_of(rows[i].raw)));
    }
    for (size_t len = 0; len < json.len; len++) /* cut anywhere, it only fails */
        (void)adapter_raw_value(str_sub(json, 0, len), "n.x", &raw);
}

/* Of an identifier that is to stand in a path: every octet, and how long it may be. */
static void a_part_of_a_path_is_printable_and_leads_nowhere_else(void **state)
{
    char text[ADAPTER_PART_MAX + 1];
    (void)state;

    for (int c = 0; c < 256; c++) {
        char part[] = {'a', (char)c, 'b'};
        const bool is_safe = c > ' ' && c < 0x7f && strchr("/\\?#%", c) == NULL;
        assert_int_equal(adapter_is_part((struct str){part, sizeof(part)}), is_safe);
        assert_int_equal(adapter_is_plain((struct str){part, sizeof(part)}), c >= ' ' && c < 0x7f);
    }
    memset(text, 'x', sizeof(text));
    assert_true(adapter_is_part((struct str){text, ADAPTER_PART_MAX}));
    assert_false(adapter_is_part((struct str){text, ADAPTER_PART_MAX + 1}));
    assert_false(adapter_is_part(STR_NONE) || adapter_is_part(STR(".")) ||
                 adapter_is_part(STR("..")));
    assert_true(adapter_is_part(STR("...")));
}

static bool is_parsed(struct str body)
{
    const struct provider_answer answer = {.status = 200, .body = body, .retry_after_ms = -1};
    json_t *json = adapter_parse(&answer);
    const bool is_there = json != NULL;
    json_decref(json);
    return is_there;
}

/* What a provider sends is read up to a depth, a number of members and a length of text. */
static void an_answer_is_read_up_to_its_limits(void **state)
{
    static char text[70000];
    (void)state;

    for (size_t depth = 32; depth <= 33; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(is_parsed((struct str){text, 2 * depth}), depth <= 32);
    }
    for (size_t count = 16384; count <= 16385; count++) {
        text[0] = '[';
        for (size_t i = 0; i < count; i++)
            memcpy(text + 1 + 2 * i, "7,", 2);
        text[2 * count] = ']';
        assert_int_equal(is_parsed((struct str){text, 2 * count + 1}), count <= 16384);
    }
    for (size_t len = 65536; len <= 65537; len++) {
        memset(text, 'x', sizeof(text));
        memcpy(text, "[\"", 2);
        memcpy(text + 2 + len, "\"]", 2);
        assert_int_equal(is_parsed((struct str){text, len + 4}), len <= 65536);
    }
}

static void codes_are_cleaned_and_never_hold_a_card_number(void **state)
{
    struct provider_judgement judgement;
    char text[80];
    (void)state;

    adapter_judge_init(&judgement);
    adapter_set_code(&judgement, STR("A<b>\n0500"));
    assert_string_equal(judgement.code, "A_b__0500");
    adapter_set_code(&judgement, STR("4111111111111111"));
    assert_string_equal(judgement.code, "");
    memset(text, 'x', sizeof(text));
    adapter_set_code(&judgement, (struct str){text, sizeof(text)});
    assert_int_equal(strlen(judgement.code), PROVIDER_REASON_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_unpacks_to_the_same_request),
        cmocka_unit_test(a_cut_or_longer_packing_is_refused),
        cmocka_unit_test(facts_are_set_replaced_printed_and_parsed),
        cmocka_unit_test(every_step_is_found_by_its_name),
        cmocka_unit_test(the_registry_knows_all_and_their_currencies),
        cmocka_unit_test(a_provider_charges_or_pays_out_and_never_both),
        cmocka_unit_test(a_word_is_found_in_letters_of_either_case),
        cmocka_unit_test(a_base_url_is_an_origin_and_nothing_else),
        cmocka_unit_test(an_account_needs_whole_credentials),
        cmocka_unit_test(raw_values_are_the_digits_that_stand_there),
        cmocka_unit_test(a_part_of_a_path_is_printable_and_leads_nowhere_else),
        cmocka_unit_test(an_answer_is_read_up_to_its_limits),
        cmocka_unit_test(codes_are_cleaned_and_never_hold_a_card_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
