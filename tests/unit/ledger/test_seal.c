#include "ledger/anchor.h"
#include "ledger/seal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Last: it has a macro called fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum {
    TREE_MAX = 300,
};

static struct buf bytes_of(const char *hex)
{
    struct buf buf;
    buf_init(&buf, 1 << 12);
    assert_true(crypto_unhex(str_of(hex), &buf));
    return buf;
}

static void assert_hash(const uint8_t hash[SEAL_HASH_SIZE], const char *hex)
{
    struct buf wanted = bytes_of(hex);
    assert_int_equal(wanted.len, SEAL_HASH_SIZE);
    assert_memory_equal(hash, wanted.at, SEAL_HASH_SIZE);
    buf_release(&wanted);
}

/* Of the reference implementation of RFC 6962: leaves, and the roots of the first 1, 2, ... */
static void roots_are_those_of_rfc_6962(void **state)
{
    (void)state;
    static const char *const leaves[][2] = {
        {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"606162636465666768696a6b6c6d6e6f",
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct seal_tree tree;
    struct buf text;
    uint8_t hash[SEAL_HASH_SIZE];
    buf_init(&text, 1 << 12);
    seal_tree_init(&tree);
    seal_tree_root(&tree, hash);
    assert_hash(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
        struct buf leaf = bytes_of(leaves[i][0]);
        seal_leaf_of(buf_str(&leaf), &text, hash);
        seal_tree_add(&tree, hash);
        seal_tree_root(&tree, hash);
        assert_hash(hash, leaves[i][1]);
        buf_release(&leaf);
    }
    buf_release(&text);
}

/* The definition of RFC 6962, 2.1, word by word. */
static void root_by_definition(const uint8_t (*leaf)[SEAL_HASH_SIZE], size_t count,
                               uint8_t out[SEAL_HASH_SIZE])
{
    char text[1 + 2 * SEAL_HASH_SIZE] = {1};
    size_t left = 1;
    if (count == 1) {
        memcpy(out, leaf[0], SEAL_HASH_SIZE);
        return;
    }
    while (left * 2 < count)
        left *= 2;
    root_by_definition(leaf, left, (uint8_t *)text + 1);
    root_by_definition(leaf + left, count - left, (uint8_t *)text + 1 + SEAL_HASH_SIZE);
    crypto_sha256((struct str){text, sizeof(text)}, out);
}

static void roots_of_all_sizes_are_those_of_the_definition(void **state)
{
    (void)state;
    static uint8_t leaf[TREE_MAX][SEAL_HASH_SIZE];
    struct seal_tree tree;
    seal_tree_init(&tree);
    for (size_t i = 0; i < TREE_MAX; i++) {
        uint8_t wanted[SEAL_HASH_SIZE];
        uint8_t got[SEAL_HASH_SIZE];
        crypto_sha256((struct str){(const char *)&i, sizeof(i)}, leaf[i]);
        seal_tree_add(&tree, leaf[i]);
        root_by_definition((const uint8_t(*)[SEAL_HASH_SIZE])leaf, i + 1, wanted);
        seal_tree_root(&tree, got);
        assert_memory_equal(got, wanted, SEAL_HASH_SIZE);
    }
}

/* The names and values of another row never read as those of this one. */
static void leaves_tell_rows_apart(void **state)
{
    (void)state;
    const struct str none = STR_NONE;
    const struct seal_column rows[][3] = {
        {{STR("a"), STR("12")}, {STR("b"), STR("3")}, {STR("c"), none}},
        {{STR("a"), STR("1")}, {STR("b"), STR("23")}, {STR("c"), none}},
        {{STR("a"), none}, {STR("b"), STR("3")}, {STR("c"), STR("12")}},
        {{STR("a"), STR("12")}, {STR("b"), STR("3")}, {STR("c"), STR("")}},
        {{STR("a"), STR("12")}, {STR("b"), STR("")}, {STR("c"), STR("3")}},
        {{STR("a"), STR("12")}, {STR("b"), none}, {STR("c"), STR("3")}},
        {{STR("a"), STR("12")}, {STR("bc"), STR("3")}, {STR("c"), none}},
    };
    uint8_t leaf[ARRAY_LEN(rows)][SEAL_HASH_SIZE];
    struct buf text;
    buf_init(&text, 1 << 12);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        seal_leaf(rows[i], 3, &text, leaf[i]);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(leaf[i], leaf[j], SEAL_HASH_SIZE);
    }
    buf_release(&text);
}

/* A column that comes with a later version is NULL in old rows. */
static void a_new_column_leaves_old_leaves_as_they_are(void **state)
{
    (void)state;
    const struct str none = STR_NONE;
    const struct seal_column before[] = {{STR("a"), STR("1")}, {STR("c"), STR("2")}};
    const struct seal_column after[] = {
        {STR("a"), STR("1")}, {STR("b"), none}, {STR("c"), STR("2")}};
    uint8_t leaf[2][SEAL_HASH_SIZE];
    struct buf text;
    buf_init(&text, 1 << 12);
    seal_leaf(before, 2, &text, leaf[0]);
    seal_leaf(after, 3, &text, leaf[1]);
    assert_memory_equal(leaf[0], leaf[1], SEAL_HASH_SIZE);
    buf_release(&text);
}

/* ---- chains ------------------------------------------------------------------------------------ */

static struct seal_key key_of(char c)
{
    struct seal_key key;
    uint8_t public_key[ED25519_KEY_SIZE];
    memset(key.seed, c, sizeof(key.seed));
    crypto_ed25519_public(key.seed, public_key);
    seal_key_id(public_key, key.key_id);
    return key;
}

static void make_chain(struct seal *seal, size_t count)
{
    struct seal_key key = key_of('k');
    for (size_t i = 0; i < count; i++) {
        seal[i] = (struct seal){.number = (int64_t)i + 1,
                                .previous = (int64_t)i,
                                .sealed_us = 1000 + (int64_t)i,
                                .row_count = 3,
                                .late_count = i > 0 ? 1 : 0,
                                .total = 3 * ((int64_t)i + 1)};
        seal[i].merchant_id.byte[0] = 7;
        seal[i].to_id.byte[0] = (uint8_t)(10 * (i + 1));
        memset(seal[i].root, (int)i, sizeof(seal[i].root));
        if (i > 0) {
            seal[i].from_id = seal[i - 1].to_id;
            memcpy(seal[i].previous_head, seal[i - 1].head, SEAL_HASH_SIZE);
        }
        seal_sign(&seal[i], &key);
    }
}

static bool holds(const struct seal *seal, size_t count)
{
    struct error err;
    bool ok = true;
    for (size_t i = 0; i < count; i++)
        ok = ok && seal_follows(&seal[i], i == 0 ? NULL : &seal[i - 1], &err);
    return ok;
}

static void every_bit_of_a_seal_is_covered_by_its_head(void **state)
{
    (void)state;
    struct seal seal[3];
    make_chain(seal, 3);
    assert_true(holds(seal, 3));
    size_t covered = offsetof(struct seal, signature);
    for (size_t bit = 0; bit < covered * 8; bit++) {
        size_t at = bit / 8;
        ((uint8_t *)&seal[1])[at] ^= (uint8_t)(1U << bit % 8);
        assert_false(holds(seal, 3));
        ((uint8_t *)&seal[1])[at] ^= (uint8_t)(1U << bit % 8);
    }
    assert_true(holds(seal, 3));
}

static void a_seal_that_is_made_anew_breaks_the_chain_behind_it(void **state)
{
    (void)state;
    struct seal seal[3];
    struct seal_key key = key_of('k');
    make_chain(seal, 3);
    seal[1].root[5] ^= 1;
    seal_sign(&seal[1], &key);
    assert_true(holds(seal, 2));
    assert_false(holds(seal, 3));
}

static void a_seal_that_is_gone_is_missed(void **state)
{
    (void)state;
    struct seal seal[3];
    struct error err;
    make_chain(seal, 3);
    assert_false(seal_follows(&seal[1], NULL, &err));
    assert_false(seal_follows(&seal[2], &seal[0], &err));
    assert_false(seal_follows(&seal[0], &seal[0], &err));
}

static void only_the_key_signs(void **state)
{
    (void)state;
    struct seal seal[1];
    struct seal_key other = key_of('o');
    uint8_t public_key[ED25519_KEY_SIZE];
    make_chain(seal, 1);
    crypto_ed25519_public(key_of('k').seed, public_key);
    assert_true(seal_head_is_signed(seal->head, seal->signature, public_key));
    seal->head[0] ^= 1;
    assert_false(seal_head_is_signed(seal->head, seal->signature, public_key));
    seal_sign(seal, &other);
    assert_false(seal_head_is_signed(seal->head, seal->signature, public_key));
}

/* ---- the list of rows -------------------------------------------------------------------------- */

static struct str list_of(const char *ids, char *out)
{
    size_t count = strlen(ids);
    memset(out, 0, count * SEAL_MARK_SIZE);
    for (size_t i = 0; i < count; i++) /* an upper-case letter is the same row with another leaf */
        memset(out + i * SEAL_MARK_SIZE, ids[i] | 0x20, 16), out[i * SEAL_MARK_SIZE + 20] = ids[i];
    return (struct str){out, count * SEAL_MARK_SIZE};
}

static void the_first_difference_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *sealed, *found;
        int64_t sealed_late, found_late;
        enum seal_difference difference;
        char id;
    } cases[] = {
        {"abc", "abc", 0, 0, SEAL_SAME, 0},      {"abc", "aBc", 0, 0, SEAL_CHANGED, 'b'},
        {"abc", "ac", 0, 0, SEAL_MISSING, 'b'},  {"abc", "ab", 0, 0, SEAL_MISSING, 'c'},
        {"abc", "", 0, 0, SEAL_MISSING, 'a'},    {"acd", "abcd", 0, 0, SEAL_ADDED, 'b'},
        {"abc", "abcd", 0, 0, SEAL_ADDED, 'd'},  {"", "a", 0, 0, SEAL_ADDED, 'a'},
        {"cab", "cab", 1, 1, SEAL_SAME, 0},      {"cab", "ab", 1, 0, SEAL_MISSING, 'c'},
        {"cab", "cdab", 1, 2, SEAL_ADDED, 'd'},  {"ab", "cab", 0, 1, SEAL_ADDED, 'c'},
        {"cab", "abc", 1, 0, SEAL_MISSING, 'c'},
    };
    char sealed[8 * SEAL_MARK_SIZE];
    char found[8 * SEAL_MARK_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct uuid id = {{0}};
        enum seal_difference got =
            seal_compare(list_of(cases[i].sealed, sealed), cases[i].sealed_late,
                         list_of(cases[i].found, found), cases[i].found_late, &id);
        assert_int_equal(got, cases[i].difference);
        assert_int_equal(id.byte[0], cases[i].id);
    }
}

/* ---- anchors ----------------------------------------------------------------------------------- */

static char folder[] = "/tmp/turnpike-anchors-XXXXXX";
static char file[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof(file), "%s/anchors", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(file);
    return rmdir(folder);
}

static void append(const struct seal *seal)
{
    struct buf line;
    struct error err;
    buf_init(&line, 4096);
    anchor_print(seal, 1700000000123456, &line);
    assert_true(line.len < ANCHOR_LINE_MAX);
    assert_true(anchor_append(file, buf_str(&line), &err));
    buf_release(&line);
}

static void append_bytes(const char *text)
{
    int fd = open(file, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void anchors_are_read_as_they_were_written(void **state)
{
    (void)state;
    static const struct anchor_keys no_keys;
    struct seal seal[4];
    struct anchors anchors;
    struct error err;
    struct stat info;
    make_chain(seal, 4);
    seal[3].merchant_id.byte[0] = 3;
    append(&seal[1]);
    append_bytes("{\"time\":\"2026-11-"); /* a crash */
    append(&seal[0]);
    append_bytes("\nno anchor\n{}\n");
    append(&seal[3]);
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    anchors_init(&anchors);
    assert_true(anchors_load(&anchors, file, NULL, &no_keys, false, &err));
    assert_int_equal(anchors.count, 3);
    assert_int_equal(anchors.unread, 3);
    assert_int_equal(anchors_find(&anchors, &seal[0].merchant_id), 1);
    assert_int_equal(anchors.at[1].number, 1);
    assert_int_equal(anchors.at[2].number, 2);
    assert_int_equal(anchors.at[2].made_us, 1700000000123000);
    assert_memory_equal(anchors.at[2].head, seal[1].head, SEAL_HASH_SIZE);
    anchors_keep_newest(&anchors);
    assert_int_equal(anchors.count, 2);
    assert_int_equal(anchors_newest(&anchors, &seal[0].merchant_id), 2);
    anchors_note(&anchors, &seal[2], 5);
    assert_int_equal(anchors.count, 2);
    assert_int_equal(anchors_newest(&anchors, &seal[0].merchant_id), 3);
    seal[0].merchant_id.byte[0] = 5;
    assert_int_equal(anchors_newest(&anchors, &seal[0].merchant_id), 0);
    anchors_note(&anchors, &seal[0], 5);
    assert_int_equal(anchors_newest(&anchors, &seal[0].merchant_id), 1);
    assert_int_equal(anchors_newest(&anchors, &seal[1].merchant_id), 3);
    anchors_release(&anchors);
}

static void anchors_that_the_key_has_not_signed_are_counted(void **state)
{
    (void)state;
    struct anchor_keys keys = {.count = 1};
    struct seal_key other = key_of('o');
    struct seal seal[2];
    struct anchors anchors;
    struct error err;
    crypto_ed25519_public(key_of('k').seed, keys.key[0]);
    seal_key_id(keys.key[0], keys.id[0]);
    (void)unlink(file);
    make_chain(seal, 2);
    append(&seal[0]);
    seal_sign(&seal[1], &other);
    append(&seal[1]);
    anchors_init(&anchors);
    assert_true(anchors_load(&anchors, file, NULL, &keys, false, &err));
    assert_int_equal(anchors.count, 1);
    assert_int_equal(anchors.forged, 1);
    assert_false(anchors_load(&anchors, "/nowhere/anchors", NULL, &keys, false, &err));
    assert_true(anchors_load(&anchors, "/nowhere/anchors", NULL, &keys, true, &err));
    anchors_release(&anchors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_those_of_rfc_6962),
        cmocka_unit_test(roots_of_all_sizes_are_those_of_the_definition),
        cmocka_unit_test(leaves_tell_rows_apart),
        cmocka_unit_test(a_new_column_leaves_old_leaves_as_they_are),
        cmocka_unit_test(every_bit_of_a_seal_is_covered_by_its_head),
        cmocka_unit_test(a_seal_that_is_made_anew_breaks_the_chain_behind_it),
        cmocka_unit_test(a_seal_that_is_gone_is_missed),
        cmocka_unit_test(only_the_key_signs),
        cmocka_unit_test(the_first_difference_is_named),
        cmocka_unit_test(anchors_are_read_as_they_were_written),
        cmocka_unit_test(anchors_that_the_key_has_not_signed_are_counted),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
