#include "ledger/past.h"

#include <stdlib.h>
#include <string.h>

#include "base/mix.h"
#include "ledger/finder.h"

/* What is looked up comes from our own ledger, by a program that ends: the seed need not be secret. */
static const struct mix_seed seed = {{UINT64_C(0x13198a2e03707344), UINT64_C(0x243f6a8885a308d3)}};

struct past {
    struct past_payment *payment; /* owned */
    size_t count;
    size_t room;
    struct past_account *account; /* owned */
    size_t account_count;
    size_t account_room;
    struct str *word; /* owned; in the arena */
    size_t word_count;
    size_t word_room;
    struct finder words;
    struct finder accounts;
    struct arena arena;
};

struct past *past_new(void)
{
    struct past *past = calloc(1, sizeof(*past));
    CHECK(past != NULL);
    arena_init(&past->arena, SIZE_MAX / 2);
    CHECK(past_keep(past, STR_NONE) == PAST_NONE);
    return past;
}

void past_free(struct past **past)
{
    if (*past == NULL)
        return;
    free((*past)->payment);
    free((*past)->account);
    free((*past)->word);
    finder_release(&(*past)->words);
    finder_release(&(*past)->accounts);
    arena_release(&(*past)->arena);
    free(*past);
    *past = NULL;
}

static void *make_room(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room == 0 ? 1024 : *room * 2;
    array = realloc(array, *room * size);
    CHECK(array != NULL);
    return array;
}

static bool is_word(const void *owner, uint32_t index, const void *key)
{
    const struct past *past = owner;
    return str_eq(past->word[index], *(const struct str *)key);
}

uint32_t past_keep(struct past *past, struct str text)
{
    uint32_t index = 0;
    uint64_t hash = mix_bytes(&seed, text.at, text.len);
    if (finder_find(&past->words, hash, is_word, past, &text, &index))
        return index;
    CHECK(past->word_count < UINT32_MAX);
    past->word = make_room(past->word, past->word_count, &past->word_room, sizeof(*past->word));
    index = (uint32_t)past->word_count++;
    past->word[index] = arena_str(&past->arena, text);
    finder_add(&past->words, hash, index);
    return index;
}

static bool is_account(const void *owner, uint32_t index, const void *key)
{
    const struct past *past = owner;
    return memcmp(&past->account[index], key, sizeof(struct past_account)) == 0;
}

uint32_t past_keep_account(struct past *past, const struct uuid *merchant_id,
                           const struct uuid *account_id)
{
    uint32_t index = 0;
    struct past_account account = {*merchant_id, *account_id};
    uint64_t hash = mix_bytes(&seed, &account, sizeof(account));
    if (finder_find(&past->accounts, hash, is_account, past, &account, &index))
        return index;
    past->account =
        make_room(past->account, past->account_count, &past->account_room, sizeof(account));
    index = (uint32_t)past->account_count++;
    past->account[index] = account;
    finder_add(&past->accounts, hash, index);
    return index;
}

struct past_payment *past_add(struct past *past)
{
    CHECK(past->count < PAST_PAYMENT_MAX);
    past->payment = make_room(past->payment, past->count, &past->room, sizeof(*past->payment));
    struct past_payment *payment = &past->payment[past->count++];
    *payment = (struct past_payment){.fee_minor = -1};
    return payment;
}

static int compare(const void *a, const void *b)
{
    const struct past_payment *left = a;
    const struct past_payment *right = b;
    if (left->created_us != right->created_us)
        return left->created_us < right->created_us ? -1 : 1;
    return uuid_compare(&left->payment_id, &right->payment_id);
}

void past_sort(struct past *past)
{
    if (past->count > 1)
        qsort(past->payment, past->count, sizeof(*past->payment), compare);
}

/* Decimal text: JSON numbers do not hold 64 bits everywhere. */
static uint64_t take_number(struct str *rest)
{
    uint64_t value = 0;
    struct str digits = str_cut(rest, '"');
    for (size_t i = 0; i < digits.len && digits.at[i] >= '0' && digits.at[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(digits.at[i] - '0');
    return value;
}

static bool skip(struct str *rest, struct str text)
{
    bool is_there = str_starts(*rest, text);
    if (is_there)
        *rest = str_sub(*rest, text.len, rest->len);
    return is_there;
}

void past_take_decision(struct past *past, struct past_payment *payment, struct str record)
{
    /* A quote in the rule's name is escaped, so this stands nowhere else. */
    const struct str draw = STR("\",\"draw\":\"");
    size_t at = str_find(record, draw, 0);
    if (at == SIZE_MAX)
        return;
    payment->rule = past_keep(past, str_sub(record, 0, at));
    struct str rest = str_sub(record, at + draw.len, record.len);
    payment->draw = take_number(&rest);
    if (!skip(&rest, STR(",\"order\":\"")))
        return;
    payment->is_split = str_eq(str_cut(&rest, '"'), STR("split"));
    if (skip(&rest, STR(",\"split\":\"")))
        payment->split_bits = take_number(&rest);
}

/* The length of the object that the text begins with; 0: it is cut off, or is none. */
static size_t object_length(struct str text)
{
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (c == '}' && !in_string)
            return i + 1; /* nothing in it is an object */
    }
    return 0;
}

void past_take_facts(struct past *past, struct past_payment *payment, struct str record)
{
    payment->facts = past_keep(past, str_sub(record, 0, object_length(record)));
}

size_t past_count(const struct past *past)
{
    return past->count;
}

struct past_payment *past_edit(struct past *past, size_t index)
{
    CHECK(index < past->count);
    return &past->payment[index];
}

const struct past_payment *past_payment(const struct past *past, size_t index)
{
    CHECK(index < past->count);
    return &past->payment[index];
}

struct str past_word(const struct past *past, uint32_t word)
{
    CHECK(word < past->word_count);
    return past->word[word];
}

size_t past_word_count(const struct past *past)
{
    return past->word_count;
}

size_t past_account_count(const struct past *past)
{
    return past->account_count;
}

const struct past_account *past_account(const struct past *past, uint32_t index)
{
    CHECK(index < past->account_count);
    return &past->account[index];
}
