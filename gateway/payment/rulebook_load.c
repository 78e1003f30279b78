/*
 * What is in force for a merchant, out of the ledger:
 *
 *     the file's text kept (once) -> in force -> for each arm: compiled here? else its text, compiled
 *          -> cannot be: the version before it, then the house's, then the file
 */
#include "payment/rulebook_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

enum {
    LOAD_ARENA_MAX = 64 * 1024 * 1024,
    FORCE_MAX = 2 * RULES_ARM_COUNT,
    KEEP_ROUND_MAX = 4,
};

struct load {
    struct rulebook *book;
    struct link link;
    struct uuid merchant_id;
    struct arena arena;
    struct rules_force force[FORCE_MAX];
    size_t force_count;
    struct rules_force want[2 * RULES_ARM_COUNT]; /* of the arm: in the order to try */
    size_t want_count;
    size_t want_next;
    enum rules_arm arm;
    unsigned keep_rounds;
    struct rulebook_sets sets;
    rulebook_load_fn done;
    void *ctx;
};

static const struct uuid house = {{0}};

static void load_free(struct load *load)
{
    rulebook_drop(&load->sets);
    list_remove(&load->link);
    arena_release(&load->arena);
    free(load);
}

static void load_end(struct load *load, enum store_find found)
{
    struct rulebook_sets sets = load->sets;
    bool is_found = found == STORE_FOUND;
    if (is_found) /* they pass to the receiver */
        memset(&load->sets, 0, sizeof(load->sets));
    load->done(load->ctx, is_found ? STORE_FOUND : STORE_FAILED, is_found ? &sets : NULL);
    load_free(load);
}

static void log_failure(const char *what, const struct error *why)
{
    log_warn("rulebook", what, LOG_CSTR("error", why->text));
}

/* ---- one arm after the other ---- */

static void next_arm(struct load *load);
static void next_want(struct load *load);

static const struct rules_force *find_force(const struct load *load, const struct uuid *owner,
                                            enum rules_arm arm)
{
    for (size_t i = 0; i < load->force_count; i++) {
        if (load->force[i].arm == arm && uuid_eq(&load->force[i].merchant_id, owner))
            return &load->force[i];
    }
    return NULL;
}

static void want(struct load *load, const struct rules_force *force)
{
    load->want[load->want_count++] = *force;
    if (force->former == 0)
        return;
    struct rules_force former = *force; /* its hash is not known: it is found by its version */
    former.version = force->former;
    former.former = 0;
    memset(former.hash, 0, sizeof(former.hash));
    load->want[load->want_count++] = former;
}

static void take_set(struct load *load, const struct rules_force *force, struct rulebook_set *set)
{
    load->sets.set[load->arm] = set;
    if (load->arm == RULES_ARM_CANARY) {
        load->sets.canary_of = force->merchant_id;
        load->sets.canary_number = force->number;
        load->sets.canary_millionths = force->percent_millionths;
        rulebook_watch(load->book, force);
    }
    load->arm++;
    next_arm(load);
}

static void text_loaded(void *ctx, enum store_find found, const struct rules_version *versions,
                        size_t count, const struct error *why)
{
    struct load *load = ctx;
    struct error err;
    char id[ID_TEXT_SIZE];
    if (found == STORE_FAILED) {
        log_failure("cannot load a rule set", why);
        load_end(load, STORE_FAILED);
        return;
    }
    const struct rules_force *force = &load->want[load->want_next - 1];
    struct rulebook_set *set = NULL;
    if (found == STORE_FOUND && count == 1)
        set = rulebook_add_set(load->book, &versions[0], &err);
    else
        (void)fail(&err, ERROR_NOT_FOUND, "there is no such version");
    if (set != NULL) {
        take_set(load, force, set);
        return;
    }
    metrics_count(METRIC_RULE_SETS_BROKEN, 1);
    log_error("rulebook", "a rule set in force cannot be used; the one before it decides",
              LOG_STR("merchant", id_format(ID_MERCHANT, &force->merchant_id, id)),
              LOG_CSTR("arm", rules_arm_name(load->arm)), LOG_INT("version", force->version),
              LOG_CSTR("error", err.text));
    next_want(load);
}

static void next_want(struct load *load)
{
    if (load->want_next == load->want_count) { /* a canary or shadow that cannot be: none */
        load->arm++;
        next_arm(load);
        return;
    }
    const struct rules_force *force = &load->want[load->want_next++];
    struct rulebook_set *set =
        rulebook_find_set(load->book, &force->merchant_id, force->version, force->hash);
    if (set != NULL)
        take_set(load, force, set);
    else
        rules_load(load->book->parts.store, &force->merchant_id, force->version, &load->arena,
                   text_loaded, load);
}

/*
 * The live set is the merchant's, else the house's, else the file's. Canaries and shadows go with
 * their own; those of the house are for merchants that have its live set.
 */
static void next_arm(struct load *load)
{
    load->want_count = 0;
    load->want_next = 0;
    if (load->arm == RULES_ARM_COUNT) {
        load_end(load, load->sets.set[RULES_ARM_LIVE] != NULL ? STORE_FOUND : STORE_FAILED);
        return;
    }
    const struct rules_force *own = find_force(load, &load->merchant_id, load->arm);
    const struct rules_force *of_house = find_force(load, &house, load->arm);
    bool has_own_live = find_force(load, &load->merchant_id, RULES_ARM_LIVE) != NULL;
    if (load->arm != RULES_ARM_LIVE) {
        if (own == NULL && !has_own_live)
            own = of_house;
        if (own != NULL)
            load->want[load->want_count++] = *own;
        next_want(load);
        return;
    }
    if (own != NULL)
        want(load, own);
    if (of_house != NULL && !uuid_is_zero(&load->merchant_id))
        want(load, of_house);
    struct rules_force file = {.version = load->book->file_version};
    memcpy(file.hash, load->book->file_hash, sizeof(file.hash));
    load->want[load->want_count++] = file;
    next_want(load);
}

static void force_loaded(void *ctx, enum store_find found, const struct rules_force *force,
                         size_t count, const struct error *why)
{
    struct load *load = ctx;
    if (found == STORE_FAILED) {
        log_failure("cannot read which rule sets are in force", why);
        load_end(load, STORE_FAILED);
        return;
    }
    CHECK(count <= FORCE_MAX);
    for (size_t i = 0; i < count; i++)
        load->force[load->force_count++] = force[i];
    next_arm(load);
}

/* ---- the file's text ---- */

static void keep_file(struct load *load);

static void begin(struct load *load)
{
    rules_in_force(load->book->parts.store, &load->merchant_id, &load->arena, force_loaded, load);
}

static void file_put(void *ctx, enum store_find found, int64_t version, const struct error *why)
{
    struct load *load = ctx;
    if (found == STORE_FAILED) {
        log_failure("cannot keep the text of rules_file", why);
        load_end(load, STORE_FAILED);
    } else if (found == STORE_FOUND) {
        load->book->file_version = (int32_t)version;
        begin(load);
    } else {
        keep_file(load); /* another worker was quicker */
    }
}

static void file_found(void *ctx, enum store_find found, const struct rules_version *versions,
                       size_t count, const struct error *why)
{
    struct load *load = ctx;
    struct rulebook *book = load->book;
    if (found == STORE_FOUND && count == 1) {
        book->file_version = versions[0].version;
        begin(load);
        return;
    }
    if (found == STORE_FAILED || load->keep_rounds++ >= KEEP_ROUND_MAX) {
        log_failure("cannot keep the text of rules_file", why);
        load_end(load, STORE_FAILED);
        return;
    }
    struct rules_version version = {
        .text = book->parts.file_text,
        .author = STR("file"),
        .comment = STR("rules_file, when it was first used"),
        .created_us = clock_wall_us(),
    };
    memcpy(version.hash, book->file_hash, sizeof(version.hash));
    rules_put(book->parts.store, &version, file_put, load);
}

static void keep_file(struct load *load)
{
    rules_find(load->book->parts.store, &house, load->book->file_hash, &load->arena, file_found,
               load);
}

void rulebook_load(struct rulebook *book, const struct uuid *merchant_id, rulebook_load_fn done,
                   void *ctx)
{
    struct load *load = calloc(1, sizeof(*load));
    CHECK(load != NULL);
    load->book = book;
    load->merchant_id = *merchant_id;
    load->done = done;
    load->ctx = ctx;
    arena_init(&load->arena, LOAD_ARENA_MAX);
    list_add_last(&book->loads, &load->link);
    if (book->file_version == 0)
        keep_file(load);
    else
        begin(load);
}

/* The store goes before the book: nobody answers any more. */
void rulebook_release_loads(struct rulebook *book)
{
    struct link *next = NULL;
    for (struct link *item = book->loads.next; item != &book->loads; item = next) {
        next = item->next;
        load_free(LIST_OWNER(item, struct load, link));
    }
}
