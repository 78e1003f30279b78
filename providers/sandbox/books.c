#include "providers/sandbox/books.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define ENTRY(member)         offsetof(struct book_entry, member)
#define SESSION(member)       offsetof(struct book_session, member)
#define UNIT(member)          offsetof(struct book_unit, member)
#define KEY(member)           offsetof(struct book_key, member)
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
    {"created",     RECORD_TIME, SESSION(created_us),  .names = NULL},
    {"updated",     RECORD_TIME, SESSION(updated_us),  .names = NULL},
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
/* clang-format on */

static const struct json_limits journal_limits = {
    .depth_max = 16, .member_count_max = 4096, .string_bytes_max = 262144};

static void init(struct books *books)
{
    memset(books, 0, sizeof(*books));
    books->fd = -1;
    arena_init(&books->arena, SIZE_MAX / 2);
    table_init(&books->sessions);
    table_init(&books->entries);
    table_init(&books->keys);
    buf_init(&books->line, BOOKS_LINE_MAX);
}

static struct book_session *new_session(struct books *books, size_t unit_count)
{
    CHECK(unit_count >= 1 && unit_count <= BOOKS_UNIT_MAX);
    struct book_session *session = ARENA_NEW(&books->arena, struct book_session);
    session->unit_count = unit_count;
    session->units = ARENA_ARRAY(&books->arena, struct book_unit, unit_count);
    return session;
}

static void index_entry(struct books *books, struct book_entry *entry, struct book_session *session)
{
    if (books->log_count == books->log_capacity) {
        books->log_capacity = books->log_capacity ? books->log_capacity * 2 : 1024;
        books->log = realloc(books->log, books->log_capacity * sizeof(*books->log));
        CHECK(books->log);
    }
    books->log[books->log_count++] = entry;
    table_put(&books->entries, entry->id, entry);
    if (session) {
        if (session->last) {
            session->last->next_in_session = entry;
        } else {
            session->first = entry;
        }
        session->last = entry;
    }
}

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
        session = new_session(books, count);
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
        *entry = (struct book_entry){.id = entry->id, .next_in_session = entry->next_in_session};
    } else {
        entry = ARENA_NEW(&books->arena, struct book_entry);
    }
    struct str id = entry->id; /* the table's key: keep the first copy */
    record_read(book_entry_fields, book_entry_field_count, object, &books->arena, entry);
    if (known) {
        entry->id = id;
    } else {
        index_entry(books, entry, books_find_session(books, entry->session));
    }
}

static void replay_key(struct books *books, const json_t *object)
{
    struct book_key *key = ARENA_NEW(&books->arena, struct book_key);
    record_read(key_fields, ARRAY_LEN(key_fields), object, &books->arena, key);
    table_put(&books->keys, key->name, key);
}

static bool replay_line(struct books *books, struct str line, struct error *err)
{
    json_t *change = json_parse(line, &journal_limits, err);
    if (!change) {
        return false;
    }
    const json_t *session = json_object_get(change, "session");
    const json_t *entries = json_object_get(change, "entries");
    const json_t *key = json_object_get(change, "key");
    if (session) {
        replay_session(books, session);
    }
    for (size_t i = 0; i < json_array_size(entries); i++) {
        replay_entry(books, json_array_get(entries, i));
    }
    if (key) {
        replay_key(books, key);
    }
    json_decref(change);
    return true;
}

/* Replays whole lines; *whole_bytes is the length of the file up to the end of the last of them. */
static bool replay(struct books *books, const char *file, off_t *whole_bytes, struct error *err)
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

bool books_open(struct books *books, const char *file, struct error *err)
{
    init(books);
    if (!file) {
        return true;
    }
    off_t whole_bytes = 0;
    books->fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (books->fd < 0) {
        return fail(err, ERROR_IO, "cannot open books %s: %s", file, strerror(errno));
    }
    if (flock(books->fd, LOCK_EX | LOCK_NB) != 0) {
        books_close(books);
        return fail(err, ERROR_CONFLICT, "cannot open books %s: another sandbox uses them", file);
    }
    if (!replay(books, file, &whole_bytes, err)) {
        books_close(books);
        return false;
    }
    if (ftruncate(books->fd, whole_bytes) != 0) {
        (void)fail(err, ERROR_IO, "cannot cut the torn end of books %s: %s", file, strerror(errno));
        books_close(books);
        return false;
    }
    return true;
}

void books_close(struct books *books)
{
    if (books->fd >= 0) {
        (void)close(books->fd);
    }
    table_release(&books->sessions);
    table_release(&books->entries);
    table_release(&books->keys);
    free(books->log);
    buf_release(&books->line);
    arena_release(&books->arena);
    memset(books, 0, sizeof(*books));
    books->fd = -1;
}

bool books_reset(struct books *books, struct error *err)
{
    int fd = books->fd;
    if (fd >= 0 && ftruncate(fd, 0) != 0) {
        return fail(err, ERROR_IO, "cannot empty the books: %s", strerror(errno));
    }
    books->fd = -1;
    books_close(books);
    init(books);
    books->fd = fd;
    return true;
}

/* ---- objects --------------------------------------------------------------------------------- */

struct book_session *books_add_session(struct books *books, struct str id, size_t unit_count)
{
    CHECK(!books_find_session(books, id));
    struct book_session *session = new_session(books, unit_count);
    session->id = books_keep(books, id);
    table_put(&books->sessions, session->id, session);
    books_note_session(books, session);
    return session;
}

struct book_entry *books_add_entry(struct books *books, struct str id, struct book_session *session)
{
    CHECK(!books_find_entry(books, id));
    struct book_entry *entry = ARENA_NEW(&books->arena, struct book_entry);
    entry->id = books_keep(books, id);
    entry->seq = (int64_t)books->log_count + 1;
    entry->request_count = 1;
    if (session) {
        entry->provider = session->provider;
        entry->account = session->account;
        entry->session = session->id;
    }
    index_entry(books, entry, session);
    books_note_entry(books, entry);
    return entry;
}

void books_add_key(struct books *books, struct str name, struct str object, int64_t now_us)
{
    struct book_key *key = books_find_key(books, name);
    if (!key) {
        key = ARENA_NEW(&books->arena, struct book_key);
        key->name = books_keep(books, name);
        table_put(&books->keys, key->name, key);
    }
    key->object = object;
    key->at_us = now_us;
    books->noted_key = key;
}

struct book_session *books_find_session(const struct books *books, struct str id)
{
    return table_find(&books->sessions, id);
}

struct book_entry *books_find_entry(const struct books *books, struct str id)
{
    return table_find(&books->entries, id);
}

struct book_key *books_find_key(const struct books *books, struct str name)
{
    return table_find(&books->keys, name);
}

struct str books_keep(struct books *books, struct str s)
{
    return arena_str(&books->arena, s);
}

/* ---- change ---------------------------------------------------------------------------------- */

void books_note_session(struct books *books, struct book_session *session)
{
    CHECK(!books->noted_session || books->noted_session == session);
    books->noted_session = session;
}

void books_note_entry(struct books *books, struct book_entry *entry)
{
    for (size_t i = 0; i < books->noted_entry_count; i++) {
        if (books->noted_entries[i] == entry) {
            return;
        }
    }
    CHECK(books->noted_entry_count < BOOKS_NOTED_MAX);
    books->noted_entries[books->noted_entry_count++] = entry;
}

static void print_session(const struct book_session *session, struct json_out *out)
{
    json_key(out, "session");
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
    if (books->noted_session) {
        print_session(books->noted_session, &out);
    }
    json_key(&out, "entries");
    json_begin_array(&out);
    for (size_t i = 0; i < books->noted_entry_count; i++) {
        json_begin_object(&out);
        record_print_sparse(book_entry_fields, book_entry_field_count, books->noted_entries[i],
                            &out);
        json_end_object(&out);
    }
    json_end_array(&out);
    if (books->noted_key) {
        json_key(&out, "key");
        json_begin_object(&out);
        record_print_sparse(key_fields, ARRAY_LEN(key_fields), books->noted_key, &out);
        json_end_object(&out);
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
            books->broken = true;
            return fail(err, ERROR_IO, "cannot write the books: %s", strerror(errno));
        }
        rest = str_sub(rest, written > 0 ? (size_t)written : 0, rest.len);
    }
    return true;
}

bool books_commit(struct books *books, struct error *err)
{
    if (books->broken) {
        return fail(err, ERROR_IO, "the books are broken: an earlier write failed");
    }
    bool any = books->noted_session || books->noted_entry_count > 0 || books->noted_key;
    bool done = true;
    if (any && books->fd >= 0) {
        print_change(books);
        done =
            buf_is_ok(&books->line) || fail(err, ERROR_IO, "a change is too large for the books");
        books->broken = !done;
        done = done && write_line(books, err);
    }
    books->noted_session = NULL;
    books->noted_entry_count = 0;
    books->noted_key = NULL;
    return done;
}
