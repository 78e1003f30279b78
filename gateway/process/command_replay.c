/* turnpike routes replay: past decisions made again from the ledger, and compared. */
#include "process/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "payment/explain.h"
#include "payment/hash.h"
#include "payment/replay.h"
#include "providers/provider.h"
#include "router/rates.h"

enum {
    ARENA_BYTES_MAX = 1 << 30,
    WHY_BYTES_MAX = 4096,
    TOLD_MAX = 20, /* differences, one line each */
    NAMES_MAX = 64,
};

struct kept { /* what a hash names, read once */
    struct {
        uint8_t hash[32];
        uint8_t what;
    } key;
    struct rule_set *rules;  /* owned; one of the three, or none: it is not kept */
    struct cost_table *fees; /* owned */
    struct rates *rates;     /* owned */
    struct kept *next;
    UT_hash_handle hh;
};

struct replaying {
    struct history_shelf *shelf; /* owned */
    struct kept *kept;           /* by what is asked for */
    struct kept *all;            /* owned */
    struct arena arena;
    struct error err; /* of the shelf; text empty: none */
    uint64_t by_verdict[REPLAY_VERDICT_COUNT];
    uint64_t count;
    bool is_single; /* one payment: its record is shown */
};

/* ---- sources --------------------------------------------------------------------------------- */

static struct rule_set *read_rules(struct str text)
{
    struct str names[NAMES_MAX];
    size_t count = 0;
    const struct provider *const *all = provider_all(&count);
    CHECK(count <= NAMES_MAX);
    for (size_t i = 0; i < count; i++)
        names[i] = str_of(all[i]->name);
    struct error ignored;
    return rule_set_new(text, names, count, &ignored);
}

/* The text that is there is not the one that was named: then it is no source. Told once. */
static void drop_changed(struct kept *kept)
{
    static const char *const names[] = {
        [HISTORY_RULES] = "rule set", [HISTORY_FEES] = "fee table", [HISTORY_RATES] = "rates"};
    const uint8_t *hash = kept->rules != NULL   ? rule_set_hash(kept->rules)
                          : kept->fees != NULL  ? cost_table_hash(kept->fees)
                          : kept->rates != NULL ? rates_hash(kept->rates)
                                                : kept->key.hash;
    if (memcmp(hash, kept->key.hash, sizeof(kept->key.hash)) == 0)
        return;
    printf("%s ", names[kept->key.what]);
    for (size_t i = 0; i < sizeof(kept->key.hash); i++)
        printf("%02x", kept->key.hash[i]);
    printf(": the text that is kept under this hash has another one: it was changed\n");
    rule_set_free(&kept->rules);
    cost_table_free(&kept->fees);
    rates_free(&kept->rates);
}

static struct kept *find(struct replaying *r, enum history_text what, const struct uuid *merchant,
                         const uint8_t hash[32])
{
    struct kept wanted = {.rules = NULL};
    struct kept *kept = NULL;
    memcpy(wanted.key.hash, hash, sizeof(wanted.key.hash));
    wanted.key.what = (uint8_t)what;
    HASH_FIND(hh, r->kept, &wanted.key, sizeof(wanted.key), kept);
    if (kept != NULL)
        return kept;
    struct str text = STR_NONE;
    if (!history_shelf_find(r->shelf, what, merchant, hash, &r->arena, &text, &r->err))
        text = STR_NONE;
    kept = calloc(1, sizeof(*kept));
    CHECK(kept != NULL);
    kept->key = wanted.key;
    struct error ignored;
    unsigned line = 0;
    if (text.len > 0 && what == HISTORY_RULES)
        kept->rules = read_rules(text);
    else if (text.len > 0 && what == HISTORY_FEES)
        kept->fees = cost_table_new(text, &ignored);
    else if (text.len > 0)
        kept->rates = rates_new(text, &line, &ignored);
    drop_changed(kept);
    kept->next = r->all;
    r->all = kept;
    HASH_ADD(hh, r->kept, key, sizeof(kept->key), kept);
    return kept;
}

static const struct rule_set *find_rules(void *ctx, const struct uuid *merchant,
                                         const uint8_t hash[32])
{
    return find(ctx, HISTORY_RULES, merchant, hash)->rules;
}

static const struct cost_table *find_fees(void *ctx, const struct uuid *merchant,
                                          const uint8_t hash[32])
{
    return find(ctx, HISTORY_FEES, merchant, hash)->fees;
}

static const struct rates *find_rates(void *ctx, const uint8_t hash[32])
{
    static const struct uuid house;
    return find(ctx, HISTORY_RATES, &house, hash)->rates;
}

static void release(struct replaying *r)
{
    HASH_CLEAR(hh, r->kept);
    for (struct kept *kept = r->all; kept != NULL;) {
        struct kept *next = kept->next;
        rule_set_free(&kept->rules);
        cost_table_free(&kept->fees);
        rates_free(&kept->rates);
        free(kept);
        kept = next;
    }
    history_shelf_close(&r->shelf);
    arena_release(&r->arena);
}

/* ---- replaying ------------------------------------------------------------------------------- */

static void replay_row(struct replaying *r, const struct history_row *row)
{
    struct replay_sources sources = {find_rules, find_fees, find_rates, r};
    struct buf why;
    char id[ID_TEXT_SIZE];
    buf_init(&why, WHY_BYTES_MAX);
    enum replay_verdict verdict = replay_decision(row, &sources, &why);
    bool is_told = verdict != REPLAY_SAME && r->count - r->by_verdict[REPLAY_SAME] < TOLD_MAX;
    r->by_verdict[verdict]++;
    r->count++;
    struct str shown = id_format(row->operation == OPERATION_PAYOUT ? ID_PAYOUT : ID_PAYMENT,
                                 &row->payment_id, id);
    if (r->is_single)
        printf(STR_FMT "\n", STR_ARG(row->decision_json));
    if (is_told)
        printf(STR_FMT ": %s: " STR_FMT "\n", STR_ARG(shown), replay_verdict_name(verdict),
               STR_ARG(buf_str(&why)));
    buf_release(&why);
}

bool command_explain_payment(const char *database, const struct uuid *payment_id, struct buf *out,
                             struct error *err)
{
    struct history_wanted wanted = {.payment_id = *payment_id};
    struct history_row row;
    struct replaying r = {.kept = NULL};
    struct replay_sources sources = {find_rules, find_fees, find_rates, &r};
    err->text[0] = '\0';
    arena_init(&r.arena, ARENA_BYTES_MAX);
    r.shelf = history_shelf_open(database, err);
    struct history *history = r.shelf == NULL ? NULL : history_open(database, &wanted, err);
    bool is_there = history != NULL && history_next(history, &row, err);
    if (is_there)
        explain_record(&row, &sources, out);
    history_close(&history);
    release(&r);
    if (r.err.text[0] != '\0') {
        *err = r.err;
        return false;
    }
    return is_there || (err->text[0] == '\0' &&
                        fail(err, ERROR_NOT_FOUND,
                             "routes: no such payment, or it was never routed, or it is archived"));
}

static bool replay_all(struct replaying *r, const char *database,
                       const struct history_wanted *wanted, struct error *err)
{
    struct history_row row;
    r->shelf = history_shelf_open(database, err);
    struct history *history = r->shelf == NULL ? NULL : history_open(database, wanted, err);
    if (history == NULL)
        return false;
    while (r->err.text[0] == '\0' && history_next(history, &row, err))
        replay_row(r, &row);
    history_close(&history);
    if (r->err.text[0] != '\0')
        *err = r->err;
    return err->text[0] == '\0';
}

static bool read_options(int *argc, char **argv, struct history_wanted *wanted, struct error *err)
{
    const char *since = command_option(argc, argv, "since");
    const char *limit = command_option(argc, argv, "limit");
    const char *merchant = command_option(argc, argv, "merchant");
    if (since != NULL && !command_since(since, &wanted->since_us, err))
        return false;
    if (limit != NULL && (!str_to_int64(str_of(limit), &wanted->limit) || wanted->limit <= 0))
        return fail(err, ERROR_INVALID, "routes: --limit is a number from 1");
    struct error ignored;
    if (merchant != NULL &&
        !id_parse(ID_MERCHANT, str_of(merchant), &wanted->merchant_id, &ignored))
        return fail(err, ERROR_INVALID, "routes: %s is no merchant's id; they begin with mer_",
                    merchant);
    if (*argc > 1 && argv[1][0] != '-') {
        struct str id = str_of(argv[1]);
        if (!id_parse(ID_PAYMENT, id, &wanted->payment_id, &ignored) &&
            !id_parse(ID_PAYOUT, id, &wanted->payment_id, &ignored))
            return fail(err, ERROR_INVALID,
                        "routes: %s is no payment; write its id, or --since 30d", argv[1]);
        (*argc)--;
        memmove(&argv[1], &argv[2], (size_t)(*argc - 1) * sizeof(argv[0]));
    } else if (since == NULL) {
        return fail(err, ERROR_INVALID, "routes: name a payment, or --since 30d");
    }
    return true;
}

/* Exit status 3: every decision could be read, and some differ. */
int command_replay(int argc, char **argv)
{
    static struct config config;
    struct error err = {.text = ""};
    struct history_wanted wanted = {.later = true};
    struct replaying r = {.kept = NULL};
    if (!read_options(&argc, argv, &wanted, &err) || !command_config(&argc, argv, &config, &err) ||
        !command_done(argc, argv, &err))
        return command_fail(&err);
    arena_init(&r.arena, ARENA_BYTES_MAX);
    r.is_single = !uuid_is_zero(&wanted.payment_id);
    bool ok = replay_all(&r, config.database, &wanted, &err);
    uint64_t same = r.by_verdict[REPLAY_SAME];
    if (ok && r.is_single && r.count == 0)
        ok = fail(&err, ERROR_NOT_FOUND,
                  "routes: no such payment, or it was never routed, or it is archived");
    if (ok) {
        printf("%" PRIu64 " decisions, %" PRIu64 " same", r.count, same);
        for (int verdict = REPLAY_SAME + 1; verdict < REPLAY_VERDICT_COUNT; verdict++)
            printf(", %" PRIu64 " %s", r.by_verdict[verdict],
                   replay_verdict_name((enum replay_verdict)verdict));
        printf("\n");
    }
    release(&r);
    return !ok ? command_fail(&err) : r.count == same ? 0 : 3;
}
