/*
 * turnpike payments show, payouts show: one of them, and all that is known about it.
 *
 *     GET payment -> its history -> its transfers -> each endpoint's deliveries of its events
 *
 * What a key may not see (a role), or what the gateway does not have (archived, no endpoints), is left
 * out; that the payment itself cannot be read is the only failure.
 */
#include "process/cli.h"

#include <inttypes.h>
#include <string.h>

#include "base/id.h"
#include "base/money.h"
#include "ledger/hooks.h"
#include "process/explain_print.h"
#include "process/screen.h"

enum {
    OUT_BYTES_MAX = 16 << 20,
    DELIVERY_ASK_MAX = 200, /* endpoints times events */
    ACTOR_COLUMN = 10,
};

struct dossier {
    json_t *payment;    /* owned */
    json_t *history;    /* owned; NULL: none */
    json_t *transfers;  /* owned; NULL: none */
    json_t *deliveries; /* owned: an array */
};

/* clang-format off */
static const struct cli_column payment_facts[] = {
    {"status", "status", CLI_STATE}, {"amount", "amount", CLI_MONEY}, {"captured", "amount_captured", CLI_MONEY}, {"refunded", "amount_refunded", CLI_MONEY},
    {"reference", "reference", CLI_TEXT}, {"capture", "capture", CLI_TEXT}, {"provider", "provider", CLI_TEXT}, {"why", "failure.reason", CLI_TEXT},
    {"detail", "failure.detail", CLI_TEXT}, {"payer acts at", "next_action.url", CLI_TEXT}, {"batch", "batch", CLI_TEXT}, {"waits", "waiting.reason", CLI_TEXT},
    {"created", "created", CLI_TIME}, {"erased", "erased", CLI_TIME}, {"archived", "archived", CLI_TIME}, {"livemode", "livemode", CLI_TEXT},
};
static const struct cli_column attempts[] = {
    {"attempt", "id", CLI_TEXT}, {"provider", "provider", CLI_TEXT}, {"operation", "operation", CLI_TEXT}, {"status", "status", CLI_STATE}, {"reason", "reason", CLI_TEXT},
    {"code", "code", CLI_TEXT}, {"their id", "provider_reference", CLI_TEXT}, {"expected fee", "expected_fee", CLI_COUNT}, {"fee", "fee", CLI_COUNT},
};
static const struct cli_column transfers[] = {
    {"transfer", "id", CLI_TEXT}, {"created", "created", CLI_TIME}, {"state", "state", CLI_STATE}, {"kind", "kind", CLI_TEXT},
    {"amount", "amount", CLI_MONEY}, {"debit", "debit_account", CLI_TEXT}, {"credit", "credit_account", CLI_TEXT},
};
static const struct cli_column deliveries[] = {
    {"endpoint", "endpoint", CLI_TEXT}, {"event", "type", CLI_TEXT}, {"status", "status", CLI_STATE}, {"tries", "try_count", CLI_COUNT},
    {"answer", "response_status", CLI_TEXT}, {"error", "error", CLI_TEXT}, {"ended", "ended", CLI_TIME}, {"next try", "next_try", CLI_TIME},
};
/* clang-format on */

/* ---- reading --------------------------------------------------------------------------------- */

static json_t *get_of(struct cli *cli, const char *before, struct str id, const char *behind,
                      struct error *err)
{
    char path[ASK_PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s" STR_FMT "%s", before, STR_ARG(id), behind);
    return cli_get(cli, path, err);
}

/* By its id, else by its reference. */
static json_t *find(struct cli *cli, const char *path, const char *prefix, struct error *err)
{
    struct buf query;
    json_t *found = NULL;
    buf_init(&query, ASK_PATH_MAX);
    buf_add_str(&query, str_of(path));
    bool is_id = cli_check_id(cli, prefix, err);
    if (is_id) {
        buf_printf(&query, "/%s", cli->argument);
    } else {
        ask_add_query(&query, "reference", str_of(cli->argument));
        ask_add_query(&query, "limit", STR("1"));
    }
    buf_add_char(&query, '\0');
    json_t *answer = buf_is_ok(&query) ? cli_get(cli, query.at, err) : NULL;
    buf_release(&query);
    if (is_id || answer == NULL) {
        return answer;
    }
    found = json_incref(json_array_get(json_object_get(answer, "data"), 0));
    json_decref(answer);
    if (found == NULL) {
        (void)fail(err, ERROR_NOT_FOUND, "there is none with the id or reference \"%.80s\"",
                   cli->argument);
    }
    return found;
}

static void add_delivery(struct cli *cli, struct str endpoint, struct str event, json_t *rows)
{
    struct uuid endpoint_id;
    struct uuid event_id;
    struct error ignored;
    char name[HOOK_DELIVERY_ID_SIZE];
    if (!id_parse(ID_ENDPOINT, endpoint, &endpoint_id, &ignored) ||
        !id_parse(ID_EVENT, event, &event_id, &ignored)) {
        return;
    }
    struct str id = hook_delivery_id(&endpoint_id, &event_id, name);
    json_t *delivery = get_of(cli, "/v1/webhook-deliveries/", id, "", &ignored);
    if (delivery != NULL) {
        (void)json_array_append_new(rows, delivery);
    }
}

/* A delivery is named by endpoint and event: each pair that may be is asked for. */
static json_t *read_deliveries(struct cli *cli, const json_t *history)
{
    struct error ignored;
    json_t *rows = json_array();
    json_t *list = cli_get(cli, "/v1/webhook-endpoints", &ignored);
    const json_t *endpoints = json_object_get(list, "data");
    size_t asked = 0;
    for (size_t i = 0; i < json_array_size(history); i++) {
        struct str event = json_text(json_array_get(history, i), "id");
        bool is_event = str_starts(event, STR("evt_"));
        for (size_t k = 0; is_event && k < json_array_size(endpoints); k++) {
            if (asked++ < DELIVERY_ASK_MAX) {
                add_delivery(cli, json_text(json_array_get(endpoints, k), "id"), event, rows);
                screen_progress(asked, "deliveries asked for");
            }
        }
    }
    screen_progress_end();
    json_decref(list);
    return rows;
}

static bool read_dossier(struct cli *cli, struct dossier *dossier, struct error *err)
{
    struct error ignored;
    dossier->payment = find(cli, "/v1/payments", "pay_", err);
    if (dossier->payment == NULL) {
        return false;
    }
    struct str id = json_text(dossier->payment, "id");
    json_t *history = get_of(cli, "/v1/payments/", id, "/events", &ignored);
    json_t *booked = get_of(cli, "/v1/ledger/transfers?limit=100&payment=", id, "", &ignored);
    dossier->history = json_incref(json_object_get(history, "data"));
    dossier->transfers = json_incref(json_object_get(booked, "data"));
    dossier->deliveries = read_deliveries(cli, dossier->history);
    json_decref(history);
    json_decref(booked);
    return true;
}

/* ---- for people ------------------------------------------------------------------------------ */

static void title(const char *text)
{
    struct buf line;
    buf_init(&line, 256);
    screen_add(&line, screen_has_colour(stdout), TONE_STRONG, str_of(text));
    (void)printf("\n" STR_FMT "\n", STR_ARG(buf_str(&line)));
    buf_release(&line);
}

static void put_text(struct buf *out, const json_t *entry, const char *before, const char *member)
{
    struct str text = json_text(entry, member);
    if (text.len > 0) {
        buf_add_str(out, str_of(before));
        screen_add(out, false, TONE_NONE, text);
    }
}

static void put_money(struct buf *out, const json_t *entry)
{
    static const struct cli_column amount = {"", "amount", CLI_MONEY};
    buf_add_char(out, ' ');
    cli_cell(entry, &amount, out);
}

static void put_entry(struct buf *out, bool has_colour, const json_t *entry)
{
    struct str kind = json_text(entry, "entry");
    struct str word;
    int64_t send = json_integer_value(json_object_get(entry, "send"));
    if (str_eq(kind, STR("created"))) {
        buf_add_str(out, STR("asked for"));
        put_money(out, entry);
        put_text(out, entry, ", reference ", "reference");
    } else if (str_eq(kind, STR("operation"))) {
        buf_add_str(out, STR("asked for a "));
        put_text(out, entry, "", "kind");
        put_text(out, entry, " ", "operation_id");
    } else if (str_eq(kind, STR("attempt"))) {
        put_text(out, entry, "tries ", "provider");
        put_text(out, entry, ": ", "operation");
        put_money(out, entry);
        put_text(out, entry, " ", "attempt");
    } else if (str_eq(kind, STR("send"))) {
        buf_printf(out, "send %" PRId64 ": ", send);
        put_text(out, entry, "", "step");
        if (json_is_true(json_object_get(entry, "moves_money"))) {
            buf_add_str(out, STR(", may move money"));
        }
    } else if (str_eq(kind, STR("outcome"))) {
        word = json_text(entry, "outcome");
        buf_printf(out, "answer to send %" PRId64 ": ", send);
        screen_add(out, has_colour, screen_tone(word), word);
        put_text(out, entry, ", ", "reason");
        put_text(out, entry, ", their code ", "code");
        put_text(out, entry, ", their id ", "provider_reference");
        buf_printf(out, ", %" PRId64 " ms",
                   (int64_t)json_integer_value(json_object_get(entry, "elapsed_ms")));
    } else {
        word = json_text(entry, "status");
        put_text(out, entry, "", "type");
        buf_add_str(out, STR(": "));
        screen_add(out, has_colour, screen_tone(word), word);
        put_text(out, entry, ", ", "reason");
    }
}

void cli_print_history(const json_t *history, bool has_colour, struct buf *out)
{
    struct str day = STR_NONE;
    for (size_t i = 0; i < json_array_size(history); i++) {
        const json_t *entry = json_array_get(history, i);
        struct str time = json_text(entry, "at");
        struct str date = str_cut(&time, 'T');
        struct str actor = json_text(entry, "actor");
        if (!str_eq(date, day)) {
            day = date;
            screen_add(out, has_colour, TONE_FAINT, day);
            buf_add_char(out, '\n');
        }
        buf_add_str(out, STR("  "));
        screen_add(out, false, TONE_NONE, str_sub(time, 0, sizeof("10:15:30.123") - 1));
        buf_add_str(out, STR("  "));
        screen_add(out, has_colour, TONE_FAINT, actor);
        for (size_t pad = screen_width(actor); pad < ACTOR_COLUMN; pad++) {
            buf_add_char(out, ' ');
        }
        buf_add_char(out, ' ');
        put_entry(out, has_colour, entry);
        buf_add_char(out, '\n');
    }
}

static void print_decision(const json_t *payment, struct buf *out)
{
    const json_t *decision = json_object_get(payment, "decision");
    struct str rule = json_text(decision, "rule");
    buf_add_str(out, STR("rule: "));
    screen_add(out, false, TONE_NONE, rule.len > 0 ? rule : STR("none"));
    buf_add_char(out, '\n');
    explain_print_decision(decision, currency_find(json_text(payment, "currency")), out);
}

static void print_rows(const char *name, const json_t *rows, const struct cli_column *columns,
                       size_t count)
{
    if (json_array_size(rows) > 0) {
        title(name);
        cli_table(rows, columns, count, stdout);
    }
}

static int print_payment(struct cli *cli, const struct dossier *dossier)
{
    struct buf out;
    const json_t *payment = dossier->payment;
    title(json_string_value(json_object_get(payment, "id")));
    cli_facts(payment, payment_facts, ARRAY_LEN(payment_facts), stdout);
    print_rows("attempts", json_object_get(payment, "attempts"), attempts, ARRAY_LEN(attempts));
    buf_init(&out, OUT_BYTES_MAX);
    if (json_is_object(json_object_get(payment, "decision"))) {
        title("decision");
        print_decision(payment, &out);
        (void)cli_put(cli, &out);
    }
    buf_clear(&out);
    if (json_array_size(dossier->history) > 0) {
        title("what happened");
        cli_print_history(dossier->history, screen_has_colour(stdout), &out);
        (void)cli_put(cli, &out);
    }
    buf_release(&out);
    print_rows("transfers", dossier->transfers, transfers, ARRAY_LEN(transfers));
    print_rows("webhooks", dossier->deliveries, deliveries, ARRAY_LEN(deliveries));
    return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
}

static int show_json(struct cli *cli, const struct dossier *dossier)
{
    json_t *all = json_object();
    (void)json_object_set(all, "payment", dossier->payment);
    (void)json_object_set_new(
        all, "history", dossier->history != NULL ? json_incref(dossier->history) : json_array());
    (void)json_object_set_new(all, "transfers",
                              dossier->transfers != NULL ? json_incref(dossier->transfers)
                                                         : json_array());
    (void)json_object_set(all, "deliveries", dossier->deliveries);
    int status = cli_show_json(cli, all);
    json_decref(all);
    return status;
}

int cli_payments_show(struct cli *cli)
{
    struct dossier dossier = {0};
    if (!read_dossier(cli, &dossier, &cli->err)) {
        return cli_fail(cli, &cli->err);
    }
    cli_hide_people(cli, dossier.payment);
    int status = cli->as_json ? show_json(cli, &dossier) : print_payment(cli, &dossier);
    json_decref(dossier.payment);
    json_decref(dossier.history);
    json_decref(dossier.transfers);
    json_decref(dossier.deliveries);
    return status;
}

int cli_payouts_show(struct cli *cli)
{
    struct dossier dossier = {.payment = find(cli, "/v1/payouts", "pyt_", &cli->err)};
    if (dossier.payment == NULL) {
        return cli_fail(cli, &cli->err);
    }
    cli_hide_people(cli, dossier.payment);
    int status = cli->as_json ? cli_show_json(cli, dossier.payment) : print_payment(cli, &dossier);
    json_decref(dossier.payment);
    return status;
}
