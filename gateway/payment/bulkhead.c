#include "payment/bulkhead.h"

#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "payment/hash.h"

/* Places live while somebody sits there: their number is bounded by the payments in hand. */
struct bulkhead_place {
    size_t count;
    struct metrics_series *held; /* of an account; NULL for an origin */
    UT_hash_handle hh;
    size_t name_len;
    char name[]; /* an account's id, or an origin */
};

struct bulkhead {
    size_t account_max;
    size_t origin_max;
    struct bulkhead_place *accounts; /* owned */
    struct bulkhead_place *origins;  /* owned */
};

struct bulkhead *bulkhead_new(size_t account_max, size_t origin_max)
{
    CHECK(account_max > 0 && origin_max > 0);
    struct bulkhead *bulkhead = calloc(1, sizeof(*bulkhead));
    CHECK(bulkhead != NULL);
    bulkhead->account_max = account_max;
    bulkhead->origin_max = origin_max;
    return bulkhead;
}

void bulkhead_free(struct bulkhead **bulkhead)
{
    if (*bulkhead == NULL)
        return;
    CHECK((*bulkhead)->accounts == NULL && (*bulkhead)->origins == NULL);
    free(*bulkhead);
    *bulkhead = NULL;
}

static struct bulkhead_place *find(struct bulkhead_place *places, struct str name)
{
    struct bulkhead_place *place = NULL;
    HASH_FIND(hh, places, name.at, name.len, place);
    return place;
}

static struct str account_name(const struct provider_account *account)
{
    return (struct str){(const char *)account->account_id.byte, sizeof(account->account_id.byte)};
}

/* Without the path behind it, should the address have one. */
static struct str origin_name(const struct provider_account *account)
{
    struct str url = str_of(account->base_url);
    size_t scheme = str_find(url, STR("://"), 0);
    size_t slash = scheme == SIZE_MAX ? SIZE_MAX : str_find_char(url, '/', scheme + 3);
    return slash == SIZE_MAX ? url : str_sub(url, 0, slash);
}

static size_t count_of(struct bulkhead_place *places, struct str name)
{
    const struct bulkhead_place *place = find(places, name);
    return place != NULL ? place->count : 0;
}

bool bulkhead_is_full(const struct bulkhead *bulkhead, const struct provider_account *account)
{
    return count_of(bulkhead->accounts, account_name(account)) >= bulkhead->account_max ||
           count_of(bulkhead->origins, origin_name(account)) >= bulkhead->origin_max;
}

size_t bulkhead_count(const struct bulkhead *bulkhead, const struct provider_account *account)
{
    return count_of(bulkhead->accounts, account_name(account));
}

static struct bulkhead_place *sit_down(struct bulkhead_place **places, struct str name)
{
    struct bulkhead_place *place = find(*places, name);
    if (place == NULL) {
        place = calloc(1, sizeof(*place) + name.len);
        CHECK(place != NULL);
        place->name_len = name.len;
        memcpy(place->name, name.at, name.len);
        HASH_ADD_KEYPTR(hh, *places, place->name, place->name_len, place);
    }
    place->count++;
    return place;
}

static void stand_up(struct bulkhead_place **places, struct bulkhead_place *place)
{
    CHECK(place->count > 0);
    if (--place->count > 0)
        return;
    HASH_DEL(*places, place);
    free(place);
}

void bulkhead_take(struct bulkhead *bulkhead, const struct provider_account *account,
                   struct bulkhead_seat *seat)
{
    CHECK(seat->account == NULL && seat->origin == NULL);
    seat->account = sit_down(&bulkhead->accounts, account_name(account));
    seat->origin = sit_down(&bulkhead->origins, origin_name(account));
    if (seat->account->held == NULL) {
        struct str provider = str_of(account->provider->name);
        seat->account->held = metrics_find(METRIC_PROVIDER_IN_FLIGHT, &provider, 1);
    }
    metrics_add(seat->account->held, 1);
}

void bulkhead_give_back(struct bulkhead *bulkhead, struct bulkhead_seat *seat)
{
    if (seat->account == NULL)
        return;
    metrics_add(seat->account->held, -1);
    stand_up(&bulkhead->accounts, seat->account);
    stand_up(&bulkhead->origins, seat->origin);
    *seat = (struct bulkhead_seat){NULL, NULL};
}
