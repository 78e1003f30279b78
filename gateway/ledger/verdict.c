#include "ledger/verdict.h"

#include <string.h>

struct rule {
    const char *sqlstate;   /* its beginning */
    const char *constraint; /* its beginning; "" any */
    enum sql sql;           /* SQL_NONE: any */
    struct verdict verdict;
};

/* clang-format off */
static const struct rule rules[] = { /* the first that fits */
    {"40",    "",                       SQL_NONE,          {VERDICT_AGAIN,  STORE_ROLLED_BACK}},
    {"23505", "batches_pkey",           SQL_NONE,          {VERDICT_ALL,    STORE_ROLLED_BACK}},
    {"23505", "payments_reference_key", SQL_NONE,          {VERDICT_ROW,    STORE_REFERENCE_TAKEN}},
    /* A payment of a given id was begun before, under the same key (order.h). */
    {"23505", "payments_pkey",          SQL_PAYMENTS,      {VERDICT_ROW,    STORE_KEY_TAKEN}},
    {"23505", "payment_limits_pkey",    SQL_NONE,          {VERDICT_AGAIN,  STORE_ROLLED_BACK}},
    {"23505", "events_pkey",            SQL_PARENTS,       {VERDICT_AGAIN,  STORE_ROLLED_BACK}},
    {"23505", "",                       SQL_NONE,          {VERDICT_ROW,    STORE_FENCED}},
    {"23514", "payment_limits_",        SQL_NONE,          {VERDICT_ROW,    STORE_LIMIT_EXCEEDED}},
    /* A guarded row was not there, or not in the state it was claimed in (sql.c, ALL_CHANGED). */
    {"22012", "",                       SQL_LIMITS_CHANGE, {VERDICT_ROW,    STORE_LIMIT_EXCEEDED}},
    {"22012", "",                       SQL_BUDGETS,       {VERDICT_ROW,    STORE_LIMIT_EXCEEDED}},
    {"22012", "",                       SQL_ATTEMPTS,      {VERDICT_ROW,    STORE_FENCED}},
    {"22012", "",                       SQL_PARK_AGAIN,    {VERDICT_ROW,    STORE_FENCED}},
    {"22012", "",                       SQL_UNPARK,        {VERDICT_ROW,    STORE_FENCED}},
    {"22012", "",                       SQL_VERDICTS,      {VERDICT_ROW,    STORE_FENCED}},
    /* Full, read only, disk error, schema missing, not prepared: the server, not the rows. */
    {"53",    "",                       SQL_NONE,          {VERDICT_SERVER, STORE_ROLLED_BACK}},
    {"25",    "",                       SQL_NONE,          {VERDICT_SERVER, STORE_ROLLED_BACK}},
    {"58",    "",                       SQL_NONE,          {VERDICT_SERVER, STORE_ROLLED_BACK}},
    {"42",    "",                       SQL_NONE,          {VERDICT_SERVER, STORE_ROLLED_BACK}},
    {"26",    "",                       SQL_NONE,          {VERDICT_SERVER, STORE_ROLLED_BACK}},
    /* A lock or a statement took too long. */
    {"55",    "",                       SQL_NONE,          {VERDICT_ALL,    STORE_ROLLED_BACK}},
    {"57",    "",                       SQL_NONE,          {VERDICT_ALL,    STORE_ROLLED_BACK}},
    {"",      "",                       SQL_NONE,          {VERDICT_ROW,    STORE_ROLLED_BACK}},
};
/* clang-format on */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

struct verdict verdict_of(const struct pg_failure *why)
{
    size_t i = 0;
    while (!begins(why->sqlstate, rules[i].sqlstate) ||
           !begins(why->constraint, rules[i].constraint) ||
           (rules[i].sql != SQL_NONE && rules[i].sql != why->sql))
        i++;
    CHECK(i < ARRAY_LEN(rules));
    return rules[i].verdict;
}
