/*
 * turnpike config plan | apply DIR: the difference between files and what is live, and making it.
 *
 *     DIR/rules/house.rules      the house's live rule set
 *     DIR/rules/mer_....rules    a merchant's
 *     DIR/accounts/acc_....json  members of a provider account, as PATCH /v1/admin/accounts/{id} takes them
 *     DIR/fees/acc_....json      its fee table
 *
 * What no file names is left alone. Each file is one change; the first that is refused ends it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admin_diff.h"
#include "base/log.h"
#include "process/admin.h"
#include "process/command.h"

enum {
    TEXT_BYTES_MAX = 4 << 20,
    PATH_SIZE = 512,
    NAME_SIZE = 64,
    PENDING = 3, /* exit status: there is a difference */
};

struct planning {
    struct config config;
    const char *folder;
    bool is_apply;
    unsigned same, different;
    char author[ADMIN_AUTHOR_SIZE];
};

typedef bool (*plan_fn)(struct planning *plan, const char *name, struct str text,
                        struct error *err);

/* The answer to one operation, owned by the caller; NULL with *err. */
static json_t *ask(struct planning *plan, enum admin_operation operation, const char *id,
                   const char *merchant, const json_t *body, struct error *err)
{
    static const struct json_limits limits = {64, 1 << 20, 16 << 20};
    struct admin_outcome outcome = {.problem = MESSAGE_NONE};
    struct admin_request request = {
        .operation = operation,
        .id = str_of(id),
        .merchant = str_of(merchant),
        .author = str_of(plan->author),
        .body = body,
    };
    json_t *answer = NULL;
    if (!admin_run(&plan->config, &request, &outcome, err)) {
        buf_release(&outcome.body);
        return NULL;
    }
    if (outcome.problem != MESSAGE_NONE) {
        (void)fail(err, ERROR_INVALID, "%s", outcome.wrong.detail);
    } else {
        answer = json_parse(buf_str(&outcome.body), &limits, err);
    }
    buf_release(&outcome.body);
    return answer;
}

/* Does what the operation does, and forgets its answer. */
static bool make(struct planning *plan, enum admin_operation operation, const char *id,
                 const char *merchant, json_t *body, struct error *err)
{
    json_t *answer = ask(plan, operation, id, merchant, body, err);
    bool ok = answer != NULL;
    json_decref(answer);
    return ok;
}

/* ---- rule sets ------------------------------------------------------------------------------- */

/* The text that is live; NULL with *err; *version 0: none is. */
static json_t *live_rules(struct planning *plan, const char *merchant, int64_t *version,
                          struct error *err)
{
    char number[24];
    json_t *state = ask(plan, ADMIN_RULES_LIST, NULL, merchant, NULL, err);
    if (state == NULL) {
        return NULL;
    }
    *version = json_integer_value(json_object_get(state, "live"));
    if (*version == 0) {
        return state;
    }
    json_decref(state);
    (void)snprintf(number, sizeof(number), "%lld", (long long)*version);
    return ask(plan, ADMIN_RULES_SHOW, number, merchant, NULL, err);
}

static bool publish(struct planning *plan, const char *merchant, struct str text, struct error *err)
{
    char number[24];
    json_t *draft = json_pack("{s:s%,s:s}", "text", text.at, text.len, "comment", "config apply");
    json_t *made = ask(plan, ADMIN_RULES_PUT, NULL, merchant, draft, err);
    json_decref(draft);
    if (made == NULL) {
        return false;
    }
    (void)snprintf(number, sizeof(number), "%lld",
                   (long long)json_integer_value(json_object_get(made, "version")));
    json_decref(made);
    json_t *live = json_pack("{s:s,s:s}", "mode", "live", "reason", "config apply");
    bool ok = make(plan, ADMIN_RULES_PUBLISH, number, merchant, live, err);
    json_decref(live);
    return ok;
}

static bool plan_rules(struct planning *plan, const char *name, struct str text, struct error *err)
{
    const char *merchant = strcmp(name, "house") == 0 ? NULL : name;
    int64_t version = 0;
    struct buf diff;
    json_t *live = live_rules(plan, merchant, &version, err);
    if (live == NULL) {
        return false;
    }
    struct str now = version > 0 ? json_text(live, "text") : STR_NONE;
    bool is_same = version > 0 && str_eq(now, text);
    plan->same += is_same;
    plan->different += !is_same;
    if (!is_same) {
        buf_init(&diff, 2 * TEXT_BYTES_MAX + 65536);
        struct admin_diff counts = admin_diff_print(now, text, &diff);
        (void)printf("rules %s: live version %lld, %zu lines more, %zu less\n" STR_FMT, name,
                     (long long)version, counts.added, counts.removed, STR_ARG(buf_str(&diff)));
        buf_release(&diff);
    }
    json_decref(live);
    if (is_same) {
        return true;
    }
    json_t *check = json_pack("{s:s%}", "text", text.at, text.len);
    json_t *checked = ask(plan, ADMIN_RULES_CHECK, NULL, merchant, check, err);
    bool ok = checked != NULL;
    if (ok && !json_is_true(json_object_get(checked, "valid"))) {
        ok = fail(err, ERROR_INVALID, "it has errors: turnpike routes check shows them");
    }
    json_decref(check);
    json_decref(checked);
    return ok && (!plan->is_apply || publish(plan, merchant, text, err));
}

/* ---- accounts and fees ----------------------------------------------------------------------- */

static void print_value(const char *sign, const json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;
    (void)printf("  %s %s\n", sign, text != NULL ? text : "null");
    free(text);
}

/* Members of `wanted` that the account has otherwise; true: there are some. */
static bool compare(const char *name, json_t *wanted, const json_t *live, json_t *changed)
{
    const char *member = NULL;
    json_t *value = NULL;
    json_object_foreach(wanted, member, value)
    {
        const json_t *now = json_object_get(live, member);
        if (json_equal(now, value)) {
            continue;
        }
        (void)printf("account %s (" STR_FMT " " STR_FMT "): %s\n", name,
                     STR_ARG(json_text(live, "provider")), STR_ARG(json_text(live, "name")),
                     member);
        print_value("-", now);
        print_value("+", value);
        CHECK(json_object_set(changed, member, value) == 0);
    }
    return json_object_size(changed) > 0;
}

static bool plan_members(struct planning *plan, const char *name, json_t *wanted, struct error *err)
{
    json_t *live = ask(plan, ADMIN_ACCOUNT_SHOW, name, NULL, NULL, err);
    if (live == NULL) {
        return false;
    }
    json_t *changed = json_object();
    bool is_different = compare(name, wanted, live, changed);
    plan->different += is_different;
    plan->same += !is_different;
    bool ok = !is_different || !plan->is_apply ||
              make(plan, ADMIN_ACCOUNT_UPDATE, name, NULL, changed, err);
    json_decref(changed);
    json_decref(live);
    return ok;
}

static json_t *read_object(struct str text, struct error *err)
{
    static const struct json_limits limits = {32, 2048, 4096};
    json_t *object = json_parse(text, &limits, err);
    if (object != NULL && !json_is_object(object)) {
        json_decref(object);
        (void)fail(err, ERROR_INVALID, "it must be a JSON object");
        return NULL;
    }
    return object;
}

static bool plan_account(struct planning *plan, const char *name, struct str text,
                         struct error *err)
{
    json_t *wanted = read_object(text, err);
    bool ok = wanted != NULL && plan_members(plan, name, wanted, err);
    json_decref(wanted);
    return ok;
}

static bool plan_fees(struct planning *plan, const char *name, struct str text, struct error *err)
{
    json_t *fees = read_object(text, err);
    if (fees == NULL) {
        return false;
    }
    json_t *wanted = json_pack("{s:o}", "fees", fees);
    bool ok = plan_members(plan, name, wanted, err);
    json_decref(wanted);
    return ok;
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool read_text(const char *path, struct buf *text, struct error *err)
{
    char chunk[65536];
    size_t got;
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return fail(err, ERROR_IO, "cannot be read: %s", strerror(errno));
    }
    while (buf_is_ok(text) && (got = fread(chunk, 1, sizeof(chunk), in)) > 0) {
        buf_add(text, chunk, got);
    }
    bool ok = ferror(in) == 0 && buf_is_ok(text);
    (void)fclose(in);
    return ok || fail(err, ERROR_IO, "unreadable, or over %d bytes", TEXT_BYTES_MAX);
}

static bool plan_file(struct planning *plan, const char *sub, const char *file, const char *ending,
                      plan_fn fn, struct error *err)
{
    char path[PATH_SIZE];
    char name[NAME_SIZE];
    struct buf text;
    struct str stem = str_sub(str_of(file), 0, strlen(file) - strlen(ending));
    int len = snprintf(path, sizeof(path), "%s/%s/%s", plan->folder, sub, file);
    if (len < 0 || len >= PATH_SIZE || !str_copy_to(stem, name, sizeof(name))) {
        return fail(err, ERROR_INVALID, "config: the name of %s/%s is too long", sub, file);
    }
    buf_init(&text, TEXT_BYTES_MAX);
    bool ok = read_text(path, &text, err) && fn(plan, name, buf_str(&text), err);
    buf_release(&text);
    return ok || fail_prefix(err, "config: %s", path);
}

/* A folder that is not there names nothing. */
static bool plan_folder(struct planning *plan, const char *sub, const char *ending, plan_fn fn,
                        struct error *err)
{
    char path[PATH_SIZE];
    struct dirent **entries = NULL;
    (void)snprintf(path, sizeof(path), "%s/%s", plan->folder, sub);
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        return errno == ENOENT ||
               fail(err, ERROR_IO, "config: cannot read %s: %s", path, strerror(errno));
    }
    bool ok = true;
    for (int i = 0; i < count; i++) {
        struct str file = str_of(entries[i]->d_name);
        if (ok && str_ends(file, str_of(ending)) && file.at[0] != '.') {
            ok = plan_file(plan, sub, entries[i]->d_name, ending, fn, err);
        }
        free(entries[i]);
    }
    free((void *)entries);
    return ok;
}

static int end(const struct planning *plan)
{
    if (plan->same + plan->different == 0) {
        struct error err;
        (void)fail(&err, ERROR_NOT_FOUND,
                   "config: %s names nothing: rules/*.rules, accounts/*.json, fees/*.json",
                   plan->folder);
        return command_fail(&err);
    }
    (void)printf("%u %s, %u as they should be\n", plan->different,
                 plan->is_apply ? "made" : "to be made", plan->same);
    return plan->different > 0 && !plan->is_apply ? PENDING : 0;
}

int command_plan(int argc, char **argv)
{
    static struct planning plan;
    struct error err;
    plan.is_apply = strcmp(argv[0], "apply") == 0;
    if (!command_config(&argc, argv, &plan.config, &err)) {
        return command_fail(&err);
    }
    if (argc != 2 || argv[1][0] == '-') {
        (void)fail(&err, ERROR_INVALID, "config %s: name one folder", argv[0]);
        return command_fail(&err);
    }
    plan.folder = argv[1];
    (void)admin_user(plan.author);
    log_start(2, LOG_ERROR);
    if (!plan_folder(&plan, "fees", ".json", plan_fees, &err) ||
        !plan_folder(&plan, "accounts", ".json", plan_account, &err) ||
        !plan_folder(&plan, "rules", ".rules", plan_rules, &err)) {
        return command_fail(&err);
    }
    return end(&plan);
}
