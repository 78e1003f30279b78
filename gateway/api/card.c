#include "api/card.h"

#include <stdio.h>

#include "api/bank.h"
#include "base/crypto.h"

enum {
    DEPTH_MAX = 64, /* more than any parsed body has */
    NAME_MAX_LEN = 40,
};

/* As they read without case, underscores, dashes and spaces. */
static const char *const code_names[] = {
    "cvv",
    "cvv2",
    "cvc",
    "cvc2",
    "csc",
    "cvn",
    "cvn2",
    "cav2",
    "securitycode",
    "cardsecuritycode",
    "cardcode",
    "cardcvv",
    "cardcvc",
    "verificationvalue",
    "cardverificationvalue",
    "cardverificationcode",
    "verificationcode",
    "track1",
    "track2",
    "track1data",
    "track2data",
    "trackdata",
    "magstripe",
    "pinblock",
};

bool card_is_code_name(struct str name)
{
    char plain[NAME_MAX_LEN + 1];
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '_' || c == '-' || c == ' ' || c == '.') {
            continue;
        }
        if (len == NAME_MAX_LEN) {
            return false;
        }
        plain[len++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    for (size_t i = 0; i < ARRAY_LEN(code_names); i++) {
        if (str_eq((struct str){plain, len}, str_of(code_names[i]))) {
            return true;
        }
    }
    return false;
}

static bool has_number(struct str text)
{
    size_t at = 0;
    size_t len = 0;
    return text.len >= 13 && crypto_find_card_number(text, &at, &len);
}

struct place { /* one container on the way down */
    json_t *container;
    void *member; /* iterator of an object */
    size_t index; /* of an array */
    size_t path_len;
};

struct search {
    struct place stack[DEPTH_MAX];
    size_t depth;
    char *path;
    size_t path_len;
};

/* Put a name behind the path; what does not fit is left out. */
static void extend_path(struct search *search, struct str name)
{
    size_t room = CARD_PATH_SIZE - search->path_len;
    int len = snprintf(search->path + search->path_len, room, "%s" STR_FMT,
                       search->path_len > 0 ? "." : "", STR_ARG(name));
    if (len < 0 || (size_t)len >= room) {
        search->path[search->path_len] = '\0';
        return;
    }
    search->path_len += (size_t)len;
}

static void enter(struct search *search, json_t *value)
{
    if (search->depth == DEPTH_MAX || !(json_is_object(value) || json_is_array(value))) {
        return;
    }
    search->stack[search->depth++] = (struct place){
        .container = value,
        .member = json_is_object(value) ? json_object_iter(value) : NULL,
        .path_len = search->path_len,
    };
}

/* The next member of the innermost container; false: there is none left. */
static bool take_next(struct place *place, struct str *name, json_t **value)
{
    if (json_is_array(place->container)) {
        *name = STR_NONE;
        *value = json_array_get(place->container, place->index++);
        return *value != NULL;
    }
    if (place->member == NULL) {
        return false;
    }
    *name =
        (struct str){json_object_iter_key(place->member), json_object_iter_key_len(place->member)};
    *value = json_object_iter_value(place->member);
    place->member = json_object_iter_next(place->container, place->member);
    return true;
}

/* The digits of a valid IBAN are an account's, whatever they look like. */
static bool is_iban(struct str name, struct str value)
{
    char plain[BANK_IBAN_MAX + 1];
    return str_eq(name, STR("iban")) && bank_iban_plain(value, plain) &&
           bank_iban_check(str_of(plain)) == BANK_OK;
}

static bool has_card_number(struct str name, const json_t *value)
{
    struct str text = {json_string_value(value), json_string_length(value)};
    return json_is_string(value) && has_number(text) && !is_iban(name, text);
}

static bool is_card_data(struct search *search, struct str name, const json_t *value)
{
    if (has_number(name)) {
        return true; /* the path stays at what holds it: the name itself is the number */
    }
    if (name.len > 0) {
        extend_path(search, name);
    }
    return card_is_code_name(name) || has_card_number(name, value);
}

bool card_find(const json_t *value, char path[CARD_PATH_SIZE])
{
    struct search search = {.path = path};
    path[0] = '\0';
    enter(&search, (json_t *)(uintptr_t)value);
    while (search.depth > 0) {
        struct place *place = &search.stack[search.depth - 1];
        struct str name;
        json_t *member;
        search.path_len = place->path_len;
        path[search.path_len] = '\0';
        if (!take_next(place, &name, &member)) {
            search.depth--;
            continue;
        }
        if (is_card_data(&search, name, member)) {
            return true;
        }
        enter(&search, member);
    }
    return false;
}
