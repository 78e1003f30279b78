/*
 * Fuzz lexer, parser, checker and evaluator of rule files. The first four octets choose the
 * payment, the rest is the file: refused with a place inside it, or accepted, and then it decides
 * every payment.
 *
 *     make fuzz FUZZ=rules
 */
#include "router/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct str known[] = {STR_INIT("paypal"), STR_INIT("payoneer"), STR_INIT("rebilly")};

static void check_refused(const struct error *err, struct str text)
{
    unsigned line = 0;
    unsigned column = 0;
    int len = 0;
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.at[i] == '\n';
    }
    CHECK(err->code == ERROR_INVALID);
    CHECK(sscanf(err->text, "%u:%u: %n", &line, &column, &len) == 2);
    CHECK(len > 0 && err->text[len] != '\0');
    CHECK(line >= 1 && line <= lines);
    CHECK(column >= 1 && column <= text.len + 1);
    CHECK(str_is_utf8(str_of(err->text)));
}

static void check_decision(const struct rule_set *rules, const uint8_t choice[4])
{
    static const char *const currencies[] = {"EUR", "USD", "JPY", "KWD"};
    static const char *const countries[] = {"", "DE", "US", "GB"};
    static const struct route_pair metadata[] = {{STR_INIT("tier"), STR_INIT("gold")},
                                                 {STR_INIT("a"), STR_INIT("")}};
    struct route_facts facts = {
        .operation = (enum operation)(1 + choice[0] % (OPERATION_COUNT - 1)),
        .amount_minor = (int64_t)choice[1] << (choice[2] % 32),
        .currency = currency_find(str_of(currencies[choice[3] % 4])),
        .method = choice[0] & 0x80 ? STR("card") : STR("wallet"),
        .country = str_of(countries[choice[3] / 4 % 4]),
        .metadata = metadata,
        .metadata_count = choice[2] / 32 % 3,
    };
    struct route_candidate candidates[3];
    memset(candidates, 0, sizeof(candidates));
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
        candidates[i].provider = known[i];
        candidates[i].account_name = STR("main");
        candidates[i].takes_currency = true;
        candidates[i].takes_operation = true;
        candidates[i].takes_method = true;
        candidates[i].has_token = true;
    }
    struct route_decision decision;
    route_decide(rules, &facts, candidates, ARRAY_LEN(candidates), 0, &decision);
    CHECK(decision.count == ARRAY_LEN(candidates) && decision.kept_count <= decision.count);
    unsigned seen = 0;
    for (size_t i = 0; i < decision.count; i++) {
        seen |= 1U << decision.verdict[i].candidate;
        enum route_drop drop = decision.verdict[i].drop;
        CHECK(drop == (i < decision.kept_count ? ROUTE_KEPT : ROUTE_NOT_IN_RULE));
    }
    CHECK(seen == 7);
    struct buf out;
    buf_init(&out, 1 << 20);
    route_decision_print(&decision, candidates, &out);
    CHECK(buf_is_ok(&out) && str_is_utf8(buf_str(&out)));
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    char *exact = malloc(size - 4 + 1); /* its own block: looking too far is seen */
    CHECK(exact);
    memcpy(exact, data + 4, size - 4);
    struct str text = {exact, size - 4};
    struct error err = {.code = ERROR_NONE};
    struct rule_set *rules = rule_set_new(text, known, ARRAY_LEN(known), &err);
    if (rules == NULL) {
        check_refused(&err, text);
    }
    free(exact);
    if (rules != NULL) {
        size_t count = rule_set_rule_count(rules);
        CHECK(count >= 1 && str_eq(rule_set_rule_name(rules, count - 1), STR("default")));
        check_decision(rules, data);
        rule_set_free(&rules);
    }
    return 0;
}
