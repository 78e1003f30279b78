#include "providers/sandbox/books_journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "providers/sandbox/payout_plan.h"

#define ENTRY(member)         offsetof(struct book_entry, member)
#define SESSION(member)       offsetof(struct book_session, member)
#define UNIT(member)          offsetof(struct book_unit, member)
#define KEY(member)           offsetof(struct book_key, member)
#define HOOK(member)          offsetof(struct book_hook, member)
#define NAMES(names_, count_) .names = (names_), .name_count = (count_)

/* clang-format off */
const struct record_field book_entry_fields[] = {
    {"seq",       RECORD_INT,      ENTRY(seq),            .names = NULL},
    {"id",        RECORD_STR,      ENTRY(id),             .names = NULL},
    {"provider",  RECORD_NAME,     ENTRY(provider),       NAMES(sandbox_provider_names, SANDBOX_PROVIDER_COUNT)},
    {"account",   RECORD_STR,      ENTRY(account),        .names = NULL},
    {"kind",      RECORD_NAME,     ENTRY(kind),           NAMES(book_kind_names, BOOK_KIND_COUNT)},
    {"state",     RECORD_NAME,     ENTRY(state),          NAMES(book_state_names, BOOK_STATE_COUNT)},
    {"code",      RECORD_STR,      ENTRY(code),           .names = NULL},
    {"reference", RECORD_STR,      ENTRY(reference),      .names = NULL},
    {"invoice",   RECORD_STR,      ENTRY(invoice),        .names = NULL},
    {"parent",    RECORD_STR,      ENTRY(parent),         .names = NULL},
    {"session",   RECORD_STR,      ENTRY(session),        .names = NULL},
    {"unit",      RECORD_INT,      ENTRY(unit),           .names = NULL},
    {"amount",    RECORD_INT,      ENTRY(amount_minor),   .names = NULL},
    {"currency",  RECORD_CURRENCY, ENTRY(currency),       .names = NULL},
    {"fee",       RECORD_INT,      ENTRY(fee_minor),      .names = NULL},
    {"captured",  RECORD_INT,      ENTRY(captured_minor), .names = NULL},
    {"refunded",  RECORD_INT,      ENTRY(refunded_minor), .names = NULL},
    {"final",     RECORD_BOOL,     ENTRY(final),          .names = NULL},
    {"time",      RECORD_TIME,     ENTRY(created_us),     .names = NULL},
    {"updated",   RECORD_TIME,     ENTRY(updated_us),     .names = NULL},
    {"key",       RECORD_STR,      ENTRY(key),            .names = NULL},
    {"requests",  RECORD_INT,      ENTRY(request_count),  .names = NULL},
    {"note",      RECORD_STR,      ENTRY(note),           .names = NULL},
    {"receiver",  RECORD_STR,      ENTRY(receiver),       .names = NULL},
    {"receiver_type", RECORD_STR,  ENTRY(receiver_type),  .names = NULL},
    {"wallet",    RECORD_STR,      ENTRY(wallet),         .names = NULL},
    {"purpose",   RECORD_STR,      ENTRY(purpose),        .names = NULL},
    {"plan",      RECORD_NAME,     ENTRY(plan),           NAMES(payout_plan_names, PAYOUT_PLAN_COUNT)},
    {"step",      RECORD_INT,      ENTRY(step),           .names = NULL},
    {"due",       RECORD_TIME,     ENTRY(due_us),         .names = NULL},
    {"reason",    RECORD_STR,      ENTRY(reason),         .names = NULL},
};
const size_t book_entry_field_count = ARRAY_LEN(book_entry_fields);

static const struct record_field session_fields[] = {
    {"id",          RECORD_STR,  SESSION(id),          .names = NULL},
    {"provider",    RECORD_NAME, SESSION(provider),    NAMES(sandbox_provider_names, SANDBOX_PROVIDER_COUNT)},
    {"account",     RECORD_STR,  SESSION(account),     .names = NULL},
    {"state",       RECORD_NAME, SESSION(state),       NAMES(session_state_names, SESSION_STATE_COUNT)},
    {"authorize",   RECORD_BOOL, SESSION(authorize),   .names = NULL},
    {"payout",      RECORD_BOOL, SESSION(payout),      .names = NULL},
    {"source",      RECORD_NAME, SESSION(source),      NAMES(source_kind_names, SOURCE_KIND_COUNT)},
    {"token",       RECORD_STR,  SESSION(token),       .names = NULL},
    {"name",        RECORD_STR,  SESSION(name),        .names = NULL},
    {"digits",      RECORD_STR,  SESSION(digits),      .names = NULL},
    {"brand",       RECORD_STR,  SESSION(brand),       .names = NULL},
    {"expiry",      RECORD_STR,  SESSION(expiry),      .names = NULL},
    {"email",       RECORD_STR,  SESSION(email),       .names = NULL},
    {"return_url",  RECORD_STR,  SESSION(return_url),  .names = NULL},
    {"cancel_url",  RECORD_STR,  SESSION(cancel_url),  .names = NULL},
    {"reference",   RECORD_STR,  SESSION(reference),   .names = NULL},
    {"integration", RECORD_STR,  SESSION(integration), .names = NULL},
    {"country",     RECORD_STR,  SESSION(country),     .names = NULL},
    {"used_by",     RECORD_STR,  SESSION(used_by),     .names = NULL},
    {"notification_url", RECORD_STR, SESSION(notification_url), .names = NULL},
    {"created",     RECORD_TIME, SESSION(created_us),  .names = NULL},
    {"updated",     RECORD_TIME, SESSION(updated_us),  .names = NULL},
    {"due",         RECORD_TIME, SESSION(due_us),      .names = NULL},
};

static const struct record_field unit_fields[] = {
    {"reference_id",    RECORD_STR,      UNIT(reference_id),    .names = NULL},
    {"custom_id",       RECORD_STR,      UNIT(custom_id),       .names = NULL},
    {"invoice_id",      RECORD_STR,      UNIT(invoice_id),      .names = NULL},
    {"soft_descriptor", RECORD_STR,      UNIT(soft_descriptor), .names = NULL},
    {"amount",          RECORD_INT,      UNIT(amount_minor),    .names = NULL},
    {"currency",        RECORD_CURRENCY, UNIT(currency),        .names = NULL},
    {"json",            RECORD_STR,      UNIT(json),            .names = NULL},
};

static const struct record_field key_fields[] = {
    {"name",   RECORD_STR,  KEY(name),   .names = NULL},
    {"object", RECORD_STR,  KEY(object), .names = NULL},
    {"at",     RECORD_TIME, KEY(at_us),  .names = NULL},
};

static const struct record_field hook_fields[] = {
    {"id",       RECORD_STR,  HOOK(id),         .names = NULL},
    {"provider", RECORD_NAME, HOOK(provider),   NAMES(sandbox_provider_names, SANDBOX_PROVIDER_COUNT)},
    {"whole",    RECORD_BOOL, HOOK(is_whole),   .names = NULL},
    {"account",  RECORD_STR,  HOOK(account),    .names = NULL},
    {"url",      RECORD_STR,  HOOK(url),        .names = NULL},
    {"secret",   RECORD_STR,  HOOK(secret),     .names = NULL},
    {"events",   RECORD_STR,  HOOK(events),     .names = NULL},
    {"ca",       RECORD_STR,  HOOK(ca),         .names = NULL},
    {"created",  RECORD_TIME, HOOK(created_us), .names = NULL},
    {"removed",  RECORD_BOOL, HOOK(removed),    .names = NULL},
};
/* clang-format on */

static const struct json_limits journal_limits = {
    .depth_max = 16, .member_count_max = 4 << 20, .string_bytes_max = 262144};

/* ---- replay ---------------------------------------------------------------------------------- */

static void replay_session(struct books *books, const json_t *object)
{
    const json_t *units = json_object_get(object, "units");
    size_t count = json_array_size(units);
    struct book_session *session = books_find_session(books, json_text(object, "id"));
    bool known = session != NULL;
    if (count < 1 || count > BOOKS_UNIT_MAX || (known && session->unit_count != count)) {
        return;
    }
    if (known) { /* Empty members are not in the line: begin anew, but for the places in memory. */
        memset(session->units, 0, count * sizeof(*session->units));
        *session = (struct book_session){.id = session->id,
                                         .unit_count = count,
                                         .units = session->units,
                                         .first = session->first,
                                         .last = session->last};
    } else {
        session = books_new_session(books, count);
    }
    struct str id = session->id; /* the table's key: keep the first copy */
    record_read(session_fields, ARRAY_LEN(session_fields), object, &books->arena, session);
    for (size_t i = 0; i < count; i++) {
        record_read(unit_fields, ARRAY_LEN(unit_fields), json_array_get(units, i), &books->arena,
                    &session->units[i]);
    }
    if (known) {
        session->id = id;
    } else {
        table_put(&books->sessions, session->id, session);
    }
}

static void replay_entry(struct books *books, const json_t *object)
{
    struct book_entry *entry = books_find_entry(books, json_text(object, "id"));
    bool known = entry != NULL;
    if (known) {
        *entry = (struct book_entry){.id = entry->id,
                                     .next_in_session = entry->next_in_session,
                                     .next_by_reference = entry->next_by_reference,
                                     .next_by_invoice = entry->next_by_invoice,
                                     .indexed = entry->indexed};
    } else {
        entry = ARENA_NEW(&books->arena, struct book_entry);
    }
    struct str id = entry->id; /* the table's key: keep the first copy */
    record_read(book_entry_fields, book_entry_field_count, object, &books->arena, entry);
    if (known) {
        entry->id = id;
    } else {
        books_put_entry(books, entry, books_find_session(books, entry->session));
    }
    books_index_entry(books, entry);
}

static void replay_key(struct books *books, const json_t *object)
{
    struct book_key *key = ARENA_NEW(&books->arena, struct book_key);
    record_read(key_fields, ARRAY_LEN(key_fields), object, &books->arena, key);
    table_put(&books->keys, key->name, key);
}

static void replay_hook(struct books *books, const json_t *object)
{
    struct book_hook *hook = books_find_hook(books, json_text(object, "id"));
    bool known = hook != NULL;
    if (!known) {
        hook = ARENA_NEW(&books->arena, struct book_hook);
    }
    *hook = (struct book_hook){.created_us = 0};
    record_read(hook_fields, ARRAY_LEN(hook_fields), object, &books->arena, hook);
    if (!known && !hook->removed) {
        CHECK(books_put_hook(books, hook)); /* The one who wrote the line had room. */
    }
}

/* One object, or a list of them. */
static void each(struct books *books, const json_t *value,
                 void (*fn)(struct books *books, const json_t *object))
{
    if (json_is_object(value)) {
        fn(books, value);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        fn(books, json_array_get(value, i));
    }
}

static bool replay_line(struct books *books, struct str line, struct error *err)
{
    json_t *change = json_parse(line, &journal_limits, err);
    if (!change) {
        return false;
    }
    each(books, json_object_get(change, "session"), replay_session);
    each(books, json_object_get(change, "entries"), replay_entry);
    each(books, json_object_get(change, "key"), replay_key);
    each(books, json_object_get(change, "hook"), replay_hook);
    json_decref(change);
    return true;
}

bool journal_replay(struct books *books, const char *file, off_t *whole_bytes, struct error *err)
{
    FILE *in = fopen(file, "re");
    if (!in) {
        return fail(err, ERROR_IO, "cannot read books %s: %s", file, strerror(errno));
    }
    char *line = NULL;
    size_t size = 0;
    int64_t number = 0;
    bool done = true;
    ssize_t len;
    *whole_bytes = 0;
    while (done && (len = getline(&line, &size, in)) > 0 && line[len - 1] == '\n') {
        number++;
        done = replay_line(books, (struct str){line, (size_t)len - 1}, err) ||
               fail_prefix(err, "cannot replay books %s line %lld", file, (long long)number);
        *whole_bytes += len;
    }
    free(line);
    (void)fclose(in);
    return done;
}

/* ---- change ---------------------------------------------------------------------------------- */

static void print_record(const struct record_field *fields, size_t count, const void *record,
                         struct json_out *out)
{
    json_begin_object(out);
    record_print_sparse(fields, count, record, out);
    json_end_object(out);
}

static void print_session(const struct book_session *session, struct json_out *out)
{
    json_begin_object(out);
    record_print_sparse(session_fields, ARRAY_LEN(session_fields), session, out);
    json_key(out, "units");
    json_begin_array(out);
    for (size_t i = 0; i < session->unit_count; i++) {
        json_begin_object(out);
        record_print_sparse(unit_fields, ARRAY_LEN(unit_fields), &session->units[i], out);
        json_end_object(out);
    }
    json_end_array(out);
    json_end_object(out);
}

static void print_change(struct books *books)
{
    struct json_out out;
    buf_clear(&books->line);
    json_out_init(&out, &books->line);
    json_begin_object(&out);
    json_key(&out, "session");
    json_begin_array(&out);
    for (size_t i = 0; i < books->noted_sessions.count; i++) {
        print_session(books->noted_sessions.at[i], &out);
    }
    json_end_array(&out);
    json_key(&out, "entries");
    json_begin_array(&out);
    for (size_t i = 0; i < books->noted_entries.count; i++) {
        print_record(book_entry_fields, book_entry_field_count, books->noted_entries.at[i], &out);
    }
    json_end_array(&out);
    json_key(&out, "key");
    json_begin_array(&out);
    for (size_t i = 0; i < books->noted_keys.count; i++) {
        print_record(key_fields, ARRAY_LEN(key_fields), books->noted_keys.at[i], &out);
    }
    json_end_array(&out);
    if (books->noted_hooks.count > 0) {
        json_key(&out, "hook");
        json_begin_array(&out);
        for (size_t i = 0; i < books->noted_hooks.count; i++) {
            print_record(hook_fields, ARRAY_LEN(hook_fields), books->noted_hooks.at[i], &out);
        }
        json_end_array(&out);
    }
    json_end_object(&out);
    buf_add_char(&books->line, '\n');
}

static bool write_line(struct books *books, struct error *err)
{
    struct str rest = buf_str(&books->line);
    while (rest.len > 0) {
        ssize_t written = write(books->fd, rest.at, rest.len);
        if (written < 0 && errno != EINTR) {
            return fail(err, ERROR_IO, "cannot write the books: %s", strerror(errno));
        }
        rest = str_sub(rest, written > 0 ? (size_t)written : 0, rest.len);
    }
    return true;
}

bool journal_write(struct books *books, struct error *err)
{
    print_change(books);
    if (!buf_is_ok(&books->line)) {
        return fail(err, ERROR_IO, "a change is too large for the books");
    }
    return write_line(books, err);
}
