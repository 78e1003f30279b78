/*
 * turnpike routes explain: what would be done with a payment, and why.
 *
 *     RULES REQUEST      by a file of rules, with accounts from the ledger or a file: no gateway
 *     --live REQUEST     a running gateway is asked, with its health and its rules
 *     --payment PAYMENT  the stored decision of one that was made
 */
#include "process/command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "api/explain_read.h"
#include "api/tables.h"
#include "base/clock.h"
#include "base/log.h"
#include "payment/explain.h"
#include "process/admin.h"
#include "process/explain_ask.h"
#include "process/explain_house.h"
#include "process/explain_print.h"
#include "process/figures.h"

enum {
    RULES_BYTES_MAX = ROUTE_RULES_BYTES_MAX + 1,
    REQUEST_BYTES_MAX = 1 << 20,
    ACCOUNTS_BYTES_MAX = 16 << 20,
    ARENA_BYTES_MAX = 64 << 20,
    DIFFERS = 3,
};

struct wanted {
    struct config config;
    const char *payment, *rules, *request, *merchant, *candidates, *rates, *at, *version;
    const char *gateway, *key_file, *ca_file;
    bool as_json, is_live, with_accounts, has_draw;
    uint64_t draw;
};

struct explained { /* offline: what an explanation is made of */
    struct explain_house house;
    struct explain_read read;
    struct rule_set *rules; /* owned */
    struct rates *rates;    /* owned */
    struct arena arena;
};

static const struct json_limits limits = {64, 1 << 20, 1 << 20};

/* ---- the request ----------------------------------------------------------------------------- */

static bool wrap(json_t **body, const char *name)
{
    json_t *outer = json_object();
    bool ok = json_object_set(outer, name, *body) == 0;
    json_decref(*body);
    *body = outer;
    return ok;
}

/* A payment, a payout, or the whole body of an explanation: told apart by what they must have. */
static bool complete(const struct wanted *w, json_t **body, struct error *err)
{
    bool is_whole = json_object_get(*body, "payment") != NULL ||
                    json_is_object(json_object_get(*body, "payout"));
    bool is_payout =
        json_object_get(*body, "payees") != NULL || json_object_get(*body, "beneficiary") != NULL;
    bool ok = is_whole || wrap(body, is_payout ? "payout" : "payment");
    int64_t version = 0;
    if (w->version != NULL &&
        (!str_to_int64(str_of(w->version), &version) || version < 1 || version > INT32_MAX)) {
        return fail(err, ERROR_INVALID, "routes: --version is a number from 1");
    }
    ok = ok && (version == 0 || json_object_set_new(*body, "version", json_integer(version)) == 0);
    ok = ok && (w->at == NULL || json_object_set_new(*body, "at", json_string(w->at)) == 0);
    return ok || fail(err, ERROR_INVALID, "routes: --at is not UTF-8");
}

static bool problem_to_error(const char *file, const struct field_problem *problem,
                             struct error *err)
{
    return fail(err, ERROR_INVALID, "routes: %s: %s%s%s", file, problem->param,
                problem->param[0] != '\0' ? ": " : "", problem->detail);
}

/* As the gateway would take it. NULL with *err. */
static json_t *read_request(const struct wanted *w, struct arena *arena, struct error *err)
{
    struct buf text;
    struct field_problem problem = {.message = MESSAGE_NONE};
    buf_init(&text, REQUEST_BYTES_MAX);
    json_t *body = NULL;
    if (command_read(w->request, &text, err)) {
        body = body_parse(buf_str(&text), false, arena, &problem);
        if (body == NULL) {
            (void)problem_to_error(w->request, &problem, err);
        }
    }
    bool ok = body != NULL && complete(w, &body, err);
    if (ok && !field_check(&explain_fields, body, &problem)) {
        ok = problem_to_error(w->request, &problem, err);
    }
    buf_release(&text);
    if (!ok) {
        json_decref(body);
        return NULL;
    }
    return body;
}

/* ---- without a gateway ----------------------------------------------------------------------- */

static struct rule_set *read_rules(const char *file, struct error *err)
{
    struct str names[ROUTE_CANDIDATE_MAX];
    struct rule_set *rules = NULL;
    size_t count = 0;
    struct buf text;
    const struct provider *const *all = provider_all(&count);
    CHECK(count <= ROUTE_CANDIDATE_MAX);
    for (size_t i = 0; i < count; i++) {
        names[i] = str_of(all[i]->name);
    }
    buf_init(&text, RULES_BYTES_MAX);
    if (command_read(file, &text, err)) {
        rules = rule_set_new(buf_str(&text), names, count, err);
        if (rules == NULL) {
            (void)fail_prefix(err, "routes: %s", file);
        }
    }
    buf_release(&text);
    return rules;
}

static bool list_accounts(const struct wanted *w, struct buf *list, struct error *err)
{
    struct admin_outcome outcome = {.problem = MESSAGE_NONE};
    struct admin_request request = {.operation = ADMIN_ACCOUNT_LIST,
                                    .merchant = str_of(w->merchant),
                                    .author = STR("command line")};
    bool ok = admin_run(&w->config, &request, &outcome, err);
    if (ok && outcome.problem != MESSAGE_NONE) {
        ok = fail(err, ERROR_NOT_FOUND, "routes: the accounts are not to be had: %s",
                  outcome.wrong.detail);
    }
    if (ok) {
        buf_add_str(list, buf_str(&outcome.body));
    }
    buf_release(&outcome.body);
    return ok;
}

static bool read_accounts(const struct wanted *w, struct explain_house *house, struct error *err)
{
    struct buf text;
    json_t *list = NULL;
    if (!w->with_accounts && w->candidates == NULL) {
        explain_house_fill(house);
        return true;
    }
    buf_init(&text, ACCOUNTS_BYTES_MAX);
    bool ok = w->candidates != NULL ? command_read(w->candidates, &text, err)
                                    : list_accounts(w, &text, err);
    if (ok) {
        list = json_parse(buf_str(&text), &limits, err);
        ok = (list != NULL && explain_house_read(house, list, err)) ||
             fail_prefix(err, "%s", w->candidates != NULL ? w->candidates : "accounts");
    }
    json_decref(list);
    buf_release(&text);
    return ok;
}

static bool explain_file(const struct wanted *w, struct explained *e, json_t *body, struct buf *out,
                         struct error *err)
{
    struct field_problem problem = {.message = MESSAGE_NONE};
    if (!explain_read(body, false, &e->arena, &e->read, &problem)) {
        return problem_to_error(w->request, &problem, err);
    }
    e->rules = read_rules(w->rules, err);
    e->rates = w->rates != NULL ? figures_read_rates(w->rates, err) : NULL;
    if (e->rules == NULL || (w->rates != NULL && e->rates == NULL) ||
        !read_accounts(w, &e->house, err)) {
        return false;
    }
    const struct payments_parts parts = {.rates = e->rates};
    if (w->merchant != NULL && /* the rules may ask for it */
        !id_parse(ID_MERCHANT, str_of(w->merchant), &e->house.merchant.merchant_id, err)) {
        return fail_prefix(err, "routes: --merchant");
    }
    const struct explain_asked asked = {
        .merchant = &e->house.merchant,
        .request = &e->read.payout.request,
        .rules = e->rules,
        .at_us = e->read.at_us,
        .told = e->house.told,
        .has_draw = w->has_draw,
        .draw = w->draw,
        .is_offline = true,
    };
    explain_offline(&parts, &asked, out);
    return true;
}

static bool run_file(const struct wanted *w, json_t *body, struct buf *out, struct error *err)
{
    struct explained *e = calloc(1, sizeof(*e));
    CHECK(e != NULL);
    explain_house_init(&e->house);
    arena_init(&e->arena, ARENA_BYTES_MAX);
    bool ok = explain_file(w, e, body, out, err);
    explain_house_release(&e->house);
    rule_set_free(&e->rules);
    rates_free(&e->rates);
    arena_release(&e->arena);
    free(e);
    return ok;
}

/* ---- by a gateway ---------------------------------------------------------------------------- */

static bool run_live(const struct wanted *w, const json_t *body, struct buf *out, struct error *err)
{
    char url[CONFIG_TEXT_MAX + 32];
    struct buf text;
    buf_init(&text, 2 * (size_t)REQUEST_BYTES_MAX);
    (void)snprintf(url, sizeof(url), "https://%s:%" PRId64, w->config.api_address,
                   w->config.api_port);
    const struct explain_ask ask = {
        .gateway = w->gateway != NULL ? w->gateway : url,
        .key_file = w->key_file,
        .ca_file = w->ca_file,
        .merchant = w->merchant,
    };
    struct explain_ask asked = ask;
    bool ok = json_canonical(body, &text) ||
              fail(err, ERROR_INVALID, "routes: %s is too large", w->request);
    asked.body = buf_str(&text);
    ok = ok && explain_ask(&asked, out, err);
    buf_release(&text);
    return ok;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool run_request(const struct wanted *w, struct buf *out, struct error *err)
{
    struct arena arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    json_t *body = read_request(w, &arena, err);
    bool ok =
        body != NULL && (w->is_live ? run_live(w, body, out, err) : run_file(w, body, out, err));
    json_decref(body);
    arena_release(&arena);
    return ok;
}

static bool run_payment(const struct wanted *w, struct buf *out, struct error *err)
{
    struct uuid id;
    struct error ignored;
    struct str text = str_of(w->payment);
    if (!id_parse(ID_PAYMENT, text, &id, &ignored) && !id_parse(ID_PAYOUT, text, &id, &ignored)) {
        return fail(err, ERROR_INVALID, "routes: %s is no payment; they begin with pay_ or pyt_",
                    w->payment);
    }
    return command_explain_payment(w->config.database, &id, out, err);
}

static int show(const struct wanted *w, struct str answer)
{
    struct buf out;
    struct error err;
    json_t *explanation = json_parse(answer, &limits, &err);
    if (explanation == NULL) {
        (void)fail_prefix(&err, "routes: the explanation cannot be read");
        return command_fail(&err);
    }
    buf_init(&out, 2 * (size_t)EXPLAIN_BYTES_MAX);
    if (w->as_json) {
        buf_add_str(&out, answer);
        buf_add_char(&out, '\n');
    } else {
        explain_print_text(explanation, &out);
    }
    struct str replay = json_text(explanation, "replay");
    bool ok =
        buf_is_ok(&out) && fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    bool differs = replay.len > 0 && !str_eq(replay, STR("same"));
    buf_release(&out);
    json_decref(explanation);
    return !ok ? 1 : differs ? DIFFERS : 0;
}

static bool take_draw(const char *text, struct wanted *w, struct error *err)
{
    char *end = NULL;
    if (text == NULL) {
        return true;
    }
    w->draw = strtoull(text, &end, 10);
    w->has_draw = text[0] >= '0' && text[0] <= '9' && *end == '\0';
    return w->has_draw ||
           fail(err, ERROR_INVALID, "routes: --draw is a number, as decisions have it");
}

static const char *take_name(int *argc, char **argv)
{
    if (*argc < 2 || (argv[1][0] == '-' && argv[1][1] != '\0')) {
        return NULL;
    }
    const char *name = argv[1];
    for (int i = 1; i < *argc; i++) {
        argv[i] = argv[i + 1]; /* the terminating NULL moves too */
    }
    (*argc)--;
    return name;
}

static bool check_wanted(const struct wanted *w, struct error *err)
{
    bool is_named = w->payment != NULL || (w->request != NULL && (w->is_live || w->rules != NULL));
    if (!is_named) {
        return fail(err, ERROR_INVALID,
                    "routes explain: say RULES REQUEST, --live REQUEST or --payment PAYMENT; "
                    "turnpike routes --help shows the usage");
    }
    if (w->is_live && w->key_file == NULL) {
        return fail(err, ERROR_INVALID, "routes explain: --live needs --key-file: an API key");
    }
    return w->version == NULL || w->is_live ||
           fail(err, ERROR_INVALID, "routes explain: --version is for --live");
}

static bool take_wanted(int argc, char **argv, struct wanted *w, struct error *err)
{
    w->as_json = command_flag(&argc, argv, "json");
    w->is_live = command_flag(&argc, argv, "live");
    w->with_accounts = command_flag(&argc, argv, "accounts");
    w->payment = command_option(&argc, argv, "payment");
    w->merchant = command_option(&argc, argv, "merchant");
    w->candidates = command_option(&argc, argv, "candidates");
    w->rates = command_option(&argc, argv, "rates");
    w->at = command_option(&argc, argv, "at");
    w->version = command_option(&argc, argv, "version");
    w->gateway = command_option(&argc, argv, "gateway");
    w->key_file = command_option(&argc, argv, "key-file");
    w->ca_file = command_option(&argc, argv, "ca");
    if (!take_draw(command_option(&argc, argv, "draw"), w, err) ||
        !command_config(&argc, argv, &w->config, err)) {
        return false;
    }
    if (w->payment == NULL) {
        w->rules = w->is_live ? NULL : take_name(&argc, argv);
        w->request = take_name(&argc, argv);
    }
    return command_done(argc, argv, err) && check_wanted(w, err);
}

/* Exit status 3: a stored decision that comes out otherwise when it is made again. */
int command_explain(int argc, char **argv)
{
    static struct wanted wanted;
    struct error err = {.text = ""};
    struct buf answer;
    if (!take_wanted(argc, argv, &wanted, &err)) {
        return command_fail(&err);
    }
    log_start(2, LOG_ERROR);
    buf_init(&answer, EXPLAIN_BYTES_MAX);
    bool ok = wanted.payment != NULL ? run_payment(&wanted, &answer, &err)
                                     : run_request(&wanted, &answer, &err);
    int status = ok ? show(&wanted, buf_str(&answer)) : command_fail(&err);
    buf_release(&answer);
    return status;
}
