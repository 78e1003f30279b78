/* POST /v1/routing/explain: what would be done with a payment or payout, and why. */
#include "payment/explain.h"

#include "api/call.h"
#include "api/explain_read.h"
#include "base/clock.h"
#include "ledger/rules.h"
#include "providers/provider.h"

enum {
    DRAFT_BYTES_MAX = 131072, /* of a version that is not in force: it is compiled in between */
    NAMES_MAX = 64,
};

struct explaining {        /* in the call's arena */
    struct api_call *call; /* its merchant is whose payment it would be */
    struct explain_read read;
    struct explain_asked asked;
};

static void end(struct explaining *e)
{
    struct api_call *call = e->call;
    struct buf body;
    buf_init(&body, EXPLAIN_BYTES_MAX);
    e->asked.merchant = call->caller.merchant;
    e->asked.request = &e->read.payout.request;
    explain_payment(call->api->parts.payments, &e->asked, &body);
    api_call_reply_json(call, 200, &body);
    buf_release(&body);
}

static void refuse(struct explaining *e, enum message problem, const char *detail,
                   const char *param)
{
    api_call_problem(e->call, problem, str_of(detail), str_of(param));
}

/* ---- another version than the live one ------------------------------------------------------- */

static struct rule_set *compile(struct str text, struct error *err)
{
    struct str names[NAMES_MAX];
    size_t count = 0;
    const struct provider *const *all = provider_all(&count);
    CHECK(count <= NAMES_MAX);
    for (size_t i = 0; i < count; i++) {
        names[i] = str_of(all[i]->name);
    }
    return rule_set_new(text, names, count, err);
}

static void version_loaded(void *ctx, enum store_find found, const struct rules_version *versions,
                           size_t count, const struct error *why)
{
    struct explaining *e = ctx;
    struct error err;
    (void)why;
    if (found == STORE_FAILED) {
        refuse(e, MESSAGE_UNAVAILABLE, "the ledger does not answer; try again", "");
        return;
    }
    if (found == STORE_ABSENT || count != 1) {
        refuse(e, MESSAGE_NOT_FOUND, "the merchant has no such version", "version");
        return;
    }
    if (versions[0].text.len > DRAFT_BYTES_MAX) {
        refuse(e, MESSAGE_INVALID_MEMBER,
               "a version of more than 128 KiB that is not in force is explained on the command "
               "line: turnpike routes explain FILE",
               "version");
        return;
    }
    struct rule_set *rules = compile(versions[0].text, &err);
    if (rules == NULL) {
        refuse(e, MESSAGE_CONFLICT, "this version cannot be used any more", "version");
        return;
    }
    e->asked.rules = rules;
    end(e); /* which frees the call, and e with it */
    rule_set_free(&rules);
}

static void take_rules(struct explaining *e)
{
    struct rulebook_pick pick;
    const struct merchant *merchant = e->call->caller.merchant;
    const struct uuid *owner = &merchant->merchant_id;
    if (e->asked.version == 0) {
        end(e);
    } else if (rulebook_pick_version(&merchant->rules, owner, e->asked.version, &pick)) {
        e->asked.rules = pick.rules;
        end(e);
    } else {
        rules_load(e->call->api->parts.store, owner, e->asked.version, &e->call->arena,
                   version_loaded, e);
    }
}

/* ---- for whom -------------------------------------------------------------------------------- */

/* Members need each other, and a test payment a test merchant. */
static void take_body(struct api_call *call)
{
    struct explaining *e = ARENA_NEW(&call->arena, struct explaining);
    struct field_problem problem = {.message = MESSAGE_NONE};
    e->call = call;
    if (!explain_read(call->body, call->caller.merchant->livemode, &call->arena, &e->read,
                      &problem)) {
        refuse(e, problem.message, problem.detail, problem.param);
        return;
    }
    e->asked.version = e->read.version;
    e->asked.at_us = e->read.at_us;
    take_rules(e);
}

void routing_explain(struct api_call *call)
{
    api_call_whose(call, take_body);
}
