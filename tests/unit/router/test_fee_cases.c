/*
 * test_fee_cases.c - the router charges what was worked out by hand: every line of fee_cases.tsv, over
 * all currencies of ISO 4217. tests/lint/fee_cases.mjs works the lines out anew.
 */
#include "support.h"

#include "router/rates.h"

enum {
    TEXT_MAX = 262144,
    TABLE_MAX = 32,
    COLUMN_COUNT = 10,
    CASE_MIN = 600, /* fewer: the file was not read to its end */
};

struct named_table {
    struct str name;
    struct cost_table *table;
};

static char text[TEXT_MAX];
static struct named_table tables[TABLE_MAX];
static size_t table_count;
static struct rates *rates;

static struct str read_whole(const char *path, char *into, size_t size)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("cannot read %s", path);
    }
    size_t len = fread(into, 1, size, file);
    (void)fclose(file);
    assert_true(len < size);
    return (struct str){into, len};
}

static struct cost_table *find_table(struct str name)
{
    static char json[TEXT_MAX];
    char path[128];
    for (size_t i = 0; i < table_count; i++) {
        if (str_eq(tables[i].name, name)) {
            return tables[i].table;
        }
    }
    struct error err = {.text = ""};
    (void)snprintf(path, sizeof(path), "%s" STR_FMT ".json",
                   str_starts(name, STR("config/")) ? "" : "tests/unit/router/fee_cases/",
                   STR_ARG(name));
    assert_true(table_count < TABLE_MAX);
    struct named_table *named = &tables[table_count++];
    named->name = name;
    named->table = cost_table_new(read_whole(path, json, sizeof(json)), &err);
    if (named->table == NULL) {
        fail_msg("%s: %s", path, err.text);
    }
    return named->table;
}

static int64_t amount_of(struct str decimal, const struct currency *currency)
{
    struct error err = {.text = ""};
    int64_t minor = 0;
    if (decimal.len > 0 && !money_parse(decimal, currency->exponent, &minor, &err)) {
        fail_msg(STR_FMT ": %s", STR_ARG(decimal), err.text);
    }
    return minor;
}

static void check_case(struct str line, bool seen[])
{
    struct str column[COLUMN_COUNT];
    struct str rest = line;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        column[i] = str_cut(&rest, '\t');
    }
    struct cost_table *table = find_table(column[0]);
    const struct currency *currency = currency_find(column[4]);
    assert_non_null(currency);
    enum operation operation = operation_find(column[1]);
    enum cost_event event = cost_event_find(column[1]);
    assert_true((operation == OPERATION_NONE) != (event == COST_EVENT_COUNT));
    const struct currency *volume_in = cost_volume(table).currency;
    struct cost_facts facts = {
        .operation = operation,
        .event = operation == OPERATION_NONE ? event : COST_CHARGED,
        .amount_minor = amount_of(column[5], currency),
        .currency = currency,
        .country = column[3],
        .method = column[2],
        .month_volume_minor = amount_of(column[6], volume_in != NULL ? volume_in : currency),
        .paid_minor = amount_of(column[7], currency),
        .rates = rates,
    };
    int64_t fee_minor = 0;
    bool is_known = cost_expected(table, &facts, &fee_minor);
    bool should_be = !str_eq(column[8], STR("unknown"));
    if (is_known != should_be || (is_known && fee_minor != amount_of(column[8], currency))) {
        fail_msg("%s %lld: " STR_FMT, is_known ? "known" : "unknown", (long long)fee_minor,
                 STR_ARG(line));
    }
    seen[currency_index(currency)] = true;
}

static void each_case_costs_what_was_worked_out_by_hand(void **state)
{
    (void)state;
    size_t count = 0;
    size_t currency_count = 0;
    const struct currency *all = currency_all(&currency_count);
    bool seen[256] = {false};
    struct str rest = read_whole("tests/unit/router/fee_cases.tsv", text, sizeof(text));
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        if (line.len > 0 && line.at[0] != '#') {
            check_case(line, seen);
            count++;
        }
    }
    assert_true(count >= CASE_MIN);
    for (size_t i = 0; i < currency_count; i++) {
        if (!seen[i]) {
            fail_msg("no case has %s", all[i].code);
        }
    }
}

/* The same sum, whatever it is made of: the parts that are shown are those that are charged. */
static void parts_sum_up_to_the_fee(void **state)
{
    (void)state;
    struct cost_table *table = find_table(STR("net"));
    struct cost_facts facts = {
        .operation = OPERATION_SALE,
        .currency = currency_find(STR("EUR")),
        .country = STR("GB"),
        .rates = rates,
    };
    for (facts.amount_minor = 0; facts.amount_minor < 3000; facts.amount_minor++) {
        struct cost_explained explained;
        int64_t fee_minor = 0;
        exact sum = 0;
        assert_true(cost_explain(table, &facts, &explained));
        assert_true(cost_expected(table, &facts, &fee_minor));
        assert_int_equal(explained.fee_minor, fee_minor);
        for (size_t i = 0; i < COST_PART_COUNT; i++) {
            sum += explained.part[i];
        }
        assert_true(sum == (exact)fee_minor * EXACT_MILLION);
    }
}

static int open_rates(void **state)
{
    (void)state;
    static char json[8192];
    struct error err = {.text = ""};
    unsigned line = 0;
    struct str whole = read_whole("tests/unit/router/fee_cases/rates.json", json, sizeof(json));
    rates = rates_new(whole, &line, &err);
    return rates != NULL ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < table_count; i++) {
        cost_table_free(&tables[i].table);
    }
    rates_free(&rates);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_costs_what_was_worked_out_by_hand),
        cmocka_unit_test(parts_sum_up_to_the_fee),
    };
    return cmocka_run_group_tests(tests, open_rates, close_all);
}
