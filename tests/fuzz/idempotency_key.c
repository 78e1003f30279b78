/*
 * Fuzz the Idempotency-Key header. A key that is taken must be visible ASCII of 1 to 255
 * characters, mean the same when it is written as a quoted string (RFC 8941), and nothing of its
 * header may be lost on the way: two different keys never become one.
 *
 *     make fuzz FUZZ=idempotency_key
 */
#include "payment/idempotency.h"

#include <stdlib.h>
#include <string.h>

static size_t quote(struct str key, char *out)
{
    size_t len = 0;

    out[len++] = '"';
    for (size_t i = 0; i < key.len; i++) {
        if (key.at[i] == '"' || key.at[i] == '\\')
            out[len++] = '\\';
        out[len++] = key.at[i];
    }
    out[len++] = '"';
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char out[IDEMPOTENCY_KEY_MAX + 1];
    char out_again[IDEMPOTENCY_KEY_MAX + 1];
    char quoted[2 * IDEMPOTENCY_KEY_MAX + 2];
    struct str key;
    struct str again;
    struct error err = {.code = ERROR_NONE};
    char *exact = malloc(size + 1); /* its own block: reading too far is seen */

    CHECK(exact != NULL);
    memcpy(exact, data, size);
    const struct str header = {exact, size};
    if (!idempotency_key_parse(header, out, &key, &err)) {
        CHECK(err.code == ERROR_INVALID && err.text[0] != '\0');
        free(exact);
        return 0;
    }
    CHECK(key.at == out && key.len >= 1 && key.len <= IDEMPOTENCY_KEY_MAX);
    CHECK(out[key.len] == '\0');
    for (size_t i = 0; i < key.len; i++)
        CHECK(key.at[i] >= 0x20 && key.at[i] <= 0x7e);
    const struct str canonical = {quoted, quote(key, quoted)};
    CHECK(idempotency_key_parse(canonical, out_again, &again, &err));
    CHECK(str_eq(key, again));
    const struct str sent = str_trim(header);
    CHECK(sent.at[0] == '"' ? str_eq(sent, canonical) || memchr(sent.at, '\\', sent.len) != NULL
                            : str_eq(sent, key));
    free(exact);
    return 0;
}
