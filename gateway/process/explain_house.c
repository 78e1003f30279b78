#include "process/explain_house.h"

#include "payment/replay.h"

enum {
    ARENA_BYTES_MAX = 64 << 20,
    FEES_BYTES_MAX = 1 << 20,
};

/* Nothing is sent with it; building an account wants some. */
static bool read_env(void *ctx UNUSED, const char *name UNUSED, struct secret *value)
{
    secret_set(value, STR("{\"user\":\"nobody\",\"password\":\"none\"}"));
    return true;
}

void explain_house_init(struct explain_house *house)
{
    *house = (struct explain_house){.merchant.name = STR("explained")};
    arena_init(&house->arena, ARENA_BYTES_MAX);
}

void explain_house_release(struct explain_house *house)
{
    for (size_t i = 0; i < house->merchant.account_count; i++) {
        merchant_account_release(&house->merchant.account[i]);
    }
    arena_release(&house->arena);
}

static struct str words_of(const json_t *list, struct arena *arena)
{
    struct str words = STR_NONE;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        words = arena_printf(arena, STR_FMT "%s%s", STR_ARG(words), i > 0 ? " " : "",
                             word != NULL ? word : "");
    }
    return words;
}

static struct str fees_of(const json_t *fees, struct arena *arena)
{
    struct buf text;
    buf_init(&text, FEES_BYTES_MAX);
    struct str kept = json_is_object(fees) && json_canonical(fees, &text)
                          ? arena_str(arena, buf_str(&text))
                          : STR_NONE;
    buf_release(&text);
    return kept;
}

static bool add_account(struct explain_house *house, const struct directory_account *row,
                        struct error *err)
{
    static const struct merchants_config config = {
        .secrets_folder = "", .default_ca_file = "", .read_env = read_env};
    struct merchant_account *account = &house->merchant.account[house->merchant.account_count];
    merchant_account_build(account, row, &config, NULL, &house->arena);
    house->merchant.account_count++;
    bool has_fees = row->fees_json.len > 0 && !str_eq(row->fees_json, STR("{}"));
    if (account->account.provider == NULL || (has_fees && account->cost == NULL)) {
        return fail(err, ERROR_INVALID, "routes: account " STR_FMT ":" STR_FMT ": %s",
                    STR_ARG(row->provider), STR_ARG(row->name), account->problem);
    }
    account->usable = true; /* whatever its settings lack: it is not called */
    return true;
}

void explain_house_fill(struct explain_house *house)
{
    size_t count = 0;
    const struct provider *const *all = provider_all(&count);
    for (size_t i = 0; i < count && i < MERCHANT_ACCOUNT_MAX; i++) {
        const struct directory_account row = {
            .account_id = uuid_new(),
            .provider = str_of(all[i]->name),
            .name = STR("main"),
            .base_url = STR("https://nowhere.invalid"),
            .secret_ref = STR("env:NONE"),
        };
        struct error err;
        replay_read_health(NULL, &house->told[i]);
        CHECK(add_account(house, &row, &err)); /* a provider that is compiled in */
    }
}

static bool read_account(struct explain_house *house, const json_t *from, struct error *err)
{
    struct arena *arena = &house->arena;
    struct str name = json_text(from, "name");
    struct directory_account row = {
        .account_id = uuid_new(),
        .provider = arena_str(arena, json_text(from, "provider")),
        .name = arena_str(arena, name.len > 0 ? name : json_text(from, "account")),
        .base_url = STR("https://nowhere.invalid"),
        .secret_ref = STR("env:NONE"),
        .fees_json = fees_of(json_object_get(from, "fees"), arena),
        .currencies = words_of(json_object_get(from, "currencies"), arena),
        .methods = words_of(json_object_get(from, "methods"), arena),
        .amount_max_minor = json_integer_value(json_object_get(from, "amount_max")),
        .disabled = json_is_true(json_object_get(from, "disabled")),
    };
    if (row.provider.len == 0 || row.name.len == 0) {
        return fail(err, ERROR_INVALID, "routes: an account needs a provider and a name");
    }
    replay_read_health(json_object_get(from, "health"),
                       &house->told[house->merchant.account_count]);
    return add_account(house, &row, err);
}

bool explain_house_read(struct explain_house *house, const json_t *list, struct error *err)
{
    if (json_is_object(list)) {
        list = json_object_get(list, "data");
    }
    if (!json_is_array(list) || json_array_size(list) > MERCHANT_ACCOUNT_MAX) {
        return fail(err, ERROR_INVALID, "routes: accounts are a list of at most %d objects",
                    MERCHANT_ACCOUNT_MAX);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_account(house, json_array_get(list, i), err)) {
            return false;
        }
    }
    return true;
}
