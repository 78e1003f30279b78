#include "payment/merchant.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/zone.h"

enum {
    PATH_SIZE = 512,
};

static bool is_plain_name(struct str name)
{
    return name.len > 0 && name.at[0] != '.' && str_find_char(name, '/', 0) == SIZE_MAX &&
           str_find_char(name, '\0', 0) == SIZE_MAX;
}

static bool read_secret(const struct merchants_config *config, struct str ref, struct secret *text,
                        struct error *err)
{
    char path[PATH_SIZE];
    if (str_starts(ref, STR("file:"))) {
        struct str name = str_sub(ref, 5, ref.len);
        if (!is_plain_name(name))
            return fail(err, ERROR_INVALID, "cannot read the secret: the file name must be plain");
        int len =
            snprintf(path, sizeof(path), "%s/" STR_FMT, config->secrets_folder, STR_ARG(name));
        if (len < 0 || (size_t)len >= sizeof(path))
            return fail(err, ERROR_INVALID, "cannot read the secret: the file name is too long");
        return secret_read_file(text, path, err);
    }
    if (str_starts(ref, STR("env:"))) {
        struct str name = str_sub(ref, 4, ref.len);
        if (name.len == 0 || !str_copy_to(name, path, sizeof(path)))
            return fail(err, ERROR_INVALID, "cannot read the secret: the variable's name is wrong");
        if (config->read_env == NULL || !config->read_env(config->env_ctx, path, text))
            return fail(err, ERROR_NOT_FOUND, "cannot read the secret: no such variable: %s", path);
        return true;
    }
    return fail(err, ERROR_INVALID, "cannot read the secret: use file:NAME or env:NAME");
}

/* jansson frees strings without wiping them. */
static void wipe_json_text(struct str text)
{
    if (text.len > 0)
        OPENSSL_cleanse((void *)(uintptr_t)text.at, text.len);
}

/* Optional: what its webhooks are signed with, and were until lately. */
static void take_webhook_secrets(struct provider_account *account, const json_t *json)
{
    static const char *const members[PROVIDER_WEBHOOK_SECRET_MAX] = {"webhook_secret",
                                                                     "webhook_secret_previous"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct str text = json_text(json, members[i]);
        if (text.len > 0)
            secret_set(&account->webhook_secret[i], text);
        wipe_json_text(text);
    }
}

/* {"user": "...", "password": "..."} */
static bool take_credentials(struct provider_account *account, const struct secret *text,
                             struct arena *arena, struct error *err)
{
    json_t *json = json_parse(secret_expose(text), &json_limits_default, err);
    if (json == NULL)
        return fail(err, ERROR_INVALID,
                    "cannot read the secret: not JSON of the form {\"user\",\"password\"}");
    struct str user = json_text(json, "user");
    struct str password = json_text(json, "password");
    bool is_done = user.len > 0 && password.len > 0;
    if (is_done) {
        account->user = arena_str(arena, user);
        secret_set(&account->password, password);
        take_webhook_secrets(account, json);
    }
    wipe_json_text(password);
    json_decref(json);
    return is_done ||
           fail(err, ERROR_INVALID, "cannot read the secret: user or password is missing");
}

static bool load_credentials(struct merchant_account *out, const struct merchants_config *config,
                             struct arena *arena, struct error *err)
{
    struct secret text;
    secret_init(&text);
    bool is_done = read_secret(config, out->row.secret_ref, &text, err) &&
                   take_credentials(&out->account, &text, arena, err);
    secret_release(&text);
    return is_done;
}

/* "ca_file" among the settings is ours: a path, or "system"; the rest is the adapter's. */
static bool load_settings(struct merchant_account *out, const struct merchants_config *config,
                          struct error *err)
{
    struct provider_account *account = &out->account;
    struct str text = out->row.settings_json;
    json_t *settings = json_parse(text.len > 0 ? text : STR("{}"), &json_limits_default, err);
    if (settings == NULL)
        return fail_prefix(err, "cannot read the settings");
    account->settings = settings;
    struct str ca_file = json_text(settings, "ca_file");
    if (ca_file.len == 0)
        ca_file = str_of(config->default_ca_file);
    else if (str_eq(ca_file, STR("system")))
        ca_file = STR_NONE;
    if (!str_copy_to(ca_file, account->ca_file, sizeof(account->ca_file)))
        return fail(err, ERROR_INVALID, "cannot use the settings: ca_file is too long");
    json_object_del(settings, "ca_file");
    return true;
}

static bool load_base_url(struct merchant_account *out, struct error *err)
{
    struct str url = out->row.base_url;
    while (str_ends(url, STR("/")))
        url.len--;
    if (!str_starts(url, STR("https://")) || url.len == sizeof("https://") - 1)
        return fail(err, ERROR_INVALID, "cannot use base_url: it must begin with https://");
    if (!str_copy_to(url, out->account.base_url, sizeof(out->account.base_url)))
        return fail(err, ERROR_INVALID, "cannot use base_url: it is too long");
    return true;
}

static bool load_currencies(struct merchant_account *out, struct error *err)
{
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    CHECK(count <= sizeof(out->currency_bits) * 8);
    bool lists = !str_is_empty(str_trim(out->row.currencies));
    uint64_t listed[ARRAY_LEN(out->currency_bits)] = {0};
    struct str rest = out->row.currencies;
    while (rest.len > 0) {
        struct str code = str_cut(&rest, ' ');
        const struct currency *currency = currency_find(code);
        if (code.len > 0 && currency == NULL)
            return fail(err, ERROR_INVALID, "cannot use currencies: unknown: " STR_FMT,
                        STR_ARG(code));
        if (currency != NULL) {
            size_t index = currency_index(currency);
            listed[index / 64] |= UINT64_C(1) << (index % 64);
        }
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t bit = UINT64_C(1) << (i % 64);
        if ((!lists || (listed[i / 64] & bit) != 0) &&
            provider_takes_currency(out->account.provider, &all[i]))
            out->currency_bits[i / 64] |= bit;
    }
    return true;
}

/* A month that began somewhere else would be another volume. */
static bool check_zone(const struct cost_table *table, struct error *err)
{
    struct arena arena;
    struct cost_volume volume = cost_volume(table);
    if (!volume.is_asked)
        return true;
    arena_init(&arena, (size_t)2 * ZONE_FILE_BYTES_MAX);
    bool ok = zone_load(str_of(volume.zone), &arena, err) != NULL;
    arena_release(&arena);
    return ok;
}

static bool load_fees(struct merchant_account *out, struct error *err)
{
    struct str text = str_trim(out->row.fees_json);
    if (text.len == 0 || str_eq(text, STR("{}")) || str_eq(text, STR("null")))
        return true;
    out->cost = cost_table_new(text, err);
    if (out->cost == NULL)
        return fail_prefix(err, "cannot read the fee table");
    return check_zone(out->cost, err) || fail_prefix(err, "cannot read the fee table: volume.zone");
}

static bool load_account(struct merchant_account *out, const struct merchants_config *config,
                         struct arena *arena, struct error *err)
{
    struct provider_account *account = &out->account;
    account->provider = provider_find(out->row.provider);
    if (account->provider == NULL)
        return fail(err, ERROR_INVALID, "unknown provider: " STR_FMT, STR_ARG(out->row.provider));
    if (!load_currencies(out, err) || !load_fees(out, err) || !load_base_url(out, err) ||
        !load_settings(out, config, err) || !load_credentials(out, config, arena, err))
        return false;
    const struct provider *provider = account->provider;
    return provider->check_account == NULL || provider->check_account(account, err);
}

static void copy_row(struct directory_account *row, struct arena *arena)
{
    struct str *const text[] = {&row->provider,      &row->name,      &row->base_url,
                                &row->secret_ref,    &row->fees_json, &row->currencies,
                                &row->settings_json, &row->methods,   &row->holds};
    for (size_t i = 0; i < ARRAY_LEN(text); i++)
        *text[i] = arena_str(arena, *text[i]);
}

void merchant_account_build(struct merchant_account *out, const struct directory_account *row,
                            const struct merchants_config *config, struct health *health,
                            struct arena *arena)
{
    *out = (struct merchant_account){.row = *row};
    copy_row(&out->row, arena);
    out->account.merchant_id = row->merchant_id;
    out->account.account_id = row->account_id;
    secret_init(&out->account.password);
    for (size_t i = 0; i < PROVIDER_WEBHOOK_SECRET_MAX; i++)
        secret_init(&out->account.webhook_secret[i]);
    if (health != NULL)
        out->health = health_find(health, &row->account_id);
    struct error err;
    out->usable = load_account(out, config, arena, &err);
    if (!out->usable)
        (void)str_copy_to(str_sub(str_of(err.text), 0, sizeof(out->problem) - 1), out->problem,
                          sizeof(out->problem));
}

void merchant_account_release(struct merchant_account *account)
{
    secret_release(&account->account.password);
    for (size_t i = 0; i < PROVIDER_WEBHOOK_SECRET_MAX; i++)
        secret_release(&account->account.webhook_secret[i]);
    if (account->cost != NULL)
        cost_table_free(&account->cost);
    json_decref((json_t *)(uintptr_t)account->account.settings);
    account->account.settings = NULL;
    account->usable = false;
}

bool merchant_account_takes(const struct merchant_account *account, const struct currency *currency)
{
    size_t index = currency_index(currency);
    CHECK(index < sizeof(account->currency_bits) * 8);
    return (account->currency_bits[index / 64] >> (index % 64) & 1) != 0;
}
