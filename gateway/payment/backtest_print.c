#include "payment/backtest.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum {
    RATE_DIGITS = 6,
};

#define MILLION INT64_C(1000000)

static int64_t rounded(int64_t millionths)
{
    return (millionths + MILLION / 2) / MILLION;
}

static void put_rate(struct json_out *out, const char *key, double rate)
{
    char text[MONEY_TEXT_SIZE];
    json_put_raw(out, key, money_format((int64_t)(rate * 1e6 + 0.5), RATE_DIGITS, text));
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static void put_estimate(struct json_out *out, const char *key, const struct estimate *estimate)
{
    json_key(out, key);
    if (!estimate->is_known) {
        json_null_value(out);
        return;
    }
    json_begin_object(out);
    put_rate(out, "rate", estimate->rate);
    put_rate(out, "low", estimate->low);
    put_rate(out, "high", estimate->high);
    json_put_int(out, "payments", estimate->payments);
    json_put_int(out, "worth", (int64_t)estimate->worth);
    json_end_object(out);
}

static void put_side(struct json_out *out, const struct backtest *backtest,
                     const struct backtest_side *side)
{
    double all = backtest->payments > 0 ? (double)backtest->payments : 1;
    json_begin_object(out);
    json_put_cstr(out, "name", side->label);
    json_put_int(out, "was", side->was);
    json_put_int(out, "now", rounded(side->now_millionths));
    put_rate(out, "was_share", (double)side->was / all);
    put_rate(out, "now_share", (double)side->now_millionths / 1e6 / all);
    put_estimate(out, "was_success", &side->was_success);
    put_estimate(out, "now_success", &side->now_success);
    json_put_int(out, "unknown", rounded(side->unknown_millionths));
    json_end_object(out);
}

static void put_fees(struct json_out *out, const struct backtest *backtest)
{
    json_key(out, "fees");
    json_begin_array(out);
    for (size_t i = 0; i < backtest->fees_count; i++) {
        const struct backtest_fees *fees = &backtest->fees[i];
        json_begin_object(out);
        json_put_cstr(out, "currency", fees->currency->code);
        json_put_int(out, "payments", fees->payments);
        json_put_int(out, "amount", fees->amount_minor);
        json_put_int(out, "was", fees->was_minor);
        json_put_int(out, "now", fees->now_minor);
        json_put_int(out, "unknown", fees->unknown);
        json_end_object(out);
    }
    json_end_array(out);
}

static void put_changes(struct json_out *out, const struct backtest *backtest)
{
    char id[ID_TEXT_SIZE];
    json_key(out, "changes");
    json_begin_array(out);
    for (size_t was = 0; was < backtest->side_count; was++) {
        for (size_t now = 0; now < backtest->side_count; now++) {
            const struct backtest_change *change = &backtest->change[was][now];
            if (was == now || change->payments == 0)
                continue;
            json_begin_object(out);
            json_put_cstr(out, "from", backtest->side[was].label);
            json_put_cstr(out, "to", backtest->side[now].label);
            json_put_int(out, "payments", change->payments);
            json_key(out, "examples");
            json_begin_array(out);
            for (int64_t i = 0; i < change->payments && i < BACKTEST_EXAMPLE_MAX; i++)
                json_str(out, id_format(ID_PAYMENT, &change->example[i], id));
            json_end_array(out);
            json_end_object(out);
        }
    }
    json_end_array(out);
}

static void put_success(struct json_out *out, const struct backtest *backtest)
{
    double low = 0;
    double high = 1;
    double all = backtest->payments > 0 ? (double)backtest->payments : 1;
    backtest_bounds(backtest, &low, &high);
    json_key(out, "success");
    json_begin_object(out);
    put_estimate(out, "was_first", &backtest->was_first);
    put_estimate(out, "now_first", &backtest->now_first);
    put_estimate(out, "was_paid", &backtest->was_paid);
    put_estimate(out, "now_paid", &backtest->now_paid);
    json_put_int(out, "unknown", rounded(backtest->unknown_millionths));
    put_rate(out, "unknown_share", (double)backtest->unknown_millionths / 1e6 / all);
    put_rate(out, "first_at_least", low);
    put_rate(out, "first_at_most", high);
    json_end_object(out);
}

void backtest_print_json(const struct backtest *backtest, struct buf *buf)
{
    struct json_out out;
    json_out_init(&out, buf);
    json_begin_object(&out);
    json_put_cstr(&out, "object", "backtest");
    json_put_int(&out, "payments", backtest->payments);
    json_put_int(&out, "skipped", backtest->skipped);
    json_put_int(&out, "undecided", backtest->undecided);
    json_put_int(&out, "changed", backtest->changed);
    json_put_int(&out, "declined", backtest->declined);
    json_put_int(&out, "nobody", backtest->nobody);
    json_key(&out, "providers");
    json_begin_array(&out);
    for (size_t i = 0; i < backtest->side_count; i++)
        put_side(&out, backtest, &backtest->side[i]);
    json_end_array(&out);
    put_fees(&out, backtest);
    put_success(&out, backtest);
    put_changes(&out, backtest);
    json_end_object(&out);
}

/* ---- text ------------------------------------------------------------------------------------- */

static const char *percent(double part, double whole, char out[32])
{
    (void)snprintf(out, 32, "%.2f %%", whole > 0 ? part * 100 / whole : 0);
    return out;
}

static const char *say(const struct estimate *estimate, char out[64])
{
    if (estimate->is_known)
        (void)snprintf(out, 64, "%.2f %% (%.2f to %.2f)", estimate->rate * 100, estimate->low * 100,
                       estimate->high * 100);
    else
        (void)snprintf(out, 64, "unknown");
    return out;
}

static void print_sides(const struct backtest *backtest, struct buf *out)
{
    char text[4][64];
    double all = (double)backtest->payments;
    buf_printf(out, "\n%-28s %10s %10s  %-26s %-26s %s\n", "first provider", "was", "would be",
               "success was", "success would be", "unknown");
    for (size_t i = 0; i < backtest->side_count; i++) {
        const struct backtest_side *side = &backtest->side[i];
        if (side->was == 0 && side->now_millionths == 0)
            continue;
        buf_printf(out, "%-28s %10s %10s  %-26s %-26s %lld\n", side->label,
                   percent((double)side->was, all, text[0]),
                   percent((double)side->now_millionths / 1e6, all, text[1]),
                   side->was == 0 ? "-" : say(&side->was_success, text[2]),
                   side->now_millionths == 0 ? "-" : say(&side->now_success, text[3]),
                   (long long)rounded(side->unknown_millionths));
    }
}

static void print_fees(const struct backtest *backtest, struct buf *out)
{
    char was[MONEY_TEXT_SIZE];
    char now[MONEY_TEXT_SIZE];
    char saved[MONEY_TEXT_SIZE];
    buf_printf(out, "\n%-8s %12s %18s %18s %18s  %s\n", "fees", "payments", "was", "would be",
               "difference", "not known for");
    for (size_t i = 0; i < backtest->fees_count; i++) {
        const struct backtest_fees *fees = &backtest->fees[i];
        unsigned digits = fees->currency->exponent;
        (void)money_format(fees->was_minor, digits, was);
        (void)money_format(fees->now_minor, digits, now);
        (void)money_format(fees->now_minor - fees->was_minor, digits, saved);
        buf_printf(out, "%-8s %12lld %18s %18s %18s  %lld\n", fees->currency->code,
                   (long long)fees->payments, was, now, saved, (long long)fees->unknown);
    }
}

static void print_success(const struct backtest *backtest, struct buf *out)
{
    char text[64];
    double low = 0;
    double high = 1;
    double all = backtest->payments > 0 ? (double)backtest->payments : 1;
    backtest_bounds(backtest, &low, &high);
    buf_printf(out, "\nsuccess at the first provider   was       %s\n",
               say(&backtest->was_first, text));
    buf_printf(out,
               "                                would be  %s, of the payments it is known of\n",
               say(&backtest->now_first, text));
    buf_printf(out, "success with failover           was       %s\n",
               say(&backtest->was_paid, text));
    buf_printf(out, "                                would be  %s, likewise\n",
               say(&backtest->now_paid, text));
    buf_printf(out,
               "unknown                         %lld payments (%.2f %%): no comparable one went "
               "there; of all, %.2f to %.2f %% would succeed first\n",
               (long long)rounded(backtest->unknown_millionths),
               (double)backtest->unknown_millionths / 1e4 / all, low * 100, high * 100);
}

static void print_changes(const struct backtest *backtest, struct buf *out)
{
    char id[ID_TEXT_SIZE];
    buf_printf(out, "\n%lld payments would go elsewhere first\n", (long long)backtest->changed);
    for (size_t was = 0; was < backtest->side_count; was++) {
        for (size_t now = 0; now < backtest->side_count; now++) {
            const struct backtest_change *change = &backtest->change[was][now];
            if (was == now || change->payments == 0)
                continue;
            buf_printf(out, "%12lld  %s -> %s  as", (long long)change->payments,
                       backtest->side[was].label, backtest->side[now].label);
            for (int64_t i = 0; i < change->payments && i < BACKTEST_EXAMPLE_MAX; i++)
                buf_printf(out, " " STR_FMT,
                           STR_ARG(id_format(ID_PAYMENT, &change->example[i], id)));
            buf_add_char(out, '\n');
        }
    }
}

void backtest_print_text(const struct backtest *backtest, struct str about, struct buf *out)
{
    buf_printf(out, STR_FMT "\n%lld payments", STR_ARG(about), (long long)backtest->payments);
    if (backtest->skipped > 0)
        buf_printf(out, "; %lld more were never sent, or to accounts that are gone",
                   (long long)backtest->skipped);
    if (backtest->undecided > 0)
        buf_printf(out, "; of %lld the first attempt is not decided",
                   (long long)backtest->undecided);
    if (backtest->declined > 0)
        buf_printf(out, "; %lld would be declined by a rule", (long long)backtest->declined);
    if (backtest->nobody > 0)
        buf_printf(out, "; %lld no account would take", (long long)backtest->nobody);
    buf_add_char(out, '\n');
    print_sides(backtest, out);
    print_fees(backtest, out);
    print_success(backtest, out);
    print_changes(backtest, out);
    buf_add_str(out,
                STR("\nAccounts, fee tables, rates and limits are those of now; each account is "
                    "taken to have had a token.\nIntervals are of 95 %. docs/backtest.md says "
                    "what is assumed.\n"));
}
