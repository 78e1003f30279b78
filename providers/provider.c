#include "providers/provider.h"

#include <string.h>

static const char *const step_names[PROVIDER_STEP_COUNT] = {
    [PROVIDER_STEP_NONE] = "none",       [PROVIDER_STEP_CHARGE] = "charge",
    [PROVIDER_STEP_SESSION] = "session", [PROVIDER_STEP_LOOKUP] = "lookup",
    [PROVIDER_STEP_CANCEL] = "cancel",   [PROVIDER_STEP_PROBE] = "probe",
};

static const char *const payee_state_names[PROVIDER_PAYEE_STATE_COUNT] = {
    [PROVIDER_PAYEE_UNKNOWN] = "unknown",
    [PROVIDER_PAYEE_PENDING] = "pending",
    [PROVIDER_PAYEE_ACTIVE] = "active",
    [PROVIDER_PAYEE_INACTIVE] = "inactive",
};

int64_t provider_settle_ms(const struct provider_account *account)
{
    int64_t settle_ms = 0;
    struct str text =
        account->settings != NULL ? json_text(account->settings, "settle_ms") : STR_NONE;

    if (!str_to_int64(text, &settle_ms) || settle_ms < 0 || settle_ms > PROVIDER_SETTLE_MS_MAX)
        return account->provider->capability.settle_ms;
    return settle_ms;
}

/* Its index; facts->count when there is none of that name. */
static size_t find_fact(const struct provider_facts *facts, struct str name)
{
    size_t i = 0;

    while (i < facts->count && !str_eq(facts->fact[i].name, name))
        i++;
    return i;
}

struct str provider_fact_find(const struct provider_facts *facts, struct str name)
{
    const size_t i = find_fact(facts, name);

    return i < facts->count ? facts->fact[i].value : STR_NONE;
}

void provider_fact_set(struct provider_facts *facts, struct str name, struct str value)
{
    const size_t i = find_fact(facts, name);

    if (i == facts->count) {
        CHECK(facts->count < PROVIDER_FACT_MAX);
        facts->count++;
    }
    facts->fact[i] = (struct provider_fact){name, value};
}

bool provider_facts_parse(struct str json, struct arena *arena, struct provider_facts *facts,
                          struct error *err)
{
    const char *name = NULL;
    json_t *value = NULL;
    bool done = false;

    *facts = (struct provider_facts){.count = 0};
    json_t *object = json_parse(json, &json_limits_default, err);
    if (object == NULL)
        return fail_prefix(err, "cannot read facts");
    if (!json_is_object(object) || json_object_size(object) > PROVIDER_FACT_MAX) {
        (void)fail(err, ERROR_INVALID, "cannot read facts: not an object of at most %d members",
                   PROVIDER_FACT_MAX);
        goto out;
    }
    json_object_foreach(object, name, value)
    {
        if (!json_is_string(value)) {
            (void)fail(err, ERROR_INVALID, "cannot read facts: a value is not a string");
            goto out;
        }
        provider_fact_set(
            facts, arena_str(arena, str_of(name)),
            arena_str(arena, (struct str){json_string_value(value), json_string_length(value)}));
    }
    done = true;
out:
    if (!done)
        facts->count = 0;
    json_decref(object);
    return done;
}

void provider_facts_print(const struct provider_facts *facts, struct buf *out)
{
    struct json_out json;

    json_out_init(&json, out);
    json_begin_object(&json);
    for (size_t i = 0; i < facts->count; i++) {
        json_key_str(&json, facts->fact[i].name);
        json_str(&json, facts->fact[i].value);
    }
    json_end_object(&json);
}

const char *provider_step_name(enum provider_step step)
{
    CHECK(step >= PROVIDER_STEP_NONE && step < PROVIDER_STEP_COUNT);
    return step_names[step];
}

enum provider_step provider_step_find(struct str name)
{
    for (int i = PROVIDER_STEP_NONE + 1; i < PROVIDER_STEP_COUNT; i++) {
        if (str_eq(name, str_of(step_names[i])))
            return (enum provider_step)i;
    }
    return PROVIDER_STEP_NONE;
}

const char *provider_payee_state_name(enum provider_payee_state state)
{
    CHECK(state >= PROVIDER_PAYEE_UNKNOWN && state < PROVIDER_PAYEE_STATE_COUNT);
    return payee_state_names[state];
}
