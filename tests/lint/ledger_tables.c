/*
 * ledger_tables.c - the chart of accounts and the entries of every event, as docs/ledger.md shows them
 * and as the migration of the chart has them.
 *
 *     ledger_tables accounts | events        Markdown
 *     ledger_tables sql                      the rows of account_kinds and entry_kinds
 */
#include <stdio.h>
#include <string.h>

#include "ledger/posting.h"

static struct str name_of(enum chart_kind kind)
{
    return kind == CHART_NONE ? STR_NONE : chart_get(kind)->kind;
}

static struct str pattern_of(enum chart_kind kind)
{
    return kind == CHART_NONE ? STR("any") : chart_get(kind)->pattern;
}

static const char *state_of(const struct posting_rule *rule)
{
    static const char *const names[] = {"pending", "posted", "voided"};
    return names[rule->state];
}

static void print_accounts(void)
{
    (void)puts("| number | account | type | normal side | what it is |\n|---|---|---|---|---|");
    for (int i = CHART_NONE + 1; i < CHART_COUNT; i++) {
        const struct chart_row *row = chart_get((enum chart_kind)i);
        (void)printf("| %d | `" STR_FMT "` | " STR_FMT " | " STR_FMT " | " STR_FMT " |\n",
                     row->number, STR_ARG(row->pattern),
                     STR_ARG(row->type.len > 0 ? row->type : STR("any")), STR_ARG(row->normal),
                     STR_ARG(row->meaning));
    }
}

/* Of a provider's three accounts the last word tells which. */
static struct str short_of(enum chart_kind kind)
{
    struct str head = STR("provider:<provider>:<account>:");
    struct str pattern = pattern_of(kind);
    return str_starts(pattern, head) ? str_sub(pattern, head.len, pattern.len) : pattern;
}

static void print_events(void)
{
    size_t count;
    const struct posting_rule *rules = posting_rules(&count);
    (void)puts("| event | leg | debit | credit | kind | state | by | what it is |\n"
               "|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < count; i++) {
        const struct posting_rule *rule = &rules[i];
        (void)printf("| `" STR_FMT "` | " STR_FMT " | `" STR_FMT "` | `" STR_FMT "` | `" STR_FMT
                     "` | %s | " STR_FMT " | " STR_FMT " |\n",
                     STR_ARG(posting_event_name(rule->event)), STR_ARG(rule->leg),
                     STR_ARG(short_of(rule->debit)), STR_ARG(short_of(rule->credit)),
                     STR_ARG(rule->kind), state_of(rule), STR_ARG(posting_by_name(rule->by)),
                     STR_ARG(rule->meaning));
    }
}

static void put_text(struct str text, const char *after)
{
    if (text.len == 0) {
        (void)printf("NULL%s", after);
        return;
    }
    (void)putchar('\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\'')
            (void)putchar('\'');
        (void)putchar(text.at[i]);
    }
    (void)printf("'%s", after);
}

static void print_sql(void)
{
    size_t count;
    const struct posting_rule *rules = posting_rules(&count);
    (void)puts("INSERT INTO account_kinds (kind, number, pattern, type, normal, meaning) VALUES");
    for (int i = CHART_NONE + 1; i < CHART_COUNT; i++) {
        const struct chart_row *row = chart_get((enum chart_kind)i);
        (void)printf("    ('" STR_FMT "', %d, ", STR_ARG(row->kind), row->number);
        put_text(row->pattern, ", ");
        put_text(row->type, ", ");
        put_text(row->normal, ",\n     ");
        put_text(row->meaning, i + 1 < CHART_COUNT ? "),\n" : ");\n");
    }
    (void)puts("\nINSERT INTO entry_kinds (kind, leg, debit_kind, credit_kind, transfer_kind, "
               "state, made_by,\n"
               "    number, meaning) VALUES");
    for (size_t i = 0; i < count; i++) {
        const struct posting_rule *rule = &rules[i];
        (void)printf("    (");
        put_text(posting_event_name(rule->event), ", ");
        put_text(rule->leg, ", ");
        put_text(name_of(rule->debit), ", ");
        put_text(name_of(rule->credit), ", ");
        put_text(rule->kind, ", ");
        (void)printf("'%s', ", state_of(rule));
        put_text(posting_by_name(rule->by), ", ");
        (void)printf("%zu,\n     ", i + 1);
        put_text(rule->meaning, i + 1 < count ? "),\n" : ");\n");
    }
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "accounts") == 0)
        print_accounts();
    else if (strcmp(what, "events") == 0)
        print_events();
    else if (strcmp(what, "sql") == 0)
        print_sql();
    else
        return fprintf(stderr, "usage: ledger_tables accounts | events | sql\n"), 2;
    return 0;
}
