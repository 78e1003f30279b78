#include "payment/merchant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define GOOD_SECRET "{\"user\":\"client-1\",\"password\":\"hunter2\"}\n"

struct place {
    char folder[64];
    struct arena arena;
    struct shm shm;
    struct health *health;
    struct merchants_config config;
    struct directory_account row;
    struct merchant_account account;
};

static bool read_env(void *ctx, const char *name, struct secret *value)
{
    (void)ctx;
    if (strcmp(name, "PAYPAL_DEMO") != 0)
        return false;
    secret_set(value, STR("{\"user\":\"from-env\",\"password\":\"p\"}"));
    return true;
}

static void write_file(const struct place *place, const char *name, const char *text, mode_t mode)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", place->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int setup(void **state)
{
    static struct place place;
    struct error err;
    place = (struct place){.folder = "/tmp/turnpike-merchant-XXXXXX"};
    assert_non_null(mkdtemp(place.folder));
    arena_init(&place.arena, 1 << 22);
    assert_true(shm_open_segment(&place.shm, 16 << 20, &err));
    place.health = health_open(&place.shm, &health_config_default);
    place.config = merchants_config_default;
    place.config.secrets_folder = place.folder;
    place.config.default_ca_file = "/etc/turnpike/ca.pem";
    place.config.read_env = read_env;
    place.row = (struct directory_account){
        .merchant_id = uuid_new(),
        .account_id = uuid_new(),
        .provider = STR("paypal"),
        .name = STR("main"),
        .base_url = STR("https://127.0.0.1:9444/"),
        .secret_ref = STR("file:paypal.json"),
        .settings_json = STR("{}"),
    };
    write_file(&place, "paypal.json", GOOD_SECRET, 0600);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    merchant_account_release(&place->account);
    arena_release(&place->arena);
    shm_close(&place->shm);
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r '%s'", place->folder);
    return system(command);
}

static void build(struct place *place)
{
    merchant_account_build(&place->account, &place->row, &place->config, place->health,
                           &place->arena);
}

static void expect_problem(struct place *place, const char *part)
{
    build(place);
    assert_false(place->account.usable);
    if (strstr(place->account.problem, part) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", part, place->account.problem);
    assert_null(strstr(place->account.problem, "hunter2"));
    merchant_account_release(&place->account);
}

static void a_good_account_is_usable(void **state)
{
    struct place *place = *state;
    build(place);
    if (!place->account.usable)
        fail_msg("%s", place->account.problem);
    const struct provider_account *account = &place->account.account;
    assert_string_equal(account->provider->name, "paypal");
    assert_string_equal(account->base_url, "https://127.0.0.1:9444");
    assert_string_equal(account->ca_file, "/etc/turnpike/ca.pem");
    assert_true(str_eq(account->user, STR("client-1")));
    assert_true(str_eq(secret_expose(&account->password), STR("hunter2")));
    assert_non_null(place->account.health);
    assert_ptr_equal(place->account.health, health_find(place->health, &place->row.account_id));
}

static void credentials_may_come_from_the_environment(void **state)
{
    struct place *place = *state;
    place->row.secret_ref = STR("env:PAYPAL_DEMO");
    build(place);
    assert_true(place->account.usable);
    assert_true(str_eq(place->account.account.user, STR("from-env")));
    merchant_account_release(&place->account);
    place->row.secret_ref = STR("env:OTHER");
    expect_problem(place, "no such variable");
    place->row.secret_ref = STR("env:");
    expect_problem(place, "name is wrong");
    place->config.read_env = NULL;
    place->row.secret_ref = STR("env:PAYPAL_DEMO");
    expect_problem(place, "no such variable");
}

static void a_secret_file_outside_the_folder_is_not_read(void **state)
{
    struct place *place = *state;
    static const struct str names[] = {
        STR_INIT("file:../paypal.json"),
        STR_INIT("file:/etc/passwd"),
        STR_INIT("file:.hidden"),
        STR_INIT("file:"),
        STR_INIT("file:a/b"),
        STR_INIT("file:a\0b"),
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        place->row.secret_ref = names[i];
        expect_problem(place, "must be plain");
    }
    place->row.secret_ref = STR("paypal.json");
    expect_problem(place, "file:NAME or env:NAME");
}

static void a_secret_file_that_others_may_read_is_refused(void **state)
{
    struct place *place = *state;
    write_file(place, "paypal.json", GOOD_SECRET, 0640);
    expect_problem(place, "");
    write_file(place, "paypal.json", GOOD_SECRET, 0604);
    expect_problem(place, "");
    write_file(place, "paypal.json", GOOD_SECRET, 0600);
    build(place);
    assert_true(place->account.usable);
}

static void a_secret_of_the_wrong_form_is_refused_without_showing_it(void **state)
{
    struct place *place = *state;
    static const char *const texts[] = {
        "",
        "hunter2",
        "{\"user\":\"u\"}",
        "{\"password\":\"hunter2\"}",
        "{\"user\":\"\",\"password\":\"hunter2\"}",
        "{\"user\":\"u\",\"password\":7}",
        "[\"u\",\"hunter2\"]",
        "{\"user\":\"u\",\"user\":\"v\",\"password\":\"hunter2\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_file(place, "paypal.json", texts[i], 0600);
        expect_problem(place, "secret");
    }
}

static void a_missing_secret_makes_only_the_account_unusable(void **state)
{
    struct place *place = *state;
    place->row.secret_ref = STR("file:absent.json");
    build(place);
    assert_false(place->account.usable);
    assert_true(place->account.problem[0] != '\0');
    assert_true(merchant_account_takes(&place->account, currency_find(STR("EUR"))));
}

static void wrong_rows_say_what_is_wrong(void **state)
{
    struct place *place = *state;
    place->row.provider = STR("nobody");
    expect_problem(place, "unknown provider");
    place->row.provider = STR("paypal");
    place->row.base_url = STR("http://127.0.0.1");
    expect_problem(place, "https://");
    place->row.base_url = STR("https://");
    expect_problem(place, "https://");
    place->row.base_url = STR("https://127.0.0.1");
    place->row.currencies = STR("EUR XXY");
    expect_problem(place, "XXY");
    place->row.currencies = STR_NONE;
    place->row.settings_json = STR("{\"no_such_setting\":\"1\"}");
    expect_problem(place, "no_such_setting");
    place->row.settings_json = STR("nonsense");
    expect_problem(place, "settings");
    place->row.settings_json = STR("{}");
    place->row.fees_json = STR("{\"percent\":\"many\"}");
    expect_problem(place, "fee table");
}

static void currencies_are_those_of_row_and_provider(void **state)
{
    struct place *place = *state;
    const struct currency *eur = currency_find(STR("EUR"));
    const struct currency *usd = currency_find(STR("USD"));
    const struct currency *kwd = currency_find(STR("KWD"));
    build(place);
    assert_true(merchant_account_takes(&place->account, eur));
    assert_true(merchant_account_takes(&place->account, usd));
    assert_false(merchant_account_takes(&place->account, kwd)); /* PayPal has no KWD */
    merchant_account_release(&place->account);
    place->row.currencies = STR("EUR  KWD");
    build(place);
    assert_true(merchant_account_takes(&place->account, eur));
    assert_false(merchant_account_takes(&place->account, usd));
    assert_false(merchant_account_takes(&place->account, kwd));
}

static void an_account_may_have_its_own_authorities(void **state)
{
    struct place *place = *state;
    place->row.settings_json = STR("{\"ca_file\":\"/etc/ssl/own.pem\"}");
    build(place);
    assert_true(place->account.usable);
    assert_string_equal(place->account.account.ca_file, "/etc/ssl/own.pem");
    merchant_account_release(&place->account);
    place->row.settings_json = STR("{\"ca_file\":\"system\"}");
    build(place);
    assert_string_equal(place->account.account.ca_file, "");
}

static void a_key_is_found_by_its_digest_only(void **state)
{
    (void)state;
    uint8_t pepper[32] = {7}, other[32] = {8}, digest[32], again[32];
    char text[64];
    for (int i = 0; i < 100; i++) {
        merchant_key_make(i % 2 == 0, text, digest, pepper);
        assert_int_equal(strlen(text), 52);
        assert_true(merchant_key_is_valid(str_of(text)));
        assert_int_equal(strncmp(text, i % 2 == 0 ? "tpk_live_" : "tpk_test_", 9), 0);
        merchant_key_digest(str_of(text), pepper, again);
        assert_memory_equal(digest, again, 32);
        merchant_key_digest(str_of(text), other, again);
        assert_memory_not_equal(digest, again, 32);
        text[51] = text[51] == 'A' ? 'B' : 'A';
        merchant_key_digest(str_of(text), pepper, again);
        assert_memory_not_equal(digest, again, 32);
    }
}

static void what_is_no_key_is_not_looked_up(void **state)
{
    (void)state;
    static const struct str texts[] = {
        STR_INIT(""),
        STR_INIT("tpk_test_"),
        STR_INIT("tpk_prod_0123456789012345678901234567890123456789012"),
        STR_INIT("tpk_test_012345678901234567890123456789012345678901"),
        STR_INIT("tpk_test_01234567890123456789012345678901234567890123"),
        STR_INIT("tpk_test_01234567890123456789012345678901234567890 2"),
        STR_INIT("tpk_test_0123456789012345678901234567890123456789+12"),
        STR_INIT("TPK_TEST_0123456789012345678901234567890123456789012"),
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(merchant_key_is_valid(texts[i]));
    assert_true(merchant_key_is_valid(STR("tpk_test_0123456789012345678901234567890123456789-_2")));
}

static void only_its_clients_speak_for_a_bound_merchant(void **state)
{
    (void)state;
    uint8_t keys[3 * 32];
    struct merchant merchant = {.client_keys = STR_NONE};
    memset(keys, 1, 32);
    memset(keys + 32, 2, 32);
    memset(keys + 64, 3, 32);
    assert_true(merchant_takes_client(&merchant, NULL));
    assert_true(merchant_takes_client(&merchant, keys));
    merchant.client_keys = (struct str){(const char *)keys, 64};
    assert_true(merchant_takes_client(&merchant, keys));
    assert_true(merchant_takes_client(&merchant, keys + 32));
    assert_false(merchant_takes_client(&merchant, keys + 64));
    assert_false(merchant_takes_client(&merchant, keys + 1)); /* two halves of its keys */
    assert_false(merchant_takes_client(&merchant, NULL));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_good_account_is_usable),
        TEST(credentials_may_come_from_the_environment),
        TEST(a_secret_file_outside_the_folder_is_not_read),
        TEST(a_secret_file_that_others_may_read_is_refused),
        TEST(a_secret_of_the_wrong_form_is_refused_without_showing_it),
        TEST(a_missing_secret_makes_only_the_account_unusable),
        TEST(wrong_rows_say_what_is_wrong),
        TEST(currencies_are_those_of_row_and_provider),
        TEST(an_account_may_have_its_own_authorities),
        cmocka_unit_test(a_key_is_found_by_its_digest_only),
        cmocka_unit_test(what_is_no_key_is_not_looked_up),
        cmocka_unit_test(only_its_clients_speak_for_a_bound_merchant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
