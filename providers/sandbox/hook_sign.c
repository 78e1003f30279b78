#include "providers/sandbox/hook_sign.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

enum {
    KEY_BITS = 2048,
    LIFE_DAYS = 30,
    URL_BYTES_MAX = 8192,
    SIGNED_BYTES_MAX = 4 * URL_BYTES_MAX,
};

#define CRC_POLYNOMIAL_REVERSED 0xEDB88320U

/* ---- the pieces ------------------------------------------------------------------------------ */

uint32_t hook_crc32(struct str data)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < data.len; i++) {
        crc ^= (uint8_t)data.at[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? CRC_POLYNOMIAL_REVERSED : 0);
        }
    }
    return ~crc;
}

static bool stands_for_itself(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

void hook_form_encode(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (stands_for_itself(text.at[i])) {
            buf_add_char(out, text.at[i]);
        } else if (text.at[i] == ' ') {
            buf_add_char(out, '+');
        } else {
            buf_printf(out, "%%%02x", (unsigned)(uint8_t)text.at[i]);
        }
    }
}

static void lower(struct buf *text, size_t from)
{
    for (size_t i = from; i < text->len; i++) {
        if (text->at[i] >= 'A' && text->at[i] <= 'Z') {
            text->at[i] = (char)(text->at[i] - 'A' + 'a');
        }
    }
}

static int compare_parts(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* The address in lower case, the parts of its query in order. */
static void add_sorted_url(struct str url, struct buf *out)
{
    struct str parts[64] = {STR_NONE};
    struct buf text;
    size_t count = 0;
    buf_init(&text, URL_BYTES_MAX);
    buf_add_str(&text, url);
    lower(&text, 0);
    struct str query = buf_str(&text);
    buf_add_str(out, str_cut(&query, '?'));
    while (query.len > 0 && count < ARRAY_LEN(parts)) {
        parts[count++] = str_cut(&query, '&');
    }
    qsort(parts, count, sizeof(parts[0]), compare_parts);
    for (size_t i = 0; i < count; i++) {
        buf_add_char(out, i == 0 ? '?' : '&');
        buf_add_str(out, parts[i]);
    }
    buf_release(&text);
}

/* ---- signatures ------------------------------------------------------------------------------ */

void hook_sign_payoneer(struct str secret, struct str sender, struct str url, struct str nonce,
                        int64_t timestamp_s, struct str body, struct buf *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    uint8_t mac[SHA256_SIZE];
    unsigned digest_size = 0;
    struct buf sorted;
    struct buf text;
    buf_init(&sorted, URL_BYTES_MAX);
    buf_init(&text, SIGNED_BYTES_MAX);
    add_sorted_url(url, &sorted);
    buf_printf(&text, STR_FMT "POST", STR_ARG(sender));
    size_t from = text.len;
    hook_form_encode(buf_str(&sorted), &text);
    lower(&text, from);
    buf_printf(&text, "%lld" STR_FMT, (long long)timestamp_s, STR_ARG(nonce));
    CHECK(EVP_Digest(body.at, body.len, digest, &digest_size, EVP_md5(), NULL) == 1);
    crypto_base64((struct str){(const char *)digest, digest_size}, &text);
    crypto_hmac_sha256(secret, buf_str(&text), mac);
    buf_printf(out, "hmacauth " STR_FMT ":", STR_ARG(sender));
    crypto_base64((struct str){(const char *)mac, sizeof(mac)}, out);
    buf_printf(out, ":" STR_FMT ":%lld", STR_ARG(nonce), (long long)timestamp_s);
    buf_release(&text);
    buf_release(&sorted);
}

void hook_sign_paypal(const struct hook_signer *signer, struct str transmission_id,
                      struct str transmission_time, struct str webhook_id, struct str body,
                      struct buf *out)
{
    uint8_t signature[1024];
    size_t size = sizeof(signature);
    struct buf text;
    buf_init(&text, 1024);
    buf_printf(&text, STR_FMT "|" STR_FMT "|" STR_FMT "|%lu", STR_ARG(transmission_id),
               STR_ARG(transmission_time), STR_ARG(webhook_id), (unsigned long)hook_crc32(body));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    CHECK(ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, signer->key) == 1);
    CHECK(EVP_DigestSign(ctx, signature, &size, (const uint8_t *)text.at, text.len) == 1);
    EVP_MD_CTX_free(ctx);
    crypto_base64((struct str){(const char *)signature, size}, out);
    buf_release(&text);
}

/* ---- the key pair ---------------------------------------------------------------------------- */

static void set_name(struct hook_signer *signer)
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(buf_str(&signer->chain), hash);
    (void)snprintf(signer->name, sizeof(signer->name), "CERT-%02x%02x%02x%02x-%02x%02x%02x%02x",
                   hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]);
}

static bool read_chain(struct hook_signer *signer, const char *file, struct error *err)
{
    char block[4096];
    size_t got = 0;
    FILE *in = fopen(file, "re");
    if (!in) {
        return fail(err, ERROR_IO, "cannot read the certificate of webhooks %s", file);
    }
    while ((got = fread(block, 1, sizeof(block), in)) > 0) {
        buf_add(&signer->chain, block, got);
    }
    (void)fclose(in);
    return buf_is_ok(&signer->chain) ||
           fail(err, ERROR_INVALID, "the certificate of webhooks %s is too large", file);
}

bool hook_signer_open(struct hook_signer *signer, const char *certificate_file,
                      const char *key_file, struct error *err)
{
    memset(signer, 0, sizeof(*signer));
    buf_init(&signer->chain, HOOK_CERTIFICATE_BYTES_MAX);
    FILE *in = fopen(key_file, "re");
    signer->key = in ? PEM_read_PrivateKey(in, NULL, NULL, NULL) : NULL;
    if (in) {
        (void)fclose(in);
    }
    if (!signer->key || EVP_PKEY_get_base_id(signer->key) != EVP_PKEY_RSA) {
        hook_signer_release(signer);
        return fail(err, ERROR_INVALID, "the key of webhooks %s is no readable RSA key", key_file);
    }
    if (!read_chain(signer, certificate_file, err)) {
        hook_signer_release(signer);
        return false;
    }
    set_name(signer);
    return true;
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    CHECK(extension && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: it signs itself. */
static X509 *make_certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key,
                              int64_t now_us)
{
    X509 *made = X509_new();
    CHECK(made);
    X509_NAME *subject = X509_get_subject_name(made);
    CHECK(X509_set_version(made, X509_VERSION_3) == 1);
    CHECK(ASN1_INTEGER_set_int64(X509_get_serialNumber(made), now_us) == 1);
    CHECK(ASN1_TIME_set(X509_getm_notBefore(made), (time_t)(now_us / 1000000 - 86400)));
    CHECK(ASN1_TIME_set(X509_getm_notAfter(made),
                        (time_t)(now_us / 1000000 + LIFE_DAYS * INT64_C(86400))));
    CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1,
                                     0) == 1);
    CHECK(X509_set_issuer_name(made, issuer ? X509_get_subject_name(issuer) : subject) == 1);
    CHECK(X509_set_pubkey(made, key) == 1);
    add_extension(made, issuer ? issuer : made, NID_basic_constraints,
                  issuer ? "critical,CA:FALSE" : "critical,CA:TRUE,pathlen:0");
    add_extension(made, issuer ? issuer : made, NID_key_usage,
                  issuer ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
    if (issuer) {
        add_extension(made, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    }
    CHECK(X509_sign(made, issuer_key, EVP_sha256()) > 0);
    return made;
}

static void add_pem(struct hook_signer *signer, X509 *certificate)
{
    char *text = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    CHECK(out && PEM_write_bio_X509(out, certificate) == 1);
    long len = BIO_get_mem_data(out, &text);
    buf_add(&signer->chain, text, (size_t)len);
    BIO_free(out);
}

void hook_signer_make(struct hook_signer *signer, int64_t now_us)
{
    memset(signer, 0, sizeof(*signer));
    buf_init(&signer->chain, HOOK_CERTIFICATE_BYTES_MAX);
    EVP_PKEY *root_key = EVP_EC_gen("P-256");
    signer->key = EVP_RSA_gen(KEY_BITS);
    CHECK(root_key && signer->key);
    X509 *root = make_certificate(root_key, "Turnpike sandbox CA", NULL, root_key, now_us);
    X509 *leaf = make_certificate(signer->key, "messageverificationcerts.sandbox", root, root_key,
                                  now_us + 1);
    add_pem(signer, leaf);
    add_pem(signer, root);
    X509_free(leaf);
    X509_free(root);
    EVP_PKEY_free(root_key);
    set_name(signer);
}

void hook_signer_release(struct hook_signer *signer)
{
    EVP_PKEY_free(signer->key);
    buf_release(&signer->chain);
    memset(signer, 0, sizeof(*signer));
}
