#include "ledger/seal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static_assert(SEAL_ROW_MAX <= 1 << 20, "the list of a seal's rows fits into one value");

static const char row_form[] = "turnpike transfer 1";
static const char seal_form[] = "turnpike seal 1";
static const char signed_form[] = "turnpike head 1";

/* ---- rows ------------------------------------------------------------------------------------- */

static void put_number(struct buf *out, uint64_t value, int bytes)
{
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        buf_add_char(out, (char)(uint8_t)(value >> shift));
}

static void put_sized(struct buf *out, struct str text)
{
    put_number(out, text.len, 4);
    buf_add_str(out, text);
}

static void hash_of(struct buf *text, uint8_t out[SEAL_HASH_SIZE])
{
    CHECK(buf_is_ok(text));
    crypto_sha256(buf_str(text), out);
}

void seal_leaf_of(struct str bytes, struct buf *text, uint8_t out[SEAL_HASH_SIZE])
{
    buf_clear(text);
    buf_add_char(text, 0x00);
    buf_add_str(text, bytes);
    hash_of(text, out);
}

void seal_leaf(const struct seal_column *columns, size_t count, struct buf *text,
               uint8_t out[SEAL_HASH_SIZE])
{
    buf_clear(text);
    buf_add_char(text, 0x00);
    buf_add(text, row_form, sizeof(row_form));
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || str_compare(columns[i - 1].name, columns[i].name) < 0);
        if (columns[i].value.at == NULL)
            continue;
        put_sized(text, columns[i].name);
        put_sized(text, columns[i].value);
    }
    hash_of(text, out);
}

/* ---- the tree --------------------------------------------------------------------------------- */

void seal_tree_init(struct seal_tree *tree)
{
    tree->count = 0;
}

static void join(const uint8_t left[SEAL_HASH_SIZE], const uint8_t right[SEAL_HASH_SIZE],
                 uint8_t out[SEAL_HASH_SIZE])
{
    char text[1 + 2 * SEAL_HASH_SIZE] = {0x01};
    memcpy(text + 1, left, SEAL_HASH_SIZE);
    memcpy(text + 1 + SEAL_HASH_SIZE, right, SEAL_HASH_SIZE);
    crypto_sha256((struct str){text, sizeof(text)}, out);
}

void seal_tree_add(struct seal_tree *tree, const uint8_t leaf[SEAL_HASH_SIZE])
{
    uint8_t node[SEAL_HASH_SIZE];
    int level = 0;
    memcpy(node, leaf, sizeof(node));
    for (; (tree->count >> level & 1) != 0; level++)
        join(tree->node[level], node, node);
    CHECK(level < SEAL_LEVEL_MAX);
    memcpy(tree->node[level], node, sizeof(node));
    tree->count++;
}

void seal_tree_root(const struct seal_tree *tree, uint8_t out[SEAL_HASH_SIZE])
{
    bool is_begun = false;
    if (tree->count == 0)
        crypto_sha256(STR_NONE, out);
    for (int level = 0; level < SEAL_LEVEL_MAX; level++) {
        if ((tree->count >> level & 1) == 0)
            continue;
        if (is_begun)
            join(tree->node[level], out, out);
        else
            memcpy(out, tree->node[level], SEAL_HASH_SIZE);
        is_begun = true;
    }
}

void seal_mark(const struct uuid *transfer_id, const uint8_t leaf[SEAL_HASH_SIZE],
               uint8_t out[SEAL_MARK_SIZE])
{
    memcpy(out, transfer_id->byte, sizeof(transfer_id->byte));
    memcpy(out + sizeof(transfer_id->byte), leaf, SEAL_MARK_LEAF_SIZE);
}

/* ---- the head --------------------------------------------------------------------------------- */

void seal_head(const struct seal *seal, uint8_t out[SEAL_HASH_SIZE])
{
    struct buf text;
    buf_init(&text, 1024);
    buf_add(&text, seal_form, sizeof(seal_form));
    buf_add(&text, seal->merchant_id.byte, sizeof(seal->merchant_id.byte));
    put_number(&text, (uint64_t)seal->number, 8);
    put_number(&text, (uint64_t)seal->previous, 8);
    put_number(&text, (uint64_t)seal->sealed_us, 8);
    buf_add(&text, seal->from_id.byte, sizeof(seal->from_id.byte));
    buf_add(&text, seal->to_id.byte, sizeof(seal->to_id.byte));
    put_number(&text, (uint64_t)seal->row_count, 8);
    put_number(&text, (uint64_t)seal->late_count, 8);
    put_number(&text, (uint64_t)seal->total, 8);
    buf_add(&text, seal->root, sizeof(seal->root));
    buf_add(&text, seal->marks_hash, sizeof(seal->marks_hash));
    buf_add(&text, seal->previous_head, sizeof(seal->previous_head));
    hash_of(&text, out);
    buf_release(&text);
}

/* What is signed is no other document that the key may sign one day. */
static struct str to_be_signed(const uint8_t head[SEAL_HASH_SIZE],
                               char text[sizeof(signed_form) + SEAL_HASH_SIZE])
{
    memcpy(text, signed_form, sizeof(signed_form));
    memcpy(text + sizeof(signed_form), head, SEAL_HASH_SIZE);
    return (struct str){text, sizeof(signed_form) + SEAL_HASH_SIZE};
}

void seal_sign(struct seal *seal, const struct seal_key *key)
{
    char text[sizeof(signed_form) + SEAL_HASH_SIZE];
    seal_head(seal, seal->head);
    crypto_ed25519_sign(key->seed, to_be_signed(seal->head, text), seal->signature);
    memcpy(seal->key_id, key->key_id, sizeof(seal->key_id));
}

bool seal_head_is_signed(const uint8_t head[SEAL_HASH_SIZE],
                         const uint8_t signature[ED25519_SIGNATURE_SIZE],
                         const uint8_t public_key[ED25519_KEY_SIZE])
{
    char text[sizeof(signed_form) + SEAL_HASH_SIZE];
    return crypto_ed25519_verify(public_key, to_be_signed(head, text), signature);
}

void seal_key_id(const uint8_t public_key[ED25519_KEY_SIZE], uint8_t out[SEAL_KEY_ID_SIZE])
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256((struct str){(const char *)public_key, ED25519_KEY_SIZE}, hash);
    memcpy(out, hash, SEAL_KEY_ID_SIZE);
}

bool seal_key_read(struct seal_key *key, const char *file, struct error *err)
{
    struct secret pem;
    uint8_t public_key[ED25519_KEY_SIZE];
    secret_init(&pem);
    bool ok = secret_read_file(&pem, file, err);
    if (ok && !crypto_ed25519_read_private(secret_expose(&pem), key->seed, err))
        ok = fail_prefix(err, "%s", file);
    secret_release(&pem);
    if (!ok)
        return false;
    crypto_ed25519_public(key->seed, public_key);
    seal_key_id(public_key, key->key_id);
    return true;
}

/* ---- judging ---------------------------------------------------------------------------------- */

static bool continues(const struct seal *next, const struct seal *before, struct error *err)
{
    if (memcmp(next->previous_head, before->head, SEAL_HASH_SIZE) != 0)
        return fail(err, ERROR_CONFLICT, "it does not continue the chain from seal %" PRId64,
                    before->number);
    if (!uuid_eq(&next->from_id, &before->to_id))
        return fail(err, ERROR_CONFLICT,
                    "its range does not begin where that of seal %" PRId64 " ends", before->number);
    if (next->total != before->total + next->row_count)
        return fail(err, ERROR_CONFLICT,
                    "the rows so far are not those of seal %" PRId64 " and its own",
                    before->number);
    return true;
}

static bool begins(const struct seal *first, struct error *err)
{
    static const uint8_t zero[SEAL_HASH_SIZE];
    bool ok = memcmp(first->previous_head, zero, SEAL_HASH_SIZE) == 0 &&
              uuid_is_zero(&first->from_id) && first->total == first->row_count;
    return ok || fail(err, ERROR_CONFLICT, "it is the first one and says that others went before");
}

bool seal_follows(const struct seal *next, const struct seal *before, struct error *err)
{
    uint8_t head[SEAL_HASH_SIZE];
    seal_head(next, head);
    if (memcmp(head, next->head, SEAL_HASH_SIZE) != 0)
        return fail(err, ERROR_CONFLICT, "it was changed: its head does not follow from the rest");
    if (next->late_count < 0 || next->row_count < next->late_count ||
        uuid_compare(&next->from_id, &next->to_id) > 0)
        return fail(err, ERROR_CONFLICT, "its counts or its range make no sense");
    if (next->previous != (before == NULL ? 0 : before->number))
        return fail(err, ERROR_CONFLICT, "seal %" PRId64 ", which goes before it, is gone",
                    next->previous);
    if (next->number <= next->previous)
        return fail(err, ERROR_CONFLICT, "its number is not above the one before");
    return before == NULL ? begins(next, err) : continues(next, before, err);
}

static struct str mark_at(struct str marks, size_t index)
{
    return str_sub(marks, index * SEAL_MARK_SIZE, SEAL_MARK_SIZE);
}

static enum seal_difference compare_part(struct str sealed, struct str found,
                                         struct uuid *transfer_id)
{
    size_t sealed_count = sealed.len / SEAL_MARK_SIZE;
    size_t found_count = found.len / SEAL_MARK_SIZE;
    for (size_t i = 0; i < sealed_count || i < found_count; i++) {
        struct str was = mark_at(sealed, i);
        struct str is = mark_at(found, i);
        if (was.len == is.len && memcmp(was.at, is.at, SEAL_MARK_SIZE) == 0)
            continue;
        int order = was.len == 0  ? 1
                    : is.len == 0 ? -1
                                  : memcmp(was.at, is.at, sizeof(transfer_id->byte));
        memcpy(transfer_id->byte, order <= 0 ? was.at : is.at, sizeof(transfer_id->byte));
        return order == 0 ? SEAL_CHANGED : order < 0 ? SEAL_MISSING : SEAL_ADDED;
    }
    return SEAL_SAME;
}

enum seal_difference seal_compare(struct str sealed, int64_t sealed_late, struct str found,
                                  int64_t found_late, struct uuid *transfer_id)
{
    size_t was = (size_t)sealed_late * SEAL_MARK_SIZE;
    size_t is = (size_t)found_late * SEAL_MARK_SIZE;
    enum seal_difference of_late =
        compare_part(str_sub(sealed, 0, was), str_sub(found, 0, is), transfer_id);
    if (of_late != SEAL_SAME)
        return of_late;
    return compare_part(str_sub(sealed, was, sealed.len), str_sub(found, is, found.len),
                        transfer_id);
}
