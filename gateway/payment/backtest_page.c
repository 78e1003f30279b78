#include "payment/backtest.h"

#include <stdio.h>

enum {
    PLOT_WIDTH = 900,
    BAR_HEIGHT = 18,
    LABEL_WIDTH = 210,
    DAYS_HEIGHT = 220,
    COLOUR_COUNT = 6,
};

/* Told apart also by those who do not see all colours; each works on light and dark paper. */
static const char *const colours[COLOUR_COUNT] = {"#3b76c4", "#d07c1f", "#2f9d78",
                                                  "#b65d9c", "#8a7a1f", "#7d8590"};

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>Turnpike: backtest</title>\n<style>\n"
    ":root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --quiet: #57606a;"
    " --line: #d0d7de; --tile: #f6f8fa; }\n"
    "@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3;"
    " --quiet: #9aa4af; --line: #30363d; --tile: #161b22; } }\n"
    "* { box-sizing: border-box; }\n"
    "body { margin: 0 auto; max-width: 75rem; padding: 1rem; background: var(--paper);"
    " color: var(--ink); font: 16px/1.45 system-ui, sans-serif; }\n"
    "h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; }\n"
    ".tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr));"
    " gap: 1rem; }\n"
    ".tile { border: 1px solid var(--line); border-radius: 0.4rem; background: var(--tile);"
    " padding: 0.7rem 1rem; } .tile b { display: block; font-size: 1.3rem; }\n"
    "table { width: 100%; border-collapse: collapse; font-size: 0.9rem; }\n"
    "th, td { text-align: left; padding: 0.3rem 0.5rem; border-bottom: 1px solid var(--line); }\n"
    "td { font-variant-numeric: tabular-nums; } .number { text-align: right; }\n"
    "code { font-family: ui-monospace, monospace; font-size: 0.85em; }\n"
    "svg { width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 12px; }\n"
    "svg .axis { stroke: var(--line); } svg .quiet { fill: var(--quiet); }\n"
    ".quiet { color: var(--quiet); }\n"
    "</style>\n</head>\n<body>\n<h1>Turnpike: backtest</h1>\n";

/* Names come from people. */
static void add_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '<':
            buf_add_str(out, STR("&lt;"));
            break;
        case '>':
            buf_add_str(out, STR("&gt;"));
            break;
        case '&':
            buf_add_str(out, STR("&amp;"));
            break;
        case '"':
            buf_add_str(out, STR("&quot;"));
            break;
        default:
            buf_add_char(out, text.at[i]);
        }
    }
}

static double share_of(const struct backtest *backtest, double payments)
{
    return backtest->payments > 0 ? payments / (double)backtest->payments : 0;
}

static const char *colour(size_t side)
{
    return colours[side % COLOUR_COUNT];
}

static bool is_used(const struct backtest_side *side)
{
    return side->was > 0 || side->now_millionths > 0;
}

static void print_estimate(const struct estimate *estimate, struct buf *out)
{
    if (estimate->is_known)
        buf_printf(out, "%.2f %% <span class=\"quiet\">(%.2f to %.2f)</span>", estimate->rate * 100,
                   estimate->low * 100, estimate->high * 100);
    else
        buf_add_str(out, STR("unknown"));
}

/* ---- figures ---------------------------------------------------------------------------------- */

static void print_tiles(const struct backtest *backtest, struct buf *out)
{
    double low = 0;
    double high = 1;
    backtest_bounds(backtest, &low, &high);
    buf_printf(out, "<div class=\"tiles\"><p class=\"tile\">payments<b>%lld</b></p>",
               (long long)backtest->payments);
    buf_printf(out, "<p class=\"tile\">would go elsewhere first<b>%lld (%.2f %%)</b></p>",
               (long long)backtest->changed, 100 * share_of(backtest, (double)backtest->changed));
    buf_add_str(out, STR("<p class=\"tile\">success at the first provider was<b>"));
    print_estimate(&backtest->was_first, out);
    buf_add_str(out, STR("</b></p><p class=\"tile\">would be, where it is known<b>"));
    print_estimate(&backtest->now_first, out);
    buf_add_str(out, STR("</b></p><p class=\"tile\">success with failover was<b>"));
    print_estimate(&backtest->was_paid, out);
    buf_add_str(out, STR("</b></p><p class=\"tile\">would be, where it is known<b>"));
    print_estimate(&backtest->now_paid, out);
    buf_printf(out,
               "</b></p><p class=\"tile\">nothing is known of<b>%.2f %%</b>of all, %.2f to %.2f %% "
               "would succeed first</p></div>\n",
               100 * share_of(backtest, (double)backtest->unknown_millionths / 1e6), low * 100,
               high * 100);
}

/* ---- plots ------------------------------------------------------------------------------------ */

static void print_bar(size_t row, double share, const char *fill, double opacity, const char *what,
                      struct buf *out)
{
    double width = share * (PLOT_WIDTH - LABEL_WIDTH - 90);
    int y = (int)row * BAR_HEIGHT;
    buf_printf(out,
               "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\" "
               "fill-opacity=\"%.2f\"/><text x=\"%.1f\" y=\"%d\">%.2f %% <tspan class=\"quiet\">"
               "%s</tspan></text>",
               LABEL_WIDTH, y + 2, width, BAR_HEIGHT - 3, fill, opacity, LABEL_WIDTH + width + 6,
               y + 14, share * 100, what);
}

static void print_shares(const struct backtest *backtest, struct buf *out)
{
    size_t row = 0;
    size_t used = 0;
    for (size_t i = 0; i < backtest->side_count; i++)
        used += is_used(&backtest->side[i]) ? 1 : 0;
    buf_printf(out,
               "<h2>Shares</h2>\n<svg viewBox=\"0 0 %d %zu\" role=\"img\" aria-label=\"shares "
               "of providers, before and under the rules\">",
               PLOT_WIDTH, used * 5 / 2 * BAR_HEIGHT + BAR_HEIGHT);
    for (size_t i = 0; i < backtest->side_count; i++) {
        const struct backtest_side *side = &backtest->side[i];
        if (!is_used(side))
            continue;
        buf_printf(out, "<text x=\"0\" y=\"%zu\">", row * BAR_HEIGHT + 22);
        add_text(out, str_of(side->label));
        buf_add_str(out, STR("</text>"));
        print_bar(row++, share_of(backtest, (double)side->was), colour(i), 0.45, "was", out);
        print_bar(row++, share_of(backtest, (double)side->now_millionths / 1e6), colour(i), 1,
                  "would be", out);
    }
    buf_add_str(out, STR("</svg>\n"));
}

/* From where all intervals begin, to 100 %. */
static double floor_of(const struct backtest *backtest)
{
    double least = 1;
    for (size_t i = 0; i < backtest->side_count; i++) {
        const struct estimate *both[2] = {&backtest->side[i].was_success,
                                          &backtest->side[i].now_success};
        for (size_t k = 0; k < 2; k++)
            least = both[k]->is_known && both[k]->low < least ? both[k]->low : least;
    }
    return least > 0.95 ? 0.95 : (double)(int)(least * 20) / 20;
}

static void print_interval(const struct estimate *estimate, double floor, size_t row,
                           const char *fill, const char *what, struct buf *out)
{
    double width = PLOT_WIDTH - LABEL_WIDTH - 180;
    double from = LABEL_WIDTH + (estimate->low - floor) / (1 - floor) * width;
    double to = LABEL_WIDTH + (estimate->high - floor) / (1 - floor) * width;
    double at = LABEL_WIDTH + (estimate->rate - floor) / (1 - floor) * width;
    int y = (int)row * BAR_HEIGHT + 10;
    if (!estimate->is_known) {
        buf_printf(out, "<text class=\"quiet\" x=\"%d\" y=\"%d\">unknown %s</text>", LABEL_WIDTH,
                   y + 4, what);
        return;
    }
    buf_printf(out,
               "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"%s\" "
               "stroke-width=\"3\"/><circle cx=\"%.1f\" cy=\"%d\" r=\"5\" fill=\"%s\"/>"
               "<text x=\"%.1f\" y=\"%d\">%.2f %% <tspan class=\"quiet\">%s</tspan></text>",
               from, to, y, y, fill, at, y, fill, to + 8, y + 4, estimate->rate * 100, what);
}

static void print_successes(const struct backtest *backtest, struct buf *out)
{
    size_t row = 0;
    double floor = floor_of(backtest);
    size_t rows = backtest->side_count * 2 + 1;
    buf_printf(out,
               "<h2>Success at the first provider</h2>\n<p class=\"quiet\">The axis begins at "
               "%.0f %%; lines are intervals of 95 %%.</p>\n<svg viewBox=\"0 0 %d %zu\" "
               "role=\"img\" aria-label=\"success of providers, before and under the rules\">",
               floor * 100, PLOT_WIDTH, rows * BAR_HEIGHT);
    for (size_t i = 0; i + 1 < backtest->side_count; i++) {
        const struct backtest_side *side = &backtest->side[i];
        if (!is_used(side))
            continue;
        buf_printf(out, "<text x=\"0\" y=\"%zu\">", row * BAR_HEIGHT + 22);
        add_text(out, str_of(side->label));
        buf_add_str(out, STR("</text>"));
        print_interval(&side->was_success, floor, row++, colour(i), "was", out);
        print_interval(&side->now_success, floor, row++, colour(i), "would be", out);
    }
    buf_add_str(out, STR("</svg>\n"));
}

static double day_share(const struct backtest_day *day, size_t side, bool now)
{
    if (day->payments == 0)
        return 0;
    double payments = now ? (double)day->now_millionths[side] / 1e6 : (double)day->was[side];
    return payments / (double)day->payments;
}

static void print_days(const struct backtest *backtest, struct buf *out)
{
    double step = (double)(PLOT_WIDTH - 60) /
                  (backtest->day_count > 1 ? (double)(backtest->day_count - 1) : 1);
    buf_printf(out,
               "<h2>Shares by day</h2>\n<p class=\"quiet\">Dashed: was. Whole: would be.</p>\n"
               "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"shares of providers by "
               "day\"><line class=\"axis\" x1=\"40\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
               "<text x=\"0\" y=\"14\">100 %%</text><text x=\"0\" y=\"%d\">0 %%</text>",
               PLOT_WIDTH, DAYS_HEIGHT + 20, PLOT_WIDTH, DAYS_HEIGHT, DAYS_HEIGHT, DAYS_HEIGHT);
    for (size_t side = 0; side < backtest->side_count; side++) {
        for (int now = 0; now < 2 && is_used(&backtest->side[side]); now++) {
            buf_printf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%d\"%s points=\"",
                       colour(side), now ? 2 : 1, now ? "" : " stroke-dasharray=\"4 4\"");
            for (size_t i = 0; i < backtest->day_count; i++) {
                if (backtest->day[i].payments > 0)
                    buf_printf(out, "%.1f,%.1f ", 40 + (double)i * step,
                               DAYS_HEIGHT - day_share(&backtest->day[i], side, now == 1) *
                                                 (DAYS_HEIGHT - 10));
            }
            buf_add_str(out, STR("\"/>"));
        }
    }
    buf_add_str(out, STR("</svg>\n"));
}

/* ---- tables ----------------------------------------------------------------------------------- */

static void print_sides(const struct backtest *backtest, struct buf *out)
{
    buf_add_str(out, STR("<h2>Providers</h2>\n<table><thead><tr><th>First provider</th>"
                         "<th class=\"number\">Payments were</th><th class=\"number\">Would be</th>"
                         "<th class=\"number\">Success was</th><th class=\"number\">Would be</th>"
                         "<th class=\"number\">Unknown</th></tr></thead><tbody>\n"));
    for (size_t i = 0; i < backtest->side_count; i++) {
        const struct backtest_side *side = &backtest->side[i];
        if (!is_used(side))
            continue;
        buf_add_str(out, STR("<tr><td>"));
        add_text(out, str_of(side->label));
        buf_printf(out, "</td><td class=\"number\">%lld</td><td class=\"number\">%.0f</td>",
                   (long long)side->was, (double)side->now_millionths / 1e6);
        buf_add_str(out, STR("<td class=\"number\">"));
        print_estimate(&side->was_success, out);
        buf_add_str(out, STR("</td><td class=\"number\">"));
        print_estimate(&side->now_success, out);
        buf_printf(out, "</td><td class=\"number\">%.0f</td></tr>\n",
                   (double)side->unknown_millionths / 1e6);
    }
    buf_add_str(out, STR("</tbody></table>\n"));
}

static void print_money(int64_t minor, const struct currency *currency, struct buf *out)
{
    char text[MONEY_TEXT_SIZE];
    buf_printf(out, "<td class=\"number\">" STR_FMT "</td>",
               STR_ARG(money_format(minor, currency->exponent, text)));
}

static void print_fees(const struct backtest *backtest, struct buf *out)
{
    buf_add_str(out, STR("<h2>Fees</h2>\n<table><thead><tr><th>Currency</th><th class=\"number\">"
                         "Payments</th><th class=\"number\">Amount</th><th class=\"number\">Fees "
                         "were</th><th class=\"number\">Would be</th><th class=\"number\">"
                         "Difference</th><th class=\"number\">Not known for</th></tr></thead>"
                         "<tbody>\n"));
    for (size_t i = 0; i < backtest->fees_count; i++) {
        const struct backtest_fees *fees = &backtest->fees[i];
        buf_printf(out, "<tr><td>%s</td><td class=\"number\">%lld</td>", fees->currency->code,
                   (long long)fees->payments);
        print_money(fees->amount_minor, fees->currency, out);
        print_money(fees->was_minor, fees->currency, out);
        print_money(fees->now_minor, fees->currency, out);
        print_money(fees->now_minor - fees->was_minor, fees->currency, out);
        buf_printf(out, "<td class=\"number\">%lld</td></tr>\n", (long long)fees->unknown);
    }
    buf_add_str(out, STR("</tbody></table>\n"));
}

static void print_changes(const struct backtest *backtest, struct buf *out)
{
    char id[ID_TEXT_SIZE];
    buf_add_str(out, STR("<h2>What changes</h2>\n<table><thead><tr><th>From</th><th>To</th>"
                         "<th class=\"number\">Payments</th><th>As</th></tr></thead><tbody>\n"));
    for (size_t was = 0; was < backtest->side_count; was++) {
        for (size_t now = 0; now < backtest->side_count; now++) {
            const struct backtest_change *change = &backtest->change[was][now];
            if (was == now || change->payments == 0)
                continue;
            buf_add_str(out, STR("<tr><td>"));
            add_text(out, str_of(backtest->side[was].label));
            buf_add_str(out, STR("</td><td>"));
            add_text(out, str_of(backtest->side[now].label));
            buf_printf(out, "</td><td class=\"number\">%lld</td><td>", (long long)change->payments);
            for (int64_t i = 0; i < change->payments && i < BACKTEST_EXAMPLE_MAX; i++)
                buf_printf(out, "<code>" STR_FMT "</code> ",
                           STR_ARG(id_format(ID_PAYMENT, &change->example[i], id)));
            buf_add_str(out, STR("</td></tr>\n"));
        }
    }
    buf_add_str(out, STR("</tbody></table>\n"));
}

void backtest_print_page(const struct backtest *backtest, struct str about, struct buf *out)
{
    buf_add_str(out, str_of(head));
    buf_add_str(out, STR("<p>"));
    add_text(out, about);
    buf_add_str(out, STR("</p>\n"));
    print_tiles(backtest, out);
    print_shares(backtest, out);
    print_successes(backtest, out);
    print_days(backtest, out);
    print_sides(backtest, out);
    print_fees(backtest, out);
    print_changes(backtest, out);
    buf_printf(out,
               "<p class=\"quiet\">%lld payments more were never sent, or to accounts that are "
               "gone; of %lld the first attempt is not decided; %lld would be declined by a rule, "
               "and %lld no account would take. Accounts, fee tables, rates and limits are those "
               "of now; each account is taken to have had a token. Fees are what the first "
               "provider would charge for each payment. Success with failover takes failover to "
               "depend on the first provider alone. Unknown: no comparable payment went there by "
               "the draw of a split.</p>\n</body>\n</html>\n",
               (long long)backtest->skipped, (long long)backtest->undecided,
               (long long)backtest->declined, (long long)backtest->nobody);
}
