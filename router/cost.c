#include "router/cost.h"

#include "router/cost_table.h"

enum {
    MILLION = 1000000,
};

__extension__ typedef __int128 cost_exact; /* millionths of a minor unit */

static const struct rate *scope_find(const struct scope *scope, size_t currency)
{
    if (!scope->known) {
        return NULL;
    }
    if (scope->rates[currency].known) {
        return &scope->rates[currency];
    }
    return scope->fallback.known ? &scope->fallback : NULL;
}

static const struct rate *find_rate(const struct cost_table *table, const struct cost_facts *facts,
                                    size_t currency, const struct scope **scope)
{
    *scope = &table->operations[facts->operation];
    const struct rate *rate = scope_find(*scope, currency);
    for (size_t i = 0; rate == NULL && i < table->method_count; i++) {
        if (str_eq(facts->method, str_of(table->methods[i].name))) {
            *scope = &table->methods[i].scope;
            rate = scope_find(*scope, currency);
        }
    }
    if (rate == NULL) {
        *scope = &table->base;
        rate = scope_find(*scope, currency);
    }
    return rate;
}

/* A surcharge of `scope`, else the table's, else none. */
static int64_t surcharge(int64_t of_scope, int64_t of_table)
{
    if (of_scope >= 0) {
        return of_scope;
    }
    return of_table >= 0 ? of_table : 0;
}

bool cost_expected(const struct cost_table *table, const struct cost_facts *facts,
                   int64_t *fee_minor)
{
    CHECK((unsigned)facts->operation < OPERATION_COUNT);
    CHECK(facts->amount_minor >= 0 && facts->amount_minor <= MONEY_AMOUNT_MAX);
    size_t currency = currency_index(facts->currency);
    const struct scope *scope = NULL;
    const struct rate *rate = find_rate(table, facts, currency, &scope);
    if (rate == NULL) {
        return false;
    }
    cost_exact amount = facts->amount_minor;
    cost_exact fee = amount * rate->percent + (cost_exact)rate->fixed_minor * MILLION;
    if (fee < (cost_exact)rate->min_minor * MILLION) {
        fee = (cost_exact)rate->min_minor * MILLION;
    }
    if (rate->max_minor > 0 && fee > (cost_exact)rate->max_minor * MILLION) {
        fee = (cost_exact)rate->max_minor * MILLION;
    }
    bool is_abroad = table->country[0] != '\0' && !str_is_empty(facts->country) &&
                     !str_eq(facts->country, str_of(table->country));
    if (is_abroad) {
        fee += amount * surcharge(scope->cross_border, table->base.cross_border);
    }
    if (table->settles != NULL && !table->settles[currency]) {
        fee += amount * surcharge(scope->conversion, table->base.conversion);
    }
    cost_exact step = (cost_exact)rate->step_minor * MILLION;
    *fee_minor = (int64_t)((fee + step / 2) / step) * rate->step_minor;
    return true;
}
