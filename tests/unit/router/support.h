/*
 * support.h - what the router's tests share: rule sets from text, facts and candidates by default.
 */
#ifndef TESTS_UNIT_ROUTER_SUPPORT_H
#define TESTS_UNIT_ROUTER_SUPPORT_H

#include "router/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after ours: it defines fail() */

static const struct str providers_known[] = {STR_INIT("paypal"), STR_INIT("payoneer"),
                                             STR_INIT("rebilly"), STR_INIT("spreedly")};

static inline struct rule_set *rules_try(const char *text, struct error *err)
{
    return rule_set_new(str_of(text), providers_known, ARRAY_LEN(providers_known), err);
}

static inline struct rule_set *rules_of(const char *text)
{
    struct error err = {.text = ""};
    struct rule_set *rules = rules_try(text, &err);
    if (rules == NULL) {
        fail_msg("refused: %s\n%s", err.text, text);
    }
    return rules;
}

static inline struct route_facts facts_of(const char *currency, int64_t amount_minor)
{
    return (struct route_facts){
        .operation = OPERATION_SALE,
        .amount_minor = amount_minor,
        .currency = currency_find(str_of(currency)),
        .method = STR("card"),
        .country = STR("DE"),
        .merchant = STR("mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B"),
    };
}

/* An account that can do anything, by a healthy provider. */
static inline struct route_candidate candidate_of(const char *provider, const char *account)
{
    return (struct route_candidate){
        .provider = str_of(provider),
        .account_name = str_of(account),
        .takes_currency = true,
        .takes_operation = true,
        .takes_method = true,
        .has_token = true,
        .health = {.state = HEALTH_CLOSED, .may_try = true, .success_per_million = 1000000},
    };
}

/* The name of the rule that decides. */
static inline struct str rule_for(const struct rule_set *rules, const struct route_facts *facts)
{
    struct route_decision decision;
    route_decide(rules, facts, NULL, 0, 0, &decision);
    return decision.rule;
}

#define assert_str(s, expected)                                                                    \
    do {                                                                                           \
        struct str str_ = (s);                                                                     \
        if (!str_eq(str_, str_of(expected))) {                                                     \
            fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(str_), expected);                    \
        }                                                                                          \
    } while (0)

#endif
