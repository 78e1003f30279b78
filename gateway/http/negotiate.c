#include "http/negotiate.h"

#include <stdbool.h>

enum {
    WEIGHT_FULL = 1000,
    EXACT_PARAMETER = 4, /* how exact a range is: each parameter, ... */
    EXACT_SUBTYPE = 2,   /* ... text/csv, ... */
    EXACT_TYPE = 1,      /* ... and text with any subtype */
};

struct wish {  /* what the header says of one type */
    int exact; /* of the range that counts; -1: none takes it in */
    int weight;
    size_t place; /* in the header */
};

/* Cut at the first separator that stands in no quoted string. */
static struct str cut_outside_quotes(struct str *rest, char separator)
{
    bool is_quoted = false;
    size_t i = 0;
    for (; i < rest->len && (is_quoted || rest->at[i] != separator); i++) {
        if (is_quoted && rest->at[i] == '\\')
            i++;
        else if (rest->at[i] == '"')
            is_quoted = !is_quoted;
    }
    struct str head = str_sub(*rest, 0, i);
    *rest = str_sub(*rest, i < rest->len ? i + 1 : i, SIZE_MAX);
    return str_trim(head);
}

static struct str without_quotes(struct str value)
{
    bool is_quoted = value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"';
    return is_quoted ? str_sub(value, 1, value.len - 2) : value;
}

/* "0", "1.0", "0.125"; false: none (RFC 9110 section 12.4.2). */
static bool weight_read(struct str text, int *weight)
{
    if (text.len == 0 || text.len > 5 || (text.at[0] != '0' && text.at[0] != '1'))
        return false;
    if (text.len > 1 && text.at[1] != '.')
        return false;
    int value = text.at[0] == '1' ? WEIGHT_FULL : 0;
    int unit = WEIGHT_FULL / 10;
    for (size_t i = 2; i < text.len; i++, unit /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value += (text.at[i] - '0') * unit;
    }
    *weight = value;
    return value <= WEIGHT_FULL;
}

static bool has_parameter(struct str type, struct str name, struct str value)
{
    (void)cut_outside_quotes(&type, ';');
    while (type.len > 0) {
        struct str other = cut_outside_quotes(&type, ';');
        struct str other_name = str_cut(&other, '=');
        if (str_eq_nocase(other_name, name) &&
            str_eq_nocase(without_quotes(other), without_quotes(value)))
            return true;
    }
    return false;
}

/* How exactly the range, without its parameters, names the type; -1: it does not. */
static int range_takes(struct str range, struct str type)
{
    type = cut_outside_quotes(&type, ';');
    if (str_eq(range, STR("*/*")))
        return 0;
    if (str_eq_nocase(range, type))
        return EXACT_SUBTYPE;
    struct str main_type = str_cut(&type, '/');
    struct str range_type = str_cut(&range, '/');
    return str_eq(range, STR("*")) && str_eq_nocase(range_type, main_type) ? EXACT_TYPE : -1;
}

/* One range of the header for one type. */
static void take_range(struct str range, struct str type, size_t place, struct wish *wish)
{
    int weight = WEIGHT_FULL;
    int exact = range_takes(cut_outside_quotes(&range, ';'), type);
    if (exact < 0)
        return;
    while (range.len > 0) {
        struct str value = cut_outside_quotes(&range, ';');
        struct str name = str_cut(&value, '=');
        if (str_eq_nocase(name, STR("q"))) {
            if (!weight_read(value, &weight))
                return;
            break; /* what follows are extensions that nobody defined */
        }
        if (name.len > 0) {
            if (!has_parameter(type, name, value))
                return;
            exact += EXACT_PARAMETER;
        }
    }
    if (exact > wish->exact)
        *wish = (struct wish){.exact = exact, .weight = weight, .place = place};
}

static bool is_better(const struct wish *a, const struct wish *b)
{
    if (a->weight != b->weight)
        return a->weight > b->weight;
    if (a->exact != b->exact)
        return a->exact > b->exact;
    return a->place < b->place;
}

size_t negotiate_type(struct str header, const struct str types[], size_t count)
{
    struct wish best = {.weight = 0};
    size_t chosen = count;
    if (str_is_empty(str_trim(header)))
        return 0;
    for (size_t i = 0; i < count; i++) {
        struct wish wish = {.exact = -1};
        struct str rest = header;
        for (size_t place = 0; rest.len > 0; place++)
            take_range(cut_outside_quotes(&rest, ','), types[i], place, &wish);
        if (wish.weight > 0 && (chosen == count || is_better(&wish, &best))) {
            chosen = i;
            best = wish;
        }
    }
    return chosen;
}
