/*
 * adapter.h - what adapters share: composing requests, reading foreign answers with suspicion.
 *
 * Everything here is pure. Two rules stand behind it. What goes into a path was checked character
 * by character, so that no token or foreign id can name another resource. And amounts are read from
 * the text of the answer, digit by digit: a number that went through a double is not an amount.
 */
#ifndef PROVIDERS_ADAPTER_H
#define PROVIDERS_ADAPTER_H

#include "providers/provider.h"

enum {
    ADAPTER_PART_MAX = 256,   /* one segment of a path, before encoding */
    ADAPTER_BODY_MAX = 16384, /* a request body */
    ADAPTER_USER_MAX = 512,   /* with the next: what fits into a Basic header */
    ADAPTER_PASSWORD_MAX = 4096,
    ADAPTER_URL_MAX = 2048, /* a link for the payer */
};

/*
 * Start a request: step, method and path; no header, no body. `path` is borrowed. ERROR_INVALID
 * when foreign ids have made it too long.
 */
bool adapter_request_init(struct provider_request *request, enum provider_step step,
                          struct str method, struct str path, struct error *err) MUST_USE;
void adapter_add_header(struct provider_request *request, struct str name, struct str value);
/* Move what was written to `body` into the request and release it; false when it did not fit. */
bool adapter_set_body(struct provider_request *request, struct buf *body, struct arena *arena,
                      struct error *err) MUST_USE;

/* Printable ASCII, not empty. */
bool adapter_is_plain(struct str s);
/* True when s may stand in a path as one segment after encoding: printable ASCII, no / \ ? # %. */
bool adapter_is_part(struct str s);
/* The segment, percent-encoded. ERROR_INVALID names `what` and does not quote the value. */
bool adapter_encode_part(struct str part, const char *what, struct arena *arena, struct str *out,
                         struct error *err) MUST_USE;
/* At most `size` bytes of s, cut between two characters of UTF-8. */
struct str adapter_clip(struct str s, size_t size);

/* The first that is not empty. */
struct str adapter_choose(struct str first, struct str second);
/* A setting of the account by name; empty when absent or no string. */
struct str adapter_setting(const struct provider_account *account, const char *name);
/* Base URL, credentials, and that each setting is a string and named in `known`. */
bool adapter_check_account(const struct provider_account *account, const char *const *known,
                           size_t known_count, struct error *err) MUST_USE;
/* "charge" or "pay out": what a refusal says could not be done. */
const char *adapter_act(const struct provider_call *call);
/* That the account takes the call's currency, and that there is an amount where one belongs. */
bool adapter_check_call(const struct provider_call *call, const char *provider_name,
                        struct error *err) MUST_USE;
/* "https://host[:port]" and nothing else. */
bool adapter_check_base_url(struct str url, struct error *err) MUST_USE;
/* True when `code` is one of the words of `codes`, or `codes` is empty. */
bool adapter_has_word(struct str codes, struct str code);

/* True when `word` (lower case) stands anywhere in text, in letters of either case. */
bool adapter_mentions(struct str text, struct str word);

/* The answer's body; NULL when it is not JSON as we accept it. The caller owns the reference. */
json_t *adapter_parse(const struct provider_answer *answer);
/* The exact text of a number or string (without quotes) at "a.b.0.c" of valid JSON; false: absent.
 */
bool adapter_raw_value(struct str json, const char *path, struct str *raw);
/* Decimal text in major units -> minor units; zeros beyond the exponent are tolerated. */
bool adapter_read_amount(struct str text, const struct currency *currency, int64_t *minor);

/* Unknown, "unreadable", nothing else: what a judgement starts from. */
void adapter_judge_init(struct provider_judgement *judgement);
void adapter_decide(struct provider_judgement *judgement, enum outcome outcome, const char *reason);
/* Keep the provider's code: letters, digits and _ . : - only, never what looks like a card number.
 */
void adapter_set_code(struct provider_judgement *judgement, struct str code);
/* A https link of at most ADAPTER_URL_MAX characters that may stand in a page as it is. */
bool adapter_is_link(struct str url);
/* Keep a https link for the payer; ignores anything else. */
void adapter_set_action(struct provider_judgement *judgement, struct str url, struct arena *arena);
/* What every provider means by 401, 429, 5xx, 1xx and 3xx; false: look closer. */
bool adapter_judge_status(struct provider_judgement *judgement, int status);
/* An OAuth 2 token answer (RFC 6749): what judge_token is for every provider that gives them. */
bool adapter_judge_token(const struct provider_answer *answer, struct secret *token,
                         int64_t *lifetime_ms, struct error *err) MUST_USE;

/* Of a decline: the card's network, where it matters how often it may be tried again (decline.h). */
void adapter_note_network(struct provider_judgement *out, struct str brand);

#endif
