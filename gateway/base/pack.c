#include "base/pack.h"

#include <zstd.h>

#include "base/pack_dictionary.h"

enum {
    LEVEL = 1,
};

/* Made when first used, so after the fork; never given back. */
static ZSTD_CCtx *packer;
static ZSTD_CDict *packer_dictionary;
static ZSTD_DCtx *unpacker;
static ZSTD_DDict *unpacker_dictionary;

/* The byte of a dictionary, be it known here or not. */
static bool is_packed(struct str text)
{
    if (text.len == 0)
        return false;
    unsigned char first = (unsigned char)text.at[0];
    return first < ' ' && first != '\t' && first != '\n' && first != '\r';
}

void pack(struct str plain, struct buf *out)
{
    if (packer == NULL) {
        packer = ZSTD_createCCtx();
        packer_dictionary = ZSTD_createCDict(pack_dictionary_1, pack_dictionary_1_len, LEVEL);
        CHECK(packer != NULL && packer_dictionary != NULL);
    }
    CHECK(!is_packed(plain));
    size_t start = out->len;
    size_t room = ZSTD_compressBound(plain.len);
    buf_add_char(out, PACK_DICTIONARY_1);
    char *to = buf_extend(out, room);
    if (to == NULL)
        return; /* overflowed: the caller sees it */
    size_t len = ZSTD_compress_usingCDict(packer, to, room, plain.at, plain.len, packer_dictionary);
    CHECK(!ZSTD_isError(len));
    out->len = start + 1 + len;
    if (1 + len < plain.len)
        return;
    out->len = start;
    buf_add_str(out, plain);
}

bool unpack(struct str packed, size_t max, struct arena *arena, struct str *plain,
            struct error *err)
{
    if (!is_packed(packed)) {
        *plain = packed;
        return packed.len <= max ||
               fail(err, ERROR_INVALID, "the stored text is longer than %zu bytes", max);
    }
    if (packed.at[0] != PACK_DICTIONARY_1)
        return fail(err, ERROR_INVALID, "the text is packed with dictionary %d: not known here",
                    packed.at[0]);
    if (unpacker == NULL) {
        unpacker = ZSTD_createDCtx();
        unpacker_dictionary = ZSTD_createDDict(pack_dictionary_1, pack_dictionary_1_len);
        CHECK(unpacker != NULL && unpacker_dictionary != NULL);
    }
    unsigned long long len = ZSTD_getFrameContentSize(packed.at + 1, packed.len - 1);
    if (len == ZSTD_CONTENTSIZE_ERROR || len == ZSTD_CONTENTSIZE_UNKNOWN || len > max)
        return fail(err, ERROR_INVALID, "the packed text is damaged or too long");
    char *to = arena_alloc(arena, (size_t)len + 1);
    size_t got = ZSTD_decompress_usingDDict(unpacker, to, (size_t)len, packed.at + 1,
                                            packed.len - 1, unpacker_dictionary);
    if (ZSTD_isError(got) || got != len)
        return fail(err, ERROR_INVALID, "the packed text is damaged");
    *plain = (struct str){to, got};
    return true;
}
