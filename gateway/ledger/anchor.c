#include "ledger/anchor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

enum {
    PATH_MAX_BYTES = 4096,
    PEM_BYTES_MAX = 8192,
};
static_assert(sizeof(struct anchor) == 64, "the header says what an anchor takes");

void anchors_init(struct anchors *anchors)
{
    *anchors = (struct anchors){0};
}

void anchors_release(struct anchors *anchors)
{
    free(anchors->at);
    *anchors = (struct anchors){0};
}

/* ---- lines ------------------------------------------------------------------------------------ */

static void put_hex(struct json_out *json, const char *key, const uint8_t *bytes, size_t size)
{
    struct buf text;
    buf_init(&text, 256);
    crypto_hex((struct str){(const char *)bytes, size}, &text);
    json_put_str(json, key, buf_str(&text));
    buf_release(&text);
}

void anchor_print(const struct seal *seal, int64_t now_us, struct buf *out)
{
    struct json_out json;
    struct buf signature;
    char text[CLOCK_TEXT_SIZE];
    char id[ID_TEXT_SIZE];
    buf_init(&signature, 256);
    crypto_base64((struct str){(const char *)seal->signature, sizeof(seal->signature)}, &signature);
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_str(&json, "time", clock_format_ms(now_us, text));
    json_put_str(&json, "merchant", id_format(ID_MERCHANT, &seal->merchant_id, id));
    json_put_int(&json, "seal", seal->number);
    put_hex(&json, "head", seal->head, sizeof(seal->head));
    json_put_int(&json, "rows", seal->total);
    json_put_str(&json, "signature", buf_str(&signature));
    put_hex(&json, "key", seal->key_id, sizeof(seal->key_id));
    json_end_object(&json);
    buf_add_char(out, '\n');
    buf_release(&signature);
}

static bool read_bytes(struct str text, bool is_hex, uint8_t *out, size_t size)
{
    struct buf bytes;
    buf_init(&bytes, 256);
    bool ok = is_hex ? crypto_unhex(text, &bytes) : crypto_unbase64(text, &bytes);
    ok = ok && bytes.len == size;
    if (ok)
        memcpy(out, bytes.at, size);
    buf_release(&bytes);
    return ok;
}

static bool parse(struct str line, struct anchor *anchor, uint8_t *signature, uint8_t *key_id)
{
    struct error ignored;
    json_t *json = json_parse(line, &json_limits_default, &ignored);
    bool ok = json != NULL && clock_parse(json_text(json, "time"), &anchor->made_us, &ignored) &&
              id_parse(ID_MERCHANT, json_text(json, "merchant"), &anchor->merchant_id, &ignored) &&
              json_path_int64(json, "seal", &anchor->number) && anchor->number > 0 &&
              read_bytes(json_text(json, "head"), true, anchor->head, sizeof(anchor->head)) &&
              read_bytes(json_text(json, "signature"), false, signature, ED25519_SIGNATURE_SIZE) &&
              read_bytes(json_text(json, "key"), true, key_id, SEAL_KEY_ID_SIZE);
    json_decref(json);
    return ok;
}

static struct anchor *add(struct anchors *anchors)
{
    if (anchors->count == anchors->room) {
        anchors->room = anchors->room == 0 ? 1024 : anchors->room * 2;
        anchors->at = realloc(anchors->at, anchors->room * sizeof(*anchors->at));
        CHECK(anchors->at != NULL);
    }
    return &anchors->at[anchors->count++];
}

static void take_line(struct anchors *anchors, struct str line, const struct uuid *merchant_id,
                      const struct anchor_keys *keys)
{
    struct anchor anchor;
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    uint8_t key_id[SEAL_KEY_ID_SIZE];
    if (str_trim(line).len == 0)
        return;
    if (!parse(line, &anchor, signature, key_id))
        anchors->unread++;
    else if (merchant_id != NULL && !uuid_eq(merchant_id, &anchor.merchant_id))
        return;
    else if (keys->count > 0 && !anchor_keys_verify(keys, anchor.head, signature, key_id))
        anchors->forged++;
    else
        *add(anchors) = anchor;
}

/* ---- files ------------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    const struct anchor *x = a;
    const struct anchor *y = b;
    int order = uuid_compare(&x->merchant_id, &y->merchant_id);
    if (order == 0)
        order = x->number < y->number ? -1 : x->number > y->number;
    return order != 0 ? order : x->made_us < y->made_us ? -1 : x->made_us > y->made_us;
}

bool anchors_load(struct anchors *anchors, const char *file, const struct uuid *merchant_id,
                  const struct anchor_keys *keys, bool may_be_absent, struct error *err)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len = 0;
    FILE *in = fopen(file, "re");
    if (in == NULL && may_be_absent && errno == ENOENT)
        return true;
    if (in == NULL)
        return fail(err, ERROR_IO, "cannot read the anchors in %s: %s", file, strerror(errno));
    while (anchors->count < ANCHOR_MAX && (len = getline(&line, &room, in)) > 0)
        take_line(anchors, (struct str){line, (size_t)len - (line[len - 1] == '\n')}, merchant_id,
                  keys);
    bool ok = (ferror(in) == 0 && anchors->count < ANCHOR_MAX) ||
              fail(err, ERROR_IO, "cannot read the anchors in %s: unreadable, or more than %d",
                   file, ANCHOR_MAX);
    free(line);
    (void)fclose(in);
    if (anchors->count > 0)
        qsort(anchors->at, anchors->count, sizeof(anchors->at[0]), compare);
    return ok;
}

size_t anchors_find(const struct anchors *anchors, const struct uuid *merchant_id)
{
    size_t least = 0;
    size_t most = anchors->count;
    while (least < most) {
        size_t middle = least + (most - least) / 2;
        if (uuid_compare(&anchors->at[middle].merchant_id, merchant_id) < 0)
            least = middle + 1;
        else
            most = middle;
    }
    return least;
}

void anchors_keep_newest(struct anchors *anchors)
{
    size_t count = 0;
    for (size_t i = 0; i < anchors->count; i++) {
        bool is_newest = i + 1 == anchors->count ||
                         !uuid_eq(&anchors->at[i].merchant_id, &anchors->at[i + 1].merchant_id);
        if (is_newest)
            anchors->at[count++] = anchors->at[i];
    }
    anchors->count = count;
}

/* Where a merchant's newest stands; the next merchant's place, or the end: it has none. */
static size_t find_newest(const struct anchors *anchors, const struct uuid *merchant_id)
{
    size_t at = anchors_find(anchors, merchant_id);
    while (at + 1 < anchors->count && uuid_eq(&anchors->at[at + 1].merchant_id, merchant_id))
        at++;
    return at;
}

int64_t anchors_newest(const struct anchors *anchors, const struct uuid *merchant_id)
{
    size_t at = find_newest(anchors, merchant_id);
    bool is_known = at < anchors->count && uuid_eq(&anchors->at[at].merchant_id, merchant_id);
    return is_known ? anchors->at[at].number : 0;
}

void anchors_note(struct anchors *anchors, const struct seal *seal, int64_t now_us)
{
    size_t at = find_newest(anchors, &seal->merchant_id);
    if (at == anchors->count || !uuid_eq(&anchors->at[at].merchant_id, &seal->merchant_id)) {
        (void)add(anchors);
        memmove(&anchors->at[at + 1], &anchors->at[at],
                (anchors->count - 1 - at) * sizeof(anchors->at[0]));
    }
    anchors->at[at] = (struct anchor){
        .merchant_id = seal->merchant_id, .number = seal->number, .made_us = now_us};
    memcpy(anchors->at[at].head, seal->head, sizeof(seal->head));
}

static bool write_all(int fd, struct str text)
{
    while (text.len > 0) {
        ssize_t put = write(fd, text.at, text.len);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            text = str_sub(text, (size_t)put, text.len);
    }
    return true;
}

static bool ends_within_a_line(int fd)
{
    struct stat info;
    char last = '\n';
    return fstat(fd, &info) == 0 && info.st_size > 0 &&
           pread(fd, &last, 1, info.st_size - 1) == 1 && last != '\n';
}

/* A file that was just made is there after a crash of the machine only when its folder knows it. */
static void sync_folder(const char *file)
{
    char path[PATH_MAX_BYTES];
    if (!str_copy_to(str_of(file), path, sizeof(path)))
        return;
    int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

bool anchor_append(const char *file, struct str lines, struct error *err)
{
    bool is_new = access(file, F_OK) != 0;
    int fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(err, ERROR_IO, "cannot open the anchor file %s: %s", file, strerror(errno));
    bool ok = (!ends_within_a_line(fd) || write_all(fd, STR("\n"))) && write_all(fd, lines) &&
              (fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP);
    if (!ok)
        (void)fail(err, ERROR_IO, "cannot append to the anchor file %s: %s", file, strerror(errno));
    (void)close(fd);
    if (ok && is_new)
        sync_folder(file);
    return ok;
}

/* ---- keys ------------------------------------------------------------------------------------- */

bool anchor_keys_read(struct anchor_keys *keys, const char *file, struct error *err)
{
    char pem[PEM_BYTES_MAX];
    if (keys->count == ANCHOR_KEY_MAX)
        return fail(err, ERROR_INVALID, "more than %d public keys", ANCHOR_KEY_MAX);
    FILE *in = fopen(file, "re");
    if (in == NULL)
        return fail(err, ERROR_IO, "cannot read the public key in %s: %s", file, strerror(errno));
    size_t len = fread(pem, 1, sizeof(pem), in);
    (void)fclose(in);
    uint8_t *key = keys->key[keys->count];
    if (!crypto_ed25519_read_public((struct str){pem, len}, key, err))
        return fail_prefix(err, "%s", file);
    seal_key_id(key, keys->id[keys->count++]);
    return true;
}

bool anchor_keys_verify(const struct anchor_keys *keys, const uint8_t head[SEAL_HASH_SIZE],
                        const uint8_t signature[ED25519_SIGNATURE_SIZE],
                        const uint8_t key_id[SEAL_KEY_ID_SIZE])
{
    for (size_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->id[i], key_id, SEAL_KEY_ID_SIZE) == 0 &&
            seal_head_is_signed(head, signature, keys->key[i]))
            return true;
    }
    return false;
}
