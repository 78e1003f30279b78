#include "api/field.h"

#include <string.h>

#include "base/clock.h"
#include "base/country.h"
#include "base/crypto.h"
#include "base/event_type.h"
#include "base/id.h"
#include "base/money.h"
#include "ledger/hooks.h"
#include "providers/provider.h"
#include "router/router.h"

static bool is_line(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < 0x21 || text.at[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_letter = c >= 'a' && c <= 'z';
        if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_'))) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_country(struct str text)
{
    return country_is_known(text);
}

static bool is_currency(struct str text)
{
    return currency_find(text) != NULL;
}

static bool is_provider(struct str text)
{
    return provider_find(text) != NULL;
}

/* Of an address as people write them: dots between, none doubled; any letters of any script. */
static bool is_dotted(struct str text, bool is_domain)
{
    char last = '.';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || (unsigned char)c >= 0x80;
        bool is_other = !is_domain && c > 0 && strchr("!#$%&'*+/=?^_`{|}~", c) != NULL;
        if (c == '.' ? last == '.' : !is_plain && !is_other) {
            return false;
        }
        if (is_domain && (c == '-' ? last == '.' : c == '.' && last == '-')) {
            return false;
        }
        last = c;
    }
    return last != '.' && !(is_domain && last == '-');
}

/* RFC 5321, without quotes and literals: 64 bytes before the @, behind it a name with a dot. */
static bool is_email(struct str text)
{
    size_t at = str_find_char(text, '@', 0);
    if (at == SIZE_MAX || at == 0 || at > 64) {
        return false;
    }
    struct str domain = str_sub(text, at + 1, SIZE_MAX);
    return is_dotted(str_sub(text, 0, at), false) && is_dotted(domain, true) &&
           str_find_char(domain, '.', 0) != SIZE_MAX;
}

static bool is_phone(struct str text)
{
    if (text.len < 8 || text.len > 16 || text.at[0] != '+' || text.at[1] == '0') {
        return false;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
    }
    return true;
}

static bool is_alphanumeric(struct str text, const char *also)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && (c == '\0' || strchr(also, c) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_iban(struct str text)
{
    return is_alphanumeric(text, " ");
}

static bool is_account_number(struct str text)
{
    return is_alphanumeric(text, " -/") && is_alphanumeric(str_sub(text, 0, 1), "");
}

static bool is_bic(struct str text)
{
    return is_alphanumeric(text, "");
}

static bool is_payee(struct str text)
{
    size_t count = 0;
    const struct provider *const *providers = provider_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(text, str_of(providers[i]->name)) ||
            str_eq(text, str_of(providers[i]->family))) {
            return true;
        }
    }
    return false;
}

static bool is_sha256(struct str text)
{
    struct buf digest;
    buf_init(&digest, (size_t)SHA256_SIZE * 2);
    bool ok = crypto_unbase64(text, &digest) && digest.len == SHA256_SIZE;
    buf_release(&digest);
    return ok;
}

static bool is_https(struct str text)
{
    return str_starts(text, STR("https://")) && text.len > sizeof("https://") - 1 &&
           is_token(text) && str_find_char(text, '@', 0) == SIZE_MAX &&
           str_find_char(text, '?', 0) == SIZE_MAX && str_find_char(text, '#', 0) == SIZE_MAX;
}

/* As is_https, with a query. */
static bool is_https_url(struct str text)
{
    struct str rest = text;
    struct str path = str_cut(&rest, '?');
    return is_https(path) && is_token(rest) && str_find_char(rest, '#', 0) == SIZE_MAX;
}

static bool is_secret(struct str text)
{
    struct str name = STR_NONE;
    if (str_starts(text, STR("file:"))) {
        name = str_sub(text, 5, SIZE_MAX);
    } else if (str_starts(text, STR("env:"))) {
        name = str_sub(text, 4, SIZE_MAX);
    }
    return name.len > 0 && name.at[0] != '.' && is_token(name) &&
           str_find_char(name, '/', 0) == SIZE_MAX;
}

static bool is_id(enum id_kind kind, struct str text)
{
    struct uuid id;
    struct error ignored;
    return id_parse(kind, text, &id, &ignored) && !uuid_is_zero(&id); /* zero means "none" inside */
}

static bool is_merchant_id(struct str text)
{
    return is_id(ID_MERCHANT, text);
}

static bool is_account_id(struct str text)
{
    return is_id(ID_ACCOUNT, text);
}

static bool is_payment_id(struct str text)
{
    return is_id(ID_PAYMENT, text);
}

static bool is_event_id(struct str text)
{
    return is_id(ID_EVENT, text);
}

static bool is_event_type(struct str text)
{
    return event_type_find(text) != NULL;
}

static bool is_payout_id(struct str text)
{
    return is_id(ID_PAYOUT, text);
}

static bool is_capture_id(struct str text)
{
    return is_id(ID_CAPTURE, text);
}

static bool is_batch_id(struct str text)
{
    return is_id(ID_BATCH, text);
}

static bool is_review_id(struct str text)
{
    return is_id(ID_REVIEW, text);
}

static bool is_attempt_id(struct str text)
{
    return is_id(ID_ATTEMPT, text);
}

static bool is_time(struct str text)
{
    int64_t wall_us;
    struct error ignored;
    return clock_parse(text, &wall_us, &ignored);
}

/* A known type, or the beginning of one up to a dot. */
static bool is_event_types(struct str text)
{
    size_t count = 0;
    const struct event_type *types = event_type_all(&count);
    struct str start = str_sub(text, 0, text.len > 0 ? text.len - 1 : 0);
    if (!str_ends(text, STR("*"))) {
        return event_type_find(text) != NULL;
    }
    for (size_t i = 0; i < count && str_ends(start, STR(".")); i++) {
        if (str_starts(str_of(types[i].name), start)) {
            return true;
        }
    }
    return start.len == 0;
}

static bool is_delivery_id(struct str text)
{
    struct uuid endpoint_id;
    struct uuid event_id;
    return hook_delivery_parse(text, &endpoint_id, &event_id);
}

static bool is_bin(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
    }
    return text.len >= ROUTE_BIN_DIGITS_MIN && text.len <= ROUTE_BIN_DIGITS_MAX;
}

/* clang-format off */
const struct field_form form_bin      = {"bin",      is_bin,      "^[0-9]{6,8}$", "must be the card's first 6 to 8 digits, and never more of its number"};
const struct field_form form_line     = {"line",     is_line,     NULL, "must not hold control characters"};
const struct field_form form_text     = {"text",     is_text,     NULL, "must not hold control characters but tabs and line breaks"};
const struct field_form form_token    = {"token",    is_token,    "^[!-~]+$", "must be visible ASCII without spaces"};
const struct field_form form_word     = {"word",     is_word,     "^[a-z][a-z0-9_]*$", "must be a word of lower case letters, digits and underscores"};
const struct field_form form_country  = {"country",  is_country,  "^[A-Z]{2}$", "must be an ISO 3166-1 country code, two capital letters"};
const struct field_form form_currency = {"currency", is_currency, "^[A-Z]{3}$", "must be an active ISO 4217 currency code, three capital letters"};
const struct field_form form_provider = {"provider", is_provider, "^[a-z][a-z0-9_]*$", "must be the name of a provider"};
const struct field_form form_email    = {"email",    is_email,    "^[^@ ]+@[^@ ]+$", "must be an e-mail address: name@example.com"};
const struct field_form form_https    = {"https",    is_https,    "^https://[!-~]+$", "must be an address that begins with https://, without user, query and fragment"};
const struct field_form form_https_url = {"https_url", is_https_url, "^https://[!-~]+$", "must be an address that begins with https://, without user and fragment"};
const struct field_form form_secret   = {"secret",   is_secret,   "^(file|env):[!-~]+$", "must say where the credentials are: file:NAME (in secrets_folder) or env:NAME; never the credentials themselves"};
const struct field_form form_sha256   = {"sha256",   is_sha256,   "^[0-9A-Za-z+/]{43}=$", "must be a SHA-256 in base64, 44 characters"};
const struct field_form form_merchant_id = {"merchant_id", is_merchant_id, "^mer_[0-9A-Za-z]{26}$", "must be the id of a merchant (mer_...)"};
const struct field_form form_account_id  = {"account_id",  is_account_id,  "^acc_[0-9A-Za-z]{26}$", "must be the id of an account (acc_...)"};
const struct field_form form_payment_id  = {"payment_id",  is_payment_id,  "^pay_[0-9A-Za-z]{26}$", "must be the id of a payment (pay_...)"};
const struct field_form form_event_id    = {"event_id",    is_event_id,    "^evt_[0-9A-Za-z]{26}$", "must be the id of an event (evt_...)"};
const struct field_form form_event_type  = {"event_type",  is_event_type,  "^[a-z_]+[.][a-z_.]+$", "must be a type of events, such as payment.succeeded"};
const struct field_form form_payout_id   = {"payout_id",   is_payout_id,   "^pyt_[0-9A-Za-z]{26}$", "must be the id of a payout (pyt_...)"};
const struct field_form form_capture_id  = {"capture_id",  is_capture_id,  "^cap_[0-9A-Za-z]{26}$", "must be the id of a capture (cap_...)"};
const struct field_form form_batch_id    = {"batch_id",    is_batch_id,    "^bat_[0-9A-Za-z]{26}$", "must be the id of a payout batch (bat_...)"};
const struct field_form form_review_id   = {"review_id",   is_review_id,   "^rev_[0-9A-Za-z]{26}$", "must be the id of a case in the review queue (rev_...)"};
const struct field_form form_attempt_id  = {"attempt_id",  is_attempt_id,  "^att_[0-9A-Za-z]{26}$", "must be the id of an attempt (att_...)"};
const struct field_form form_iban     = {"iban",     is_iban,     "^[0-9A-Za-z ]+$", "must be an IBAN: country, two check digits, then up to 30 letters and digits"};
const struct field_form form_account  = {"account_number", is_account_number, "^[0-9A-Za-z][0-9A-Za-z /-]*$", "must be an account number: letters, digits, spaces, - and /"};
const struct field_form form_bic      = {"bic",      is_bic,      "^[0-9A-Za-z]+$", "must be a BIC: 8 or 11 letters and digits"};
const struct field_form form_phone    = {"phone",    is_phone,    "^[+][1-9][0-9]{6,14}$", "must be a phone number as E.164 writes it: +4915112345678"};
const struct field_form form_payee    = {"payee",    is_payee,    "^[a-z][a-z0-9_]*$", "must be the name of a provider"};
const struct field_form form_event_types = {"event_types", is_event_types, "^([*]|[a-z_.]+([.][*])?)$", "must be a type of events (payment.succeeded), all that begin so (payment.*), or *"};
const struct field_form form_delivery_id = {"delivery_id", is_delivery_id, "^dlv_[0-9A-Za-z]{52}$", "must be the id of a webhook delivery (dlv_...)"};
const struct field_form form_time     = {"time",     is_time,     NULL, "must be a time as RFC 3339 writes it: 2026-11-21T10:15:30Z, or a date"};
/* clang-format on */
