#include "router/cost.h"

#include "router/cost_table.h"

/* clang-format off */
static const char *const part_names[COST_PART_COUNT] = {
    [COST_PERCENT]            = "percent",
    [COST_FIXED]              = "fixed",
    [COST_MINIMUM]            = "minimum",
    [COST_MAXIMUM]            = "maximum",
    [COST_CROSS_BORDER]       = "cross_border",
    [COST_CONVERSION]         = "conversion",
    [COST_RETURNED_PERCENT]   = "returned_percent",
    [COST_RETURNED_FIXED]     = "returned_fixed",
    [COST_RETURNED_SURCHARGE] = "returned_surcharge",
    [COST_ROUNDING]           = "rounding",
};
/* clang-format on */

const char *cost_part_name(enum cost_part part)
{
    CHECK((unsigned)part < COST_PART_COUNT);
    return part_names[part];
}

/* ---- which entry ------------------------------------------------------------------------------ */

static const struct rate *scope_find(const struct cost_table *table, const struct scope *scope,
                                     size_t currency)
{
    if (!scope->known) {
        return NULL;
    }
    size_t at = scope->rate[currency] != 0 ? scope->rate[currency] : scope->fallback;
    return at != 0 ? &table->rates[at] : NULL;
}

static const struct rate *find_rate(const struct cost_table *table, enum operation operation,
                                    const struct cost_facts *facts, const struct scope **scope)
{
    size_t currency = currency_index(facts->currency);
    *scope = &table->operations[operation];
    const struct rate *rate = scope_find(table, *scope, currency);
    for (size_t i = 0; rate == NULL && i < table->method_count; i++) {
        if (str_eq(facts->method, str_of(table->methods[i].name))) {
            *scope = &table->methods[i].scope;
            rate = scope_find(table, *scope, currency);
        }
    }
    if (rate == NULL) {
        *scope = &table->base;
        rate = scope_find(table, *scope, currency);
    }
    return rate;
}

static const struct rate *find_tier(const struct rate *rate, int64_t volume_minor)
{
    size_t tier = 0;
    while (tier < rate->tier_count && volume_minor >= rate[tier + 1].from_minor) {
        tier++;
    }
    return rate + tier;
}

/* ---- parts ------------------------------------------------------------------------------------ */

struct sum {
    const struct cost_table *table;
    const struct cost_facts *facts;
    struct cost_explained *out;
    const struct rate *rate;
    const struct scope *scope;
};

/* Where each part is rounded by itself. */
static exact take(const struct sum *sum, exact value)
{
    exact step = (exact)sum->out->step_minor * EXACT_MILLION;
    return sum->table->rounds_each ? exact_divide(value, step, sum->table->rounding) * step : value;
}

/* An amount of the entry, in the payment's currency. */
static bool convert(const struct sum *sum, int64_t amount_minor, exact *out)
{
    const struct currency *from = sum->rate->amounts_in;
    *out = (exact)amount_minor * EXACT_MILLION;
    if (amount_minor == 0 || from == NULL || from == sum->facts->currency) {
        return true;
    }
    return sum->facts->rates != NULL &&
           rates_convert_exact(sum->facts->rates, amount_minor, from, sum->facts->currency, out);
}

static bool add_base(const struct sum *sum, int64_t amount_minor)
{
    exact *part = sum->out->part;
    exact least = 0;
    exact most = 0;
    exact fixed = 0;
    if (!convert(sum, sum->rate->fixed_minor, &fixed) ||
        !convert(sum, sum->rate->min_minor, &least) || !convert(sum, sum->rate->max_minor, &most)) {
        return false;
    }
    part[COST_PERCENT] = take(sum, (exact)amount_minor * sum->rate->percent);
    part[COST_FIXED] = take(sum, fixed);
    exact fee = part[COST_PERCENT] + part[COST_FIXED];
    if (fee < least) {
        part[COST_MINIMUM] = least - fee;
    } else if (sum->rate->max_minor > 0 && fee > most) {
        part[COST_MAXIMUM] = most - fee;
    }
    return true;
}

/* Of the scope, else of the table, else none; an event has its own alone. */
static int64_t surcharge(const struct scope *scope, int64_t of_scope, int64_t of_table)
{
    int64_t percent = of_scope < 0 && !scope->is_event ? of_table : of_scope;
    return percent > 0 ? percent : 0;
}

static bool is_abroad(const struct sum *sum)
{
    return sum->table->country[0] != '\0' && !str_is_empty(sum->facts->country) &&
           !str_eq(sum->facts->country, str_of(sum->table->country));
}

static bool is_converted(const struct sum *sum)
{
    return !sum->table->settles_all && !sum->table->settles[currency_index(sum->facts->currency)];
}

/* What is converted after the fee was taken off. */
static exact net_conversion(const struct sum *sum, int64_t amount_minor, int64_t percent)
{
    const exact *part = sum->out->part;
    exact net = (exact)amount_minor * EXACT_MILLION;
    for (size_t i = 0; i < COST_CONVERSION; i++) {
        net -= part[i];
    }
    return net <= 0 ? 0 : exact_divide(net * percent, EXACT_MILLION, MONEY_HALF_UP);
}

static void add_surcharges(const struct sum *sum, int64_t amount_minor)
{
    const struct cost_table *table = sum->table;
    struct cost_explained *out = sum->out;
    if (is_abroad(sum)) {
        out->cross_border =
            surcharge(sum->scope, sum->scope->cross_border, table->base.cross_border);
        out->part[COST_CROSS_BORDER] = take(sum, (exact)amount_minor * out->cross_border);
    }
    if (is_converted(sum)) {
        out->conversion = surcharge(sum->scope, sum->scope->conversion, table->base.conversion);
        out->part[COST_CONVERSION] =
            take(sum, table->conversion_of_net ? net_conversion(sum, amount_minor, out->conversion)
                                               : (exact)amount_minor * out->conversion);
    }
}

static bool add_parts(struct sum *sum, int64_t amount_minor)
{
    sum->rate = find_tier(sum->rate, sum->facts->month_volume_minor);
    struct cost_explained *out = sum->out;
    out->entry = sum->scope->entry;
    out->is_default = sum->scope->rate[currency_index(sum->facts->currency)] == 0;
    out->percent = sum->rate->percent;
    out->tier_from_minor = sum->rate->from_minor;
    out->step_minor = sum->rate->step_minor;
    if (!add_base(sum, amount_minor)) {
        return false;
    }
    add_surcharges(sum, amount_minor);
    return true;
}

/* ---- what a refund gives back ----------------------------------------------------------------- */

/* `share` of what was charged for the payment, for the part of it that is refunded; what is smaller
 * than a millionth of a minor unit is cut off. */
static exact returned(const struct sum *sum, exact charged, int64_t paid_minor, int64_t share)
{
    int64_t amount_minor = sum->facts->amount_minor;
    exact part = charged;
    if (amount_minor != paid_minor) {
        part = exact_divide(charged * amount_minor, paid_minor, MONEY_DOWN);
    }
    return -take(sum, exact_divide(part * share, EXACT_MILLION, MONEY_DOWN));
}

static bool add_returns(const struct sum *refund, const struct scope *scope)
{
    const struct cost_facts *facts = refund->facts;
    int64_t paid_minor = facts->paid_minor > 0 ? facts->paid_minor : facts->amount_minor;
    struct cost_explained charged = {.rounding = refund->table->rounding};
    struct sum payment = {.table = refund->table, .facts = facts, .out = &charged};
    payment.rate = find_rate(refund->table, OPERATION_SALE, facts, &payment.scope);
    if (payment.rate == NULL || !add_parts(&payment, paid_minor)) {
        return false;
    }
    exact *part = refund->out->part;
    bool is_whole = facts->amount_minor >= paid_minor;
    exact percent =
        charged.part[COST_PERCENT] + charged.part[COST_MINIMUM] + charged.part[COST_MAXIMUM];
    exact surcharges = charged.part[COST_CROSS_BORDER] + charged.part[COST_CONVERSION];
    refund->out->step_minor = charged.step_minor;
    part[COST_RETURNED_PERCENT] = returned(refund, percent, paid_minor, scope->returned_percent);
    part[COST_RETURNED_SURCHARGE] =
        returned(refund, surcharges, paid_minor, scope->returned_surcharge);
    part[COST_RETURNED_FIXED] =
        is_whole ? -take(refund, exact_divide(charged.part[COST_FIXED] * scope->returned_fixed,
                                              EXACT_MILLION, MONEY_DOWN))
                 : 0;
    return true;
}

/* ---- the sum ---------------------------------------------------------------------------------- */

static bool add_operation(struct sum *sum)
{
    const struct cost_facts *facts = sum->facts;
    const struct scope *own = &sum->table->operations[facts->operation];
    sum->rate = find_rate(sum->table, facts->operation, facts, &sum->scope);
    /* A refund of which the table says only what is given back costs nothing itself. */
    bool is_charged = !own->returns || sum->scope == own;
    if (is_charged && (sum->rate == NULL || !add_parts(sum, facts->amount_minor))) {
        return false;
    }
    if (!is_charged) {
        sum->out->entry = own->entry;
    }
    return !own->returns || add_returns(sum, own);
}

static bool add_event(struct sum *sum)
{
    sum->scope = &sum->table->events[sum->facts->event];
    if (!sum->scope->known) {
        return true;
    }
    sum->rate = scope_find(sum->table, sum->scope, currency_index(sum->facts->currency));
    return sum->rate != NULL && add_parts(sum, sum->facts->amount_minor);
}

static void round_sum(struct cost_explained *out)
{
    exact sum = 0;
    for (size_t i = 0; i < COST_ROUNDING; i++) {
        sum += out->part[i];
    }
    exact step = (exact)out->step_minor * EXACT_MILLION;
    exact fee = exact_divide(sum, step, out->rounding) * out->step_minor;
    out->fee_minor = (int64_t)fee; /* at most three times the amount, and two amounts */
    out->part[COST_ROUNDING] = fee * EXACT_MILLION - sum;
}

bool cost_explain(const struct cost_table *table, const struct cost_facts *facts,
                  struct cost_explained *explained)
{
    CHECK((unsigned)facts->operation < OPERATION_COUNT &&
          (unsigned)facts->event < COST_EVENT_COUNT);
    CHECK(facts->amount_minor >= 0 && facts->amount_minor <= MONEY_AMOUNT_MAX);
    CHECK(facts->paid_minor >= 0 && facts->paid_minor <= MONEY_AMOUNT_MAX);
    *explained = (struct cost_explained){.entry = "", .step_minor = 1, .rounding = table->rounding};
    struct sum sum = {.table = table, .facts = facts, .out = explained};
    bool is_known = facts->event == COST_CHARGED ? add_operation(&sum) : add_event(&sum);
    if (is_known) {
        round_sum(explained);
    }
    return is_known;
}

bool cost_expected(const struct cost_table *table, const struct cost_facts *facts,
                   int64_t *fee_minor)
{
    struct cost_explained explained;
    bool is_known = cost_explain(table, facts, &explained);
    if (is_known) {
        *fee_minor = explained.fee_minor;
    }
    return is_known;
}
