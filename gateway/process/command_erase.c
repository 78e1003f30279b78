/*
 * turnpike erase: a customer's personal data, taken out of the ledger on request.
 *
 * Each payment or payout is a transaction of its own with its record (ledger/erase.h). A customer is
 * looked for page by page; what is erased is not found again, so whoever was interrupted begins anew.
 * Exit status 0: everything that was named is erased; 1: it could not be done; 2: something is still
 * open, and a repeat later erases it.
 */
#include "process/command_erase.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "payment/erasure.h"

enum {
    ARENA_BYTES_MAX = 512 << 20, /* a page of rows, and the answers of one payment */
    EXIT_OPEN = 2,
    REASON_MAX = 2000,
    REASON_MIN = 3,
    NAME_MAX_LEN = 200,
    CUSTOMER_MAX = 254,
};

struct told_counts {
    uint64_t looked_at;
    uint64_t erased;
    uint64_t before; /* erased before */
    uint64_t open;
    uint64_t absent;
};

struct eraser {
    struct config config;
    struct secrets secrets;
    struct vault vault;
    struct erase_ask ask;
    struct erase *erase; /* owned */
    struct erase_asked asked;
    uint8_t hash[SHA256_SIZE];
    struct arena page;
    struct arena one;
    struct told_counts counts;
    bool shows_progress;
};

/* ---- arguments -------------------------------------------------------------------------------- */

static bool take_target(int *argc, char **argv, struct erase_ask *ask, struct error *err)
{
    static const char *const names[] = {"payment", "payout", "reference", "customer"};
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = command_option(argc, argv, names[i]);
        if (value == NULL)
            continue;
        ask->named = names[i];
        ask->value = value;
        count++;
    }
    if (count != 1)
        return fail(err, ERROR_INVALID,
                    "erase: name one thing: --payment ID, --payout ID, --reference TEXT or "
                    "--customer TEXT (an id or e-mail, exactly as it was sent)");
    enum id_kind kind = strcmp(ask->named, "payout") == 0 ? ID_PAYOUT : ID_PAYMENT;
    bool is_id = strncmp(ask->named, "pay", 3) == 0;
    struct error ignored;
    if (is_id && !id_parse(kind, str_of(ask->value), &ask->id, &ignored))
        return fail(err, ERROR_INVALID, "erase: \"%.40s\" is no %s's id; they begin with %s",
                    ask->value, ask->named, kind == ID_PAYOUT ? "pyt_" : "pay_");
    if (!is_id && (ask->value[0] == '\0' || strlen(ask->value) > CUSTOMER_MAX))
        return fail(err, ERROR_INVALID, "erase: --%s has 1 to %d characters", ask->named,
                    CUSTOMER_MAX);
    return true;
}

static bool take_record(struct erase_ask *ask, struct error *err)
{
    size_t reason_len = ask->reason != NULL ? strlen(ask->reason) : 0;
    size_t author_len = ask->author != NULL ? strlen(ask->author) : 0;
    if (reason_len < REASON_MIN || reason_len > REASON_MAX)
        return fail(err, ERROR_INVALID,
                    "erase: say why with --reason TEXT (%d to %d characters): it is kept, and "
                    "names the request, not the person",
                    REASON_MIN, REASON_MAX);
    if (author_len == 0 || author_len > NAME_MAX_LEN)
        return fail(err, ERROR_INVALID, "erase: say who erases with --by NAME (1 to %d characters)",
                    NAME_MAX_LEN);
    bool is_customer = strcmp(ask->named, "customer") == 0;
    if (is_customer &&
        (strstr(ask->reason, ask->value) != NULL || strstr(ask->author, ask->value) != NULL))
        return fail(err, ERROR_INVALID,
                    "erase: --reason and --by are kept: do not write the customer into them; name "
                    "the request, as \"ticket 4711\"");
    return true;
}

static bool take_merchant(const char *merchant, struct erase_ask *ask, struct error *err)
{
    struct error ignored;
    return merchant != NULL
               ? id_parse(ID_MERCHANT, str_of(merchant), &ask->merchant_id, &ignored) ||
                     fail(err, ERROR_INVALID,
                          "erase: \"%.40s\" is no merchant's id; they begin with mer_", merchant)
               : ask->what == ERASE_LIST ||
                     fail(
                         err, ERROR_INVALID,
                         "erase: say whose with --merchant ID; turnpike merchants list shows them");
}

bool erase_take(int *argc, char **argv, struct erase_ask *ask, struct error *err)
{
    *ask = (struct erase_ask){.what = ERASE_NAMED};
    bool is_list = command_flag(argc, argv, "list");
    const char *merchant = command_option(argc, argv, "merchant");
    ask->file = command_option(argc, argv, "again");
    ask->database = command_option(argc, argv, "database");
    ask->is_dry = command_flag(argc, argv, "dry-run");
    ask->is_json = command_flag(argc, argv, "json");
    if (is_list && ask->file != NULL)
        return fail(err, ERROR_INVALID, "erase: --list and --again exclude each other");
    ask->what = is_list ? ERASE_LIST : ask->file != NULL ? ERASE_AGAIN : ERASE_NAMED;
    if (ask->what == ERASE_AGAIN)
        return merchant == NULL ||
               fail(err, ERROR_INVALID, "erase: --again takes the merchants from its file");
    if (!take_merchant(merchant, ask, err) || ask->what == ERASE_LIST)
        return err->text[0] == '\0';
    ask->reason = command_option(argc, argv, "reason");
    ask->author = command_option(argc, argv, "by");
    return take_target(argc, argv, ask, err) && take_record(ask, err);
}

/* ---- telling ---------------------------------------------------------------------------------- */

static void progress(const struct eraser *e, bool is_over)
{
    if (e->shows_progress)
        (void)fprintf(stderr, "\r%" PRIu64 " looked at, %" PRIu64 " %s, %" PRIu64 " open%s",
                      e->counts.looked_at, e->counts.erased,
                      e->ask.is_dry ? "to be erased" : "erased", e->counts.open,
                      is_over ? "\n" : "");
}

static void tell(struct eraser *e, const struct erase_subject *subject, enum erase_result result,
                 struct str told)
{
    char shown[ID_TEXT_SIZE];
    const char *id = id_format(subject->is_payout ? ID_PAYOUT : ID_PAYMENT, &subject->id, shown).at;
    switch (result) {
    case ERASE_DONE:
        e->counts.erased++;
        printf("%s %s " STR_FMT "\n", id,
               e->ask.is_dry ? "would be erased:" : "erased:", STR_ARG(told));
        return;
    case ERASE_NOTHING:
        e->counts.before++;
        printf("%s was erased before\n", id);
        return;
    case ERASE_ABSENT:
        e->counts.absent++;
        printf("%s does not exist\n", id);
        return;
    case ERASE_REFUSED:
        e->counts.open++;
        printf("%s is not erased: " STR_FMT "\n", id, STR_ARG(told));
        return;
    }
}

/* ---- erasing ---------------------------------------------------------------------------------- */

static bool erase_one(struct eraser *e, const struct erase_subject *subject, struct error *err)
{
    enum erase_result result = ERASE_NOTHING;
    struct str told = STR_NONE;
    arena_reset(&e->one);
    if (!erase_run(e->erase, &e->asked, &subject->id, &e->one, &result, &told, err))
        return false;
    tell(e, subject, result, told);
    return true;
}

static bool erase_those(struct eraser *e, const struct erase_subject *subjects, size_t count,
                        struct error *err)
{
    struct str customer = str_of(e->ask.value);
    for (size_t i = 0; i < count; i++) {
        bool is_theirs = false;
        e->counts.looked_at++;
        if (!erasure_is_of(&e->vault, &e->asked.merchant_id, &subjects[i], customer, &is_theirs,
                           err) ||
            (is_theirs && !erase_one(e, &subjects[i], err)))
            return false;
    }
    progress(e, false);
    return true;
}

static bool erase_customer(struct eraser *e, bool is_order, struct error *err)
{
    struct uuid after = {{0}};
    size_t count = ERASE_PAGE_MAX;
    while (count == ERASE_PAGE_MAX) {
        struct erase_subject *subjects = NULL;
        arena_reset(&e->page);
        if (!erase_page(e->erase, &e->asked.merchant_id, is_order, &after, &e->page, &subjects,
                        &count, err) ||
            !erase_those(e, subjects, count, err))
            return false;
        if (count > 0)
            after = subjects[count - 1].row_id;
    }
    return true;
}

static bool erase_reference(struct eraser *e, struct error *err)
{
    struct erase_subject *subjects = NULL;
    size_t count = 0;
    bool ok = erase_find_reference(e->erase, &e->asked.merchant_id, str_of(e->ask.value), &e->page,
                                   &subjects, &count, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = erase_one(e, &subjects[i], err);
    return ok;
}

static bool load_secrets(struct eraser *e, struct error *err)
{
    if (!secrets_load(&e->secrets, e->config.master_secret_file, err))
        return fail_prefix(err, "erase: what is sealed must be opened to be searched; name the "
                                "gateway's configuration with --config FILE");
    e->vault = (struct vault){.seal_key = e->secrets.seal, .hash_key = e->secrets.token_hash};
    erasure_hash(&e->vault, &e->asked.merchant_id, str_of(e->ask.value), e->hash);
    e->asked.customer_hash = e->hash;
    return true;
}

static bool erase_named(struct eraser *e, struct error *err)
{
    const struct erase_ask *ask = &e->ask;
    struct uuid twin = {{0}};
    char id[ID_TEXT_SIZE];
    e->asked.merchant_id = ask->merchant_id;
    e->asked.erasure_id = uuid_new();
    e->asked.erased_us = clock_wall_us();
    e->asked.named = ask->named;
    e->asked.author = ask->author;
    e->asked.reason = ask->reason;
    if (!erase_find_twin(e->erase, &ask->merchant_id, &twin, err))
        return false;
    bool ok = true;
    if (strcmp(ask->named, "customer") == 0) {
        ok = load_secrets(e, err) && erase_customer(e, false, err) && erase_customer(e, true, err);
        progress(e, true);
        if (ok)
            printf("the other twin, %s, was not looked at; name it with --merchant\n",
                   id_format(ID_MERCHANT, &twin, id).at);
    } else if (strcmp(ask->named, "reference") == 0) {
        ok = erase_reference(e, err);
    } else {
        struct erase_subject subject = {.id = ask->id,
                                        .is_payout = strcmp(ask->named, "payout") == 0};
        ok = erase_one(e, &subject, err);
    }
    return ok;
}

/* A line of --list --json, done again: after a restore of what it had erased. */
static bool take_line(struct eraser *e, json_t *line, struct erase_subject *subject,
                      struct error *err)
{
    struct erase_asked *asked = &e->asked;
    struct buf hash;
    buf_init(&hash, SHA256_SIZE);
    subject->is_payout = str_eq(json_text(line, "object"), STR("payout"));
    asked->named = json_text(line, "named").at;
    asked->author = json_text(line, "by").at;
    asked->reason = json_text(line, "reason").at;
    bool ok = asked->named != NULL && asked->author != NULL && asked->reason != NULL &&
              id_parse(ID_MERCHANT, json_text(line, "merchant"), &asked->merchant_id, err) &&
              id_parse(subject->is_payout ? ID_PAYOUT : ID_PAYMENT, json_text(line, "payment"),
                       &subject->id, err) &&
              uuid_parse(json_text(line, "erasure"), &asked->erasure_id, err) &&
              clock_parse(json_text(line, "erased"), &asked->erased_us, err);
    struct str hex = json_text(line, "customer_hash");
    asked->customer_hash = NULL;
    if (ok && hex.len > 0) {
        ok = crypto_unhex(hex, &hash) && hash.len == SHA256_SIZE;
        if (ok)
            asked->customer_hash = memcpy(e->hash, hash.at, SHA256_SIZE);
    }
    buf_release(&hash);
    return ok || fail(err, ERROR_INVALID, "it is no line of turnpike erase --list --json");
}

static bool erase_again(struct eraser *e, struct error *err)
{
    struct buf text;
    buf_init(&text, ARENA_BYTES_MAX);
    bool ok = command_read(e->ask.file, &text, err);
    struct str rest = buf_str(&text);
    for (uint64_t number = 1; ok && rest.len > 0; number++) {
        struct erase_subject subject = {.is_payout = false};
        struct str text_line = str_trim(str_cut(&rest, '\n'));
        if (text_line.len == 0)
            continue;
        json_t *line = json_parse(text_line, &json_limits_default, err);
        ok = line != NULL && take_line(e, line, &subject, err);
        if (!ok)
            (void)fail_prefix(err, "erase: line %" PRIu64, number);
        e->counts.looked_at++;
        ok = ok && erase_one(e, &subject, err);
        json_decref(line);
    }
    buf_release(&text);
    return ok;
}

/* Nothing of that name is there: it may be misspelled, or of the other twin. */
static bool check_found(const struct eraser *e, struct error *err)
{
    const struct told_counts *c = &e->counts;
    if (e->ask.what != ERASE_NAMED || c->erased + c->before + c->open > 0)
        return true;
    if (strcmp(e->ask.named, "customer") != 0)
        return fail(err, ERROR_NOT_FOUND,
                    "erase: this merchant has no such %s; a merchant and its test twin have ids of "
                    "their own",
                    e->ask.named);
    return true;
}

static int finish(struct eraser *e, bool ok, struct error *err)
{
    const struct told_counts *c = &e->counts;
    ok = ok && check_found(e, err);
    if (!ok)
        (void)command_fail(err);
    printf("%" PRIu64 " %s, %" PRIu64 " erased before, %" PRIu64 " still open\n", c->erased,
           e->ask.is_dry ? "would be erased" : "erased", c->before, c->open);
    if (c->open > 0)
        printf("what is open keeps its data until it is over: do the same again then\n");
    return fflush(stdout) != 0 || !ok ? 1 : c->open > 0 ? EXIT_OPEN : 0;
}

int command_erase(int argc, char **argv)
{
    static struct eraser e;
    struct error err = {.text = ""};
    bool ok = erase_take(&argc, argv, &e.ask, &err) &&
              command_config(&argc, argv, &e.config, &err) && command_done(argc, argv, &err);
    const char *database = e.ask.database != NULL ? e.ask.database : e.config.database;
    if (!ok)
        return command_fail(&err);
    if (e.ask.what == ERASE_LIST)
        return erase_list(&e.ask, database, &err) ? 0 : command_fail(&err);
    arena_init(&e.page, ARENA_BYTES_MAX);
    arena_init(&e.one, ARENA_BYTES_MAX);
    e.asked.redact = erasure_redact;
    e.asked.is_dry = e.ask.is_dry;
    e.shows_progress = isatty(STDERR_FILENO) == 1;
    e.erase = erase_open(database, &err);
    ok = e.erase != NULL &&
         (e.ask.what == ERASE_AGAIN ? erase_again(&e, &err) : erase_named(&e, &err));
    int status = finish(&e, ok, &err);
    erase_close(&e.erase);
    secrets_release(&e.secrets);
    arena_release(&e.one);
    arena_release(&e.page);
    return status;
}
