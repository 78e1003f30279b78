#include "payment/rulebook.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mix.h"
#include "payment/rulebook_internal.h"
#include "router/program.h"

enum {
    IDLE_MAX = 64, /* compiled sets that nobody holds */
    MILLION = 1000000,
};

static void make_key(uint8_t key[52], const struct uuid *owner, int32_t version,
                     const uint8_t hash[32])
{
    memcpy(key, owner->byte, 16);
    memcpy(key + 16, &version, sizeof(version));
    memcpy(key + 20, hash, 32);
}

static void set_free(struct rulebook_set *set)
{
    HASH_DEL(set->book->sets, set);
    rule_set_free(&set->rules);
    free(set);
}

void rulebook_hold_set(struct rulebook_set *set)
{
    if (set->references++ == 0) {
        list_remove(&set->idle);
        set->book->idle_count--;
    }
}

/* Merchants are loaded anew at each change of the directory: what they held is soon asked for. */
void rulebook_drop_set(struct rulebook_set *set)
{
    CHECK(set->references > 0);
    if (--set->references > 0)
        return;
    struct rulebook *book = set->book;
    list_add_last(&book->idle, &set->idle);
    if (++book->idle_count > IDLE_MAX) {
        struct rulebook_set *oldest = LIST_OWNER(book->idle.next, struct rulebook_set, idle);
        list_remove(&oldest->idle);
        book->idle_count--;
        set_free(oldest);
    }
}

struct rulebook_set *rulebook_find_set(struct rulebook *book, const struct uuid *owner,
                                       int32_t version, const uint8_t hash[32])
{
    uint8_t key[52];
    struct rulebook_set *set = NULL;
    make_key(key, owner, version, hash);
    HASH_FIND(hh, book->sets, key, sizeof(key), set);
    if (set != NULL)
        rulebook_hold_set(set);
    return set;
}

/* Which facts of the payment some test compares as a text. */
uint64_t rulebook_asks(const struct rule_set *rules)
{
    const struct program *program = rule_set_program(rules);
    uint64_t asked = 0;
    for (size_t i = 0; i < program->test_count; i++) {
        const struct test *test = &program->test[i];
        bool is_number = test->kind == TEST_RANGE || test->kind == TEST_LIST;
        bool is_text =
            test->kind == TEST_PREFIX || test->kind == TEST_PATTERN || test->kind == TEST_DIGITS;
        if (is_number && test->slot >= SLOT_TEXT && test->slot < SLOT_TEXT + FACT_COUNT)
            asked |= UINT64_C(1) << (test->slot - SLOT_TEXT);
        if (is_text && test->slot < FACT_COUNT)
            asked |= UINT64_C(1) << test->slot;
    }
    return asked;
}

struct rulebook_set *rulebook_add_set(struct rulebook *book, const struct rules_version *version,
                                      struct error *err)
{
    struct rulebook_set *there =
        rulebook_find_set(book, &version->merchant_id, version->version, version->hash);
    if (there != NULL) /* another load was quicker */
        return there;
    struct rule_set *rules =
        rule_set_new(version->text, book->parts.known_providers, book->parts.known_count, err);
    if (rules == NULL)
        return NULL;
    struct rulebook_set *set = calloc(1, sizeof(*set));
    CHECK(set != NULL);
    set->book = book;
    set->rules = rules;
    set->version = version->version;
    set->owner = version->merchant_id;
    set->asks = rulebook_asks(rules);
    set->references = 1;
    memcpy(set->hash, version->hash, sizeof(set->hash));
    make_key(set->key, &set->owner, set->version, set->hash);
    HASH_ADD(hh, book->sets, key, sizeof(set->key), set);
    return set;
}

void rulebook_drop(struct rulebook_sets *sets)
{
    for (size_t arm = 0; arm < RULES_ARM_COUNT; arm++) {
        if (sets->set[arm] != NULL)
            rulebook_drop_set(sets->set[arm]);
        sets->set[arm] = NULL;
    }
}

/* Not a secret: whoever could choose payment ids would only choose his own arm. */
static bool is_of_canary(const struct rulebook_sets *sets, const struct uuid *payment_id)
{
    struct mix_seed seed = {{UINT64_C(0x63616e617279), (uint64_t)sets->canary_number}};
    uint64_t hash = mix_bytes(&seed, payment_id->byte, sizeof(payment_id->byte));
    __extension__ typedef unsigned __int128 wide;
    uint64_t draw = (uint64_t)(((wide)hash * MILLION) >> 64);
    return draw < (uint64_t)sets->canary_millionths;
}

bool rulebook_pick_arm(const struct rulebook_sets *sets, enum rules_arm arm,
                       struct rulebook_pick *pick)
{
    const struct rulebook_set *one = sets->set[arm];
    const struct rulebook_set *shadow = sets->set[RULES_ARM_SHADOW];
    if (one == NULL)
        return false;
    *pick = (struct rulebook_pick){
        .rules = one->rules,
        .version = one->version,
        .arm = arm,
        .shadow = shadow != NULL ? shadow->rules : NULL,
        .shadow_version = shadow != NULL ? shadow->version : 0,
        .asks = one->asks | (shadow != NULL ? shadow->asks : 0),
    };
    return true;
}

bool rulebook_pick(const struct rulebook_sets *sets, const struct uuid *payment_id,
                   struct rulebook_pick *pick)
{
    bool is_canary = sets->set[RULES_ARM_LIVE] != NULL && sets->set[RULES_ARM_CANARY] != NULL &&
                     is_of_canary(sets, payment_id);
    return rulebook_pick_arm(sets, is_canary ? RULES_ARM_CANARY : RULES_ARM_LIVE, pick);
}

bool rulebook_pick_version(const struct rulebook_sets *sets, const struct uuid *owner,
                           int32_t version, struct rulebook_pick *pick)
{
    for (int arm = 0; arm < RULES_ARM_COUNT; arm++) {
        const struct rulebook_set *set = sets->set[arm];
        if (set != NULL && set->version == version && uuid_eq(&set->owner, owner))
            return rulebook_pick_arm(sets, (enum rules_arm)arm, pick);
    }
    return false;
}

struct rulebook *rulebook_new(const struct rulebook_parts *parts)
{
    struct rulebook *book = calloc(1, sizeof(*book));
    CHECK(book != NULL);
    book->parts = *parts;
    crypto_sha256(parts->file_text, book->file_hash);
    list_init(&book->idle);
    list_init(&book->loads);
    loop_timer_init(&book->flush, parts->loop, rulebook_flush, book);
    loop_timer_start(&book->flush, CLOCK_SECOND_US);
    return book;
}

void rulebook_free(struct rulebook **book_at)
{
    struct rulebook *book = *book_at;
    if (book == NULL)
        return;
    *book_at = NULL;
    rulebook_release_loads(book);
    rulebook_release_trials(book);
    loop_timer_release(&book->flush);
    struct rulebook_set *set = book->sets;
    struct rulebook_set *next = NULL;
    for (; set != NULL; set = next) {
        next = set->hh.next;
        CHECK(set->references == 0);
        set_free(set);
    }
    free(book);
}
