#include "providers/sandbox/books.h"

#include "providers/sandbox/books_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void init(struct books *books)
{
    memset(books, 0, sizeof(*books));
    books->fd = -1;
    arena_init(&books->arena, SIZE_MAX / 2);
    table_init(&books->sessions);
    table_init(&books->entries);
    table_init(&books->keys);
    table_init(&books->by_reference);
    table_init(&books->by_invoice);
    buf_init(&books->line, BOOKS_LINE_MAX);
}

struct book_session *books_new_session(struct books *books, size_t unit_count)
{
    CHECK(unit_count >= 1 && unit_count <= BOOKS_UNIT_MAX);
    struct book_session *session = ARENA_NEW(&books->arena, struct book_session);
    session->unit_count = unit_count;
    session->units = ARENA_ARRAY(&books->arena, struct book_unit, unit_count);
    return session;
}

void books_put_entry(struct books *books, struct book_entry *entry, struct book_session *session)
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

void books_index_entry(struct books *books, struct book_entry *entry)
{
    if (entry->indexed) {
        return;
    }
    entry->indexed = true;
    if (entry->reference.len > 0) {
        entry->next_by_reference = table_find(&books->by_reference, entry->reference);
        table_put(&books->by_reference, entry->reference, entry);
    }
    if (entry->invoice.len > 0) {
        entry->next_by_invoice = table_find(&books->by_invoice, entry->invoice);
        table_put(&books->by_invoice, entry->invoice, entry);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

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
    if (!journal_replay(books, file, &whole_bytes, err)) {
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
    table_release(&books->by_reference);
    table_release(&books->by_invoice);
    free(books->noted_entries.at);
    free(books->noted_sessions.at);
    free(books->noted_keys.at);
    free(books->noted_hooks.at);
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

static void note(struct books_noted *noted, void *object)
{
    if (noted->count == noted->capacity) {
        noted->capacity = noted->capacity ? noted->capacity * 2 : 64;
        noted->at = realloc(noted->at, noted->capacity * sizeof(*noted->at));
        CHECK(noted->at);
    }
    noted->at[noted->count++] = object;
}

/* ---- objects --------------------------------------------------------------------------------- */

struct book_session *books_add_session(struct books *books, struct str id, size_t unit_count)
{
    CHECK(!books_find_session(books, id));
    struct book_session *session = books_new_session(books, unit_count);
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
    books_put_entry(books, entry, session);
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
    note(&books->noted_keys, key);
}

bool books_put_hook(struct books *books, struct book_hook *hook)
{
    for (size_t i = 0; i < books->hook_count; i++) {
        if (books->hooks[i]->removed) {
            books->hooks[i] = hook;
            return true;
        }
    }
    if (books->hook_count == BOOKS_HOOK_MAX) {
        return false;
    }
    books->hooks[books->hook_count++] = hook;
    return true;
}

struct book_hook *books_add_hook(struct books *books, struct str id)
{
    CHECK(!books_find_hook(books, id));
    struct book_hook *hook = ARENA_NEW(&books->arena, struct book_hook);
    hook->id = books_keep(books, id);
    if (!books_put_hook(books, hook)) {
        return NULL;
    }
    books_note_hook(books, hook);
    return hook;
}

struct book_hook *books_find_hook(const struct books *books, struct str id)
{
    for (size_t i = 0; i < books->hook_count; i++) {
        if (!books->hooks[i]->removed && str_eq(books->hooks[i]->id, id)) {
            return books->hooks[i];
        }
    }
    return NULL;
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

struct book_entry *books_find_reference(const struct books *books, struct str reference)
{
    return table_find(&books->by_reference, reference);
}

struct book_entry *books_find_invoice(const struct books *books, struct str invoice)
{
    return table_find(&books->by_invoice, invoice);
}

struct str books_keep(struct books *books, struct str s)
{
    return arena_str(&books->arena, s);
}

/* ---- change ---------------------------------------------------------------------------------- */

void books_note_session(struct books *books, struct book_session *session)
{
    if (!session->noted) {
        session->noted = true;
        note(&books->noted_sessions, session);
    }
}

void books_note_entry(struct books *books, struct book_entry *entry)
{
    if (!entry->noted) {
        entry->noted = true;
        note(&books->noted_entries, entry);
    }
}

void books_note_hook(struct books *books, struct book_hook *hook)
{
    if (!hook->noted) {
        hook->noted = true;
        note(&books->noted_hooks, hook);
    }
}

bool books_commit(struct books *books, struct error *err)
{
    size_t count = books->noted_sessions.count + books->noted_entries.count +
                   books->noted_keys.count + books->noted_hooks.count;
    if (books->broken) {
        return fail(err, ERROR_IO, "the books are broken: an earlier write failed");
    }
    if (count > 0 && books->fd >= 0) {
        books->broken = !journal_write(books, err);
    }
    for (size_t i = 0; i < books->noted_entries.count; i++) {
        struct book_entry *entry = books->noted_entries.at[i];
        entry->noted = false;
        books_index_entry(books, entry);
    }
    for (size_t i = 0; i < books->noted_sessions.count; i++) {
        ((struct book_session *)books->noted_sessions.at[i])->noted = false;
    }
    for (size_t i = 0; i < books->noted_hooks.count; i++) {
        ((struct book_hook *)books->noted_hooks.at[i])->noted = false;
    }
    books->noted_hooks.count = 0;
    books->noted_sessions.count = 0;
    books->noted_entries.count = 0;
    books->noted_keys.count = 0;
    return !books->broken;
}
