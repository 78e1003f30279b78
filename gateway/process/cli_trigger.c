/*
 * turnpike trigger EVENT: a real payment or payout with the test method, of which the event comes.
 *
 *     POST /v1/payments (or payouts) -> its operation, if the event is of one -> the event is there
 *
 * With test keys alone. What is known to lead to which event is one table; each row is tried by tests/e2e/cli.mjs.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/money.h"
#include "process/cli.h"
#include "process/screen.h"

enum {
    WAIT_US = 60 * 1000 * 1000,
    LOOK_US = 100 * 1000,
    TEXT_SIZE = 512,
    AMOUNT = 1099,
    SKEW_US = 300 * 1000 * 1000, /* of our clock and the gateway's */
};

struct recipe {
    const char *type;
    const char *outcome; /* of the test method; NULL: a payout */
    bool is_held;        /* capture: manual */
    const char *act;     /* then POST /v1/payments/{id}/<act>; NULL: none */
    const char *payee;   /* of a payout */
};

/* clang-format off */
static const struct recipe recipes[] = {
    {"payment.succeeded",       "approved",        false, NULL, NULL},
    {"payment.declined",        "declined_hard",   false, NULL, NULL},
    {"payment.requires_action", "requires_action", false, NULL, NULL},
    {"payment.authorized",      "approved",        true,  NULL, NULL},
    {"payment.captured",        "approved",        true,  "capture", NULL},
    {"capture.succeeded",       "approved",        true,  "capture", NULL},
    {"payment.voided",          "approved",        true,  "void", NULL},
    {"void.succeeded",          "approved",        true,  "void", NULL},
    {"payment.refunded",        "approved",        false, "refunds", NULL},
    {"refund.succeeded",        "approved",        false, "refunds", NULL},
    {"payout.processing",       NULL, false, NULL, "ada@example.com"},
    {"payout.succeeded",        NULL, false, NULL, "ada@example.com"},
    {"payout.unclaimed",        NULL, false, NULL, "unclaimed@example.com"},
};
/* clang-format on */

static const struct recipe *find_recipe(const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
        if (strcmp(recipes[i].type, type) == 0) {
            return &recipes[i];
        }
    }
    return NULL;
}

static int list_recipes(const struct cli *cli)
{
    json_t *all = json_array();
    for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
        if (cli->as_json) {
            (void)json_array_append_new(all, json_string(recipes[i].type));
        } else {
            (void)puts(recipes[i].type);
        }
    }
    int status = cli->as_json ? cli_show_json(cli, all) : CLI_DONE;
    json_decref(all);
    return status;
}

/* ---- what is sent ---------------------------------------------------------------------------- */

static json_t *payment_body(const struct recipe *recipe, int64_t amount, const char *currency)
{
    return json_pack("{s:I, s:s, s:s, s:{s:s, s:s}}", "amount", (json_int_t)amount, "currency",
                     currency, "capture", recipe->is_held ? "manual" : "automatic", "method",
                     "type", "test", "outcome", recipe->outcome);
}

static json_t *payout_body(const struct recipe *recipe, int64_t amount, const char *currency)
{
    return json_pack("{s:I, s:s, s:{s:s}, s:{s:s, s:s, s:s}}", "amount", (json_int_t)amount,
                     "currency", currency, "payees", "paypal", recipe->payee, "beneficiary", "type",
                     "individual", "first_name", "Ada", "last_name", "Lovelace");
}

/* Under a key of its own: each call is another payment. NULL with *err. */
static json_t *create(struct cli *cli, const char *path, json_t *body, struct error *err)
{
    char key[UUID_TEXT_SIZE];
    struct uuid id = uuid_new();
    if (body == NULL) {
        (void)fail(err, ERROR_INVALID, "--currency is not UTF-8");
        return NULL;
    }
    (void)uuid_format(&id, key);
    json_t *answer = cli_send(cli, "POST", path, body, key, err);
    json_decref(body);
    return answer;
}

static json_t *act(struct cli *cli, const struct recipe *recipe, struct str id, struct error *err)
{
    char path[TEXT_SIZE];
    (void)snprintf(path, sizeof(path), "/v1/payments/" STR_FMT "/%s", STR_ARG(id), recipe->act);
    return create(cli, path, json_object(), err);
}

/* ---- the event ------------------------------------------------------------------------------- */

static bool is_of(const json_t *event, struct str id)
{
    return str_eq(json_text(event, "payment"), id) || str_eq(json_text(event, "payout"), id);
}

/* The event of this type and payment; NULL: not yet, or *err. */
static json_t *look(struct cli *cli, const struct recipe *recipe, struct str id, int64_t began_us,
                    struct error *err)
{
    char from[CLOCK_TEXT_SIZE];
    char path[TEXT_SIZE];
    json_t *found = NULL;
    (void)clock_format_ms(began_us - SKEW_US, from);
    (void)snprintf(path, sizeof(path), "/v1/events?limit=100&type=%s&created_from=%s", recipe->type,
                   from);
    json_t *answer = cli_get(cli, path, err);
    const json_t *rows = json_object_get(answer, "data");
    for (size_t i = 0; found == NULL && i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        found = is_of(row, id) ? json_incref(row) : NULL;
    }
    json_decref(answer);
    return found;
}

static json_t *wait_for(struct cli *cli, const struct recipe *recipe, struct str id,
                        int64_t began_us, struct error *err)
{
    json_t *found = NULL;
    int64_t end_us = clock_mono_us() + WAIT_US;
    err->text[0] = '\0';
    while (found == NULL && err->text[0] == '\0' && clock_mono_us() < end_us) {
        found = look(cli, recipe, id, began_us, err);
        if (found == NULL && err->text[0] == '\0') {
            (void)usleep(LOOK_US);
        }
    }
    if (found == NULL && err->text[0] == '\0') {
        (void)fail(err, ERROR_TIMEOUT,
                   STR_FMT " was made, and %s did not come within a minute; turnpike payments show "
                           "tells what did",
                   STR_ARG(id), recipe->type);
    }
    return found;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int show(struct cli *cli, const json_t *made, const json_t *event)
{
    if (cli->as_json) {
        return cli_show_json(cli, event != NULL ? event : made);
    }
    if (event != NULL) {
        (void)printf(STR_FMT "  " STR_FMT "  " STR_FMT "\n", STR_ARG(json_text(event, "id")),
                     STR_ARG(json_text(event, "type")), STR_ARG(json_text(made, "id")));
    } else {
        (void)printf(STR_FMT "  " STR_FMT "\n", STR_ARG(json_text(made, "id")),
                     STR_ARG(json_text(made, "status")));
    }
    return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
}

static int run(struct cli *cli, const struct recipe *recipe, int64_t amount)
{
    const char *currency = cli_value(cli, "currency");
    currency = currency != NULL ? currency : "EUR";
    int64_t began_us = clock_wall_us();
    bool is_payout = recipe->outcome == NULL;
    json_t *made = create(cli, is_payout ? "/v1/payouts" : "/v1/payments",
                          is_payout ? payout_body(recipe, amount, currency)
                                    : payment_body(recipe, amount, currency),
                          &cli->err);
    json_t *acted = NULL;
    json_t *event = NULL;
    struct str id = json_text(made, "id");
    bool ok = made != NULL;
    if (ok && recipe->act != NULL) {
        acted = act(cli, recipe, id, &cli->err);
        ok = acted != NULL;
    }
    if (ok && !cli_flag(cli, "no-wait")) {
        event = wait_for(cli, recipe, id, began_us, &cli->err);
        ok = event != NULL;
    }
    int status = ok ? show(cli, made, event) : cli_fail(cli, &cli->err);
    json_decref(event);
    json_decref(acted);
    json_decref(made);
    return status;
}

int cli_trigger(struct cli *cli)
{
    int64_t amount = 0;
    const struct recipe *recipe = NULL;
    if (cli_flag(cli, "list")) {
        return list_recipes(cli);
    }
    if (!cli_number(cli, "amount", 1, MONEY_AMOUNT_MAX, AMOUNT, &amount, &cli->err)) {
        (void)cli_fail(cli, &cli->err);
        return CLI_USAGE;
    }
    recipe = cli->argument != NULL ? find_recipe(cli->argument) : NULL;
    if (recipe == NULL) {
        (void)fail(&cli->err, ERROR_INVALID,
                   "\"%.80s\" is nothing that can be triggered; turnpike trigger --list shows what "
                   "can",
                   cli->argument != NULL ? cli->argument : "");
        (void)cli_fail(cli, &cli->err);
        return CLI_USAGE;
    }
    if (!ask_is_test(&cli->ask)) {
        (void)fail(&cli->err, ERROR_DENIED,
                   "the key is no test key (tpk_test_...): nothing is paid for a try");
        return cli_fail(cli, &cli->err);
    }
    return run(cli, recipe, amount);
}
