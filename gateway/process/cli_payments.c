/* turnpike payments, payouts, events, audit: lists, and the review queue. */
#include "process/cli.h"

#include "base/money.h"

/* clang-format off */
static const struct cli_column payments[] = {
    {"payment", "id", CLI_TEXT}, {"created", "created", CLI_TIME}, {"status", "status", CLI_STATE}, {"amount", "amount", CLI_MONEY},
    {"refunded", "amount_refunded", CLI_MONEY}, {"provider", "provider", CLI_TEXT}, {"reference", "reference", CLI_TEXT}, {"why", "failure.reason", CLI_TEXT},
};
static const struct cli_column payouts[] = {
    {"payout", "id", CLI_TEXT}, {"created", "created", CLI_TIME}, {"status", "status", CLI_STATE}, {"amount", "amount", CLI_MONEY},
    {"provider", "provider", CLI_TEXT}, {"reference", "reference", CLI_TEXT}, {"batch", "batch", CLI_TEXT}, {"why", "failure.reason", CLI_TEXT},
};
static const struct cli_column reviews[] = {
    {"case", "id", CLI_TEXT}, {"opened", "opened", CLI_TIME}, {"state", "state", CLI_STATE}, {"kind", "kind", CLI_TEXT}, {"payment", "payment", CLI_TEXT},
    {"operation", "operation", CLI_TEXT}, {"amount", "amount", CLI_MONEY}, {"provider", "provider", CLI_TEXT}, {"their id", "provider_reference", CLI_TEXT}, {"detail", "detail", CLI_TEXT},
};
static const struct cli_column events[] = {
    {"event", "id", CLI_TEXT}, {"created", "created", CLI_TIME}, {"type", "type", CLI_TEXT}, {"payment", "subject", CLI_TEXT},
    {"status", "status", CLI_STATE}, {"amount", "amount", CLI_MONEY}, {"reference", "reference", CLI_TEXT},
};
static const struct cli_column acts[] = {
    {"entry", "id", CLI_TEXT}, {"time", "created", CLI_TIME}, {"who", "actor", CLI_TEXT}, {"role", "role", CLI_TEXT}, {"did", "action", CLI_TEXT}, {"of", "subject", CLI_TEXT},
    {"outcome", "outcome", CLI_STATE}, {"status", "status", CLI_COUNT}, {"code", "code", CLI_TEXT}, {"result", "result", CLI_TEXT}, {"reason", "data.reason", CLI_TEXT},
};
/* clang-format on */

static int list(struct cli *cli, const char *path, const char *what,
                const struct cli_column *columns, size_t count)
{
    bool has_more = false;
    json_t *rows = cli_list(cli, path, what, &has_more, &cli->err);
    if (rows == NULL) {
        return cli_fail(cli, &cli->err);
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        cli_hide_people(cli, json_array_get(rows, i));
    }
    int status = cli_show_list(cli, rows, has_more, columns, count);
    json_decref(rows);
    return status;
}

int cli_payments_list(struct cli *cli)
{
    return list(cli, "/v1/payments", "payments", payments, ARRAY_LEN(payments));
}

int cli_payouts_list(struct cli *cli)
{
    return list(cli, "/v1/payouts", "payouts", payouts, ARRAY_LEN(payouts));
}

int cli_audit(struct cli *cli)
{
    return list(cli, "/v1/audit", "entries", acts, ARRAY_LEN(acts));
}

int cli_payments_reviews(struct cli *cli)
{
    return list(cli, "/v1/reviews", "cases", reviews, ARRAY_LEN(reviews));
}

/* An event is about its operation, its payment or its payout: one column for people. */
int cli_events_list(struct cli *cli)
{
    static const char *const subjects[] = {"operation", "payment", "payout"};
    bool has_more = false;
    json_t *rows = cli_list(cli, "/v1/events", "events", &has_more, &cli->err);
    if (rows == NULL) {
        return cli_fail(cli, &cli->err);
    }
    for (size_t i = 0; !cli->as_json && i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        json_t *subject = NULL;
        for (size_t k = 0; subject == NULL && k < ARRAY_LEN(subjects); k++) {
            subject = json_object_get(row, subjects[k]);
        }
        if (subject != NULL) {
            (void)json_object_set(row, "subject", subject);
        }
    }
    int status = cli_show_list(cli, rows, has_more, events, ARRAY_LEN(events));
    json_decref(rows);
    return status;
}

/* ---- a case ---------------------------------------------------------------------------------- */

/* --outcome, --reason and --amount become the body. NULL with *err. */
static json_t *ruling(const struct cli *cli, struct error *err)
{
    int64_t amount = 0;
    if (cli_value(cli, "outcome") == NULL || cli_value(cli, "reason") == NULL) {
        (void)fail(err, ERROR_INVALID,
                   "say --outcome charged, not_charged, accepted or reverse, and why by --reason");
        return NULL;
    }
    if (!cli_number(cli, "amount", 1, MONEY_AMOUNT_MAX, 0, &amount, err)) {
        return NULL;
    }
    json_t *body = json_object();
    if (amount > 0) {
        (void)json_object_set_new(body, "amount", json_integer(amount));
    }
    if (!cli_add_texts(cli, body, err)) {
        json_decref(body);
        return NULL;
    }
    return body;
}

static json_t *resolve(struct cli *cli, const json_t *body, struct error *err)
{
    char path[ASK_PATH_MAX];
    (void)snprintf(path, sizeof(path), "/v1/reviews/%s/resolve", cli->argument);
    return cli_send(cli, "POST", path, body, NULL, err);
}

int cli_payments_resolve(struct cli *cli)
{
    json_t *body = NULL;
    if (!cli_check_id(cli, "rev_", &cli->err) || (body = ruling(cli, &cli->err)) == NULL) {
        (void)cli_fail(cli, &cli->err);
        return CLI_USAGE;
    }
    json_t *answer = resolve(cli, body, &cli->err);
    json_decref(body);
    if (answer == NULL) {
        return cli_fail(cli, &cli->err);
    }
    int status = CLI_DONE;
    if (cli->as_json) {
        status = cli_show_json(cli, answer);
    } else {
        (void)printf(STR_FMT " is " STR_FMT ": " STR_FMT "\n", STR_ARG(json_text(answer, "id")),
                     STR_ARG(json_text(answer, "state")),
                     STR_ARG(json_path_text(answer, "resolution.outcome")));
    }
    json_decref(answer);
    return status;
}
