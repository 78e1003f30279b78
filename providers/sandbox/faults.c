#include "providers/sandbox/faults.h"

#include <string.h>

static const char *const kind_names[FAULT_KIND_COUNT] = {
    [FAULT_NONE] = "",
    [FAULT_REFUSE] = "refuse",
    [FAULT_RESET_BEFORE_READ] = "reset_before_read",
    [FAULT_RESET_AFTER_EFFECT] = "reset_after_effect",
    [FAULT_CLOSE_BEFORE_EFFECT] = "close_before_effect",
    [FAULT_CLOSE_AFTER_EFFECT] = "close_after_effect",
    [FAULT_HANG_BEFORE_EFFECT] = "hang_before_effect",
    [FAULT_HANG_AFTER_EFFECT] = "hang_after_effect",
    [FAULT_HTTP_500] = "http_500",
    [FAULT_HTTP_503] = "http_503",
    [FAULT_HTTP_429] = "http_429",
    [FAULT_HTTP_500_AFTER_EFFECT] = "http_500_after_effect",
    [FAULT_DECLINE_SOFT] = "decline_soft",
    [FAULT_DECLINE_HARD] = "decline_hard",
    [FAULT_GARBAGE] = "garbage",
    [FAULT_OTHER_AMOUNT] = "other_amount",
    [FAULT_SLOW] = "slow",
};

static const char *const members[] = {"provider", "operation", "kind", "share",
                                      "count",    "delay_ms",  "then"};

enum { SHARE_WHOLE = 1000000 };

static void list_names(const char *const *names, size_t count, char *out, size_t size)
{
    struct buf buf;
    buf_init(&buf, size - 1);
    for (size_t i = 1; i < count; i++) {
        buf_printf(&buf, "%s%s", i > 1 ? ", " : "", names[i]);
    }
    CHECK(str_copy_to(buf_str(&buf), out, size));
    buf_release(&buf);
}

/* A word out of names; `any`, when given, stands for 0. */
static bool read_word(const json_t *object, const char *member, const char *const *names,
                      size_t count, const char *any, int *out, struct error *err)
{
    char known[300];
    struct str word = json_text(object, member);
    *out = words_find(names, count, word);
    if (*out > 0 || (any && str_eq(word, str_of(any)))) {
        return true;
    }
    list_names(names, count, known, sizeof(known));
    return fail(err, ERROR_INVALID, "unknown %s \"" STR_FMT "\": known are %s%s%s", member,
                STR_ARG(str_sub(word, 0, 40)), known, any ? " and " : "", any ? any : "");
}

static bool read_words(const json_t *object, struct fault *fault, struct error *err)
{
    int provider;
    int operation = 0;
    int kind;
    if (!read_word(object, "provider", sandbox_provider_names, SANDBOX_PROVIDER_COUNT, "any",
                   &provider, err) ||
        !read_word(object, "kind", kind_names, FAULT_KIND_COUNT, NULL, &kind, err)) {
        return false;
    }
    if (json_object_get(object, "operation") &&
        !read_word(object, "operation", sandbox_operation_names, SANDBOX_OP_COUNT, "any",
                   &operation, err)) {
        return false;
    }
    fault->provider = (enum sandbox_provider)provider;
    fault->operation = (enum sandbox_operation)operation;
    fault->kind = (enum fault_kind)kind;
    return true;
}

static bool read_numbers(const json_t *object, struct fault *fault, struct error *err)
{
    const json_t *share = json_object_get(object, "share");
    const json_t *count = json_object_get(object, "count");
    const json_t *delay = json_object_get(object, "delay_ms");
    double part = share ? json_number_value(share) : 1.0;
    if ((share && !json_is_number(share)) || !(part > 0.0 && part <= 1.0)) {
        return fail(err, ERROR_INVALID, "share must be a number above 0 and up to 1");
    }
    if (count && !json_is_null(count) &&
        (!json_is_integer(count) || json_integer_value(count) < 1)) {
        return fail(err, ERROR_INVALID, "count must be a whole number of at least 1, or absent");
    }
    if (delay && !json_is_null(delay) &&
        (!json_is_integer(delay) || json_integer_value(delay) < 0 ||
         json_integer_value(delay) > 86400000)) {
        return fail(err, ERROR_INVALID, "delay_ms must be a whole number from 0 to 86400000");
    }
    fault->share_per_million = (uint32_t)(part * SHARE_WHOLE + 0.5);
    fault->count = json_is_integer(count) ? json_integer_value(count) : FAULT_FOR_EVER;
    fault->delay_ms = json_integer_value(delay);
    return true;
}

static bool check(const json_t *object, struct fault *fault, struct error *err)
{
    struct str then = json_text(object, "then");
    fault->then_refuse = str_eq(then, STR("refuse"));
    if (json_object_get(object, "then") && !fault->then_refuse) {
        return fail(err, ERROR_INVALID, "then can only be \"refuse\"");
    }
    if (fault->kind == FAULT_SLOW && fault->delay_ms == 0) {
        return fail(err, ERROR_INVALID, "slow needs delay_ms");
    }
    return true;
}

static bool check_members(const json_t *object, struct error *err)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object)) {
        return fail(err, ERROR_INVALID, "a fault is a JSON object");
    }
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(members) && !known; i++) {
            known = strcmp(name, members[i]) == 0;
        }
        if (!known) {
            return fail(err, ERROR_INVALID, "unknown member %.40s", name);
        }
    }
    return true;
}

void faults_init(struct faults *faults)
{
    uint64_t seed;
    memset(faults, 0, sizeof(*faults));
    rng_fill(&seed, sizeof(seed));
    rng_seed(&faults->rng, seed);
}

bool faults_add(struct faults *faults, const json_t *object, int64_t *id, struct error *err)
{
    struct fault fault = {0};
    if (!check_members(object, err) || !read_words(object, &fault, err) ||
        !read_numbers(object, &fault, err) || !check(object, &fault, err)) {
        return false;
    }
    if (faults->count == FAULTS_MAX) {
        return fail(err, ERROR_BUSY, "there are %d faults already: remove some", FAULTS_MAX);
    }
    fault.id = ++faults->last_id;
    faults->fault[faults->count++] = fault;
    *id = fault.id;
    return true;
}

void faults_refuse(struct faults *faults, enum sandbox_provider provider)
{
    if (!faults_is_refused(faults, provider) && faults->count < FAULTS_MAX) {
        faults->fault[faults->count++] = (struct fault){.id = ++faults->last_id,
                                                        .provider = provider,
                                                        .kind = FAULT_REFUSE,
                                                        .share_per_million = SHARE_WHOLE,
                                                        .count = FAULT_FOR_EVER};
    }
}

bool faults_remove(struct faults *faults, int64_t id)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (faults->fault[i].id == id) {
            memmove(&faults->fault[i], &faults->fault[i + 1],
                    (faults->count - i - 1) * sizeof(faults->fault[0]));
            faults->count--;
            return true;
        }
    }
    return false;
}

void faults_clear(struct faults *faults)
{
    faults->count = 0;
}

static bool concerns(const struct fault *fault, enum sandbox_provider provider)
{
    return fault->provider == SANDBOX_NONE || fault->provider == provider ||
           fault->provider == sandbox_family(provider);
}

/* A port is closed for all that is served on it. */
static bool refuses(const struct fault *fault, enum sandbox_provider provider)
{
    return fault->kind == FAULT_REFUSE &&
           (concerns(fault, provider) ||
            sandbox_port_owner(fault->provider) == sandbox_port_owner(provider));
}

/* Some connections are refused, not all of them for ever. */
static bool thins(const struct fault *fault, enum sandbox_provider provider)
{
    return provider != SANDBOX_NONE && refuses(fault, provider) &&
           (fault->count != FAULT_FOR_EVER || fault->share_per_million != SHARE_WHOLE);
}

bool faults_is_refused(const struct faults *faults, enum sandbox_provider provider)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (refuses(&faults->fault[i], provider) && !thins(&faults->fault[i], provider)) {
            return true;
        }
    }
    return false;
}

bool faults_is_thinned(const struct faults *faults, enum sandbox_provider provider)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (thins(&faults->fault[i], provider)) {
            return true;
        }
    }
    return false;
}

/* The fault at `i` was applied. True when that was its last time, and it is gone. */
static bool use_up(struct faults *faults, size_t i)
{
    struct fault *fault = &faults->fault[i];
    fault->hit_count++;
    if (fault->count == FAULT_FOR_EVER || --fault->count > 0) {
        return false;
    }
    CHECK(faults_remove(faults, fault->id));
    return true;
}

bool faults_admit(struct faults *faults, enum sandbox_provider provider)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (thins(&faults->fault[i], provider) &&
            rng_chance(&faults->rng, faults->fault[i].share_per_million)) {
            (void)use_up(faults, i);
            return false;
        }
    }
    return true;
}

static bool fits(const struct fault *fault, enum sandbox_provider provider,
                 enum sandbox_operation operation)
{
    bool decline = fault->kind == FAULT_DECLINE_SOFT || fault->kind == FAULT_DECLINE_HARD;
    /* One token endpoint serves all that is on its port. */
    bool shared = operation == SANDBOX_OP_TOKEN && sandbox_port_owner(fault->provider) == provider;
    return fault->kind != FAULT_REFUSE && (concerns(fault, provider) || shared) &&
           (fault->operation == SANDBOX_OP_NONE || fault->operation == operation) &&
           (!decline || operation == SANDBOX_OP_CHARGE || operation == SANDBOX_OP_PAYOUT);
}

struct fault_plan faults_pick(struct faults *faults, enum sandbox_provider provider,
                              enum sandbox_operation operation)
{
    struct fault_plan plan = {0};
    for (size_t i = 0; i < faults->count; i++) {
        struct fault *fault = &faults->fault[i];
        bool slow = fault->kind == FAULT_SLOW;
        if (!fits(fault, provider, operation) || (!slow && plan.kind != FAULT_NONE) ||
            !rng_chance(&faults->rng, fault->share_per_million)) {
            continue;
        }
        plan.then_refuse = plan.then_refuse || fault->then_refuse;
        if (slow) {
            plan.slow_ms += fault->delay_ms;
        } else {
            plan.kind = fault->kind;
            plan.delay_ms = fault->delay_ms;
        }
        if (use_up(faults, i)) {
            i--;
        }
    }
    return plan;
}

void faults_print(const struct faults *faults, struct json_out *out)
{
    json_begin_array(out);
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->fault[i];
        json_begin_object(out);
        json_put_int(out, "id", fault->id);
        json_put_cstr(out, "provider",
                      fault->provider ? sandbox_provider_names[fault->provider] : "any");
        json_put_cstr(out, "operation",
                      fault->operation ? sandbox_operation_names[fault->operation] : "any");
        json_put_cstr(out, "kind", kind_names[fault->kind]);
        json_key(out, "share");
        char share[MONEY_TEXT_SIZE];
        struct str text = money_format(fault->share_per_million, 6, share);
        json_raw(out, text);
        if (fault->count == FAULT_FOR_EVER) {
            json_put_null(out, "count");
        } else {
            json_put_int(out, "count", fault->count);
        }
        json_put_int(out, "delay_ms", fault->delay_ms);
        json_put_cstr(out, "then", fault->then_refuse ? "refuse" : NULL);
        json_put_int(out, "hits", fault->hit_count);
        json_end_object(out);
    }
    json_end_array(out);
}
