#include "ledger/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/metrics.h"

enum {
    RECORD_BYTES_MAX = 256 << 20,
    TEXTS_BYTES_MAX = 1 << 20,
    TELL_AGAIN_MS = 60000,
    ID_SIZE = 16,
};

struct journal {
    struct journal_config config;
    char folder[JOURNAL_PATH_MAX];
    int fd; /* -1: not open */
    uint32_t number;
    int64_t size_bytes; /* of the file, up to the last whole record */
    int64_t last_id;
    bool has_gap; /* something could not be written since the last record */
    int64_t told_us;
    struct buf job; /* the record that is being put together */
    struct buf out; /* what goes out next: results, ends */
};

/* ---- which statements ------------------------------------------------------------------------ */

/* Beside those of batches: what an answer has acknowledged and nothing else would bring back. */
static const enum sql kept[] = {
    SQL_CANCEL,        SQL_PUT_MERCHANT,     SQL_PUT_KEY,        SQL_PUT_ACCOUNT,
    SQL_BIND_MERCHANT, SQL_DISABLE_MERCHANT, SQL_LIMIT_MERCHANT, SQL_APPROVE_MERCHANT,
    SQL_DISABLE_KEY,   SQL_DISABLE_ACCOUNT,  SQL_ORDER_KEY,      SQL_ORDER_HOLDER,
    SQL_ORDER_BATCH,   SQL_ORDER_ROWS,       SQL_ORDER_ERRORS,   SQL_ORDER_ANSWER,
    SQL_ORDER_KEEP,    SQL_ORDER_APPROVE,    SQL_ORDER_REJECT,   SQL_ORDER_CANCEL,
    SQL_BATCH_APPROVE, SQL_BATCH_REJECT,     SQL_BATCH_CANCEL,   SQL_BATCH_CANCEL_ROWS,
    SQL_HOOK_CREATE,   SQL_HOOK_UPDATE,      SQL_HOOK_DELETE,    SQL_HOOK_ROTATE,
    SQL_HOLD_ADD,      SQL_HOLD_END,         SQL_PRICE_KEEP,     SQL_RULE_PUT,
    SQL_RULE_MOVE,     SQL_RULE_APPROVAL,    SQL_INBOUND_STORE,  SQL_CALL_MARK,
    SQL_BULK_MARK,     SQL_AUDIT_BEGIN,      SQL_AUDIT_END,      SQL_AUDIT_REFUSED,
};

bool journal_keeps(enum sql sql)
{
    if (sql == SQL_NONE || sql == SQL_REGISTER)
        return false;
    if (sql_text(sql)->kind == SQL_WRITER)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (kept[i] == sql)
            return true;
    }
    return false;
}

void journal_texts(uint8_t digest[32])
{
    struct buf texts;
    buf_init(&texts, TEXTS_BYTES_MAX);
    for (int i = SQL_NONE + 1; i < SQL_COUNT; i++) {
        if (!journal_keeps((enum sql)i))
            continue;
        buf_add_str(&texts, str_of(sql_text((enum sql)i)->name));
        buf_add_char(&texts, '\0');
        buf_add_str(&texts, str_of(sql_text((enum sql)i)->text));
        buf_add_char(&texts, '\0');
    }
    CHECK(buf_is_ok(&texts));
    crypto_sha256(buf_str(&texts), digest);
    buf_release(&texts);
}

/* Decisions about orders depend on claims, which are not journaled: how many rows they changed is. */
static bool is_counted(enum sql sql)
{
    static const enum sql counted[] = {
        SQL_ORDER_APPROVE, SQL_ORDER_REJECT, SQL_ORDER_CANCEL,      SQL_BATCH_APPROVE,
        SQL_BATCH_REJECT,  SQL_BATCH_CANCEL, SQL_BATCH_CANCEL_ROWS,
    };
    for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
        if (counted[i] == sql)
            return true;
    }
    return false;
}

bool journal_decides(enum sql sql)
{
    return sql == SQL_OPEN || sql == SQL_ORDER_HOLDER || is_counted(sql);
}

bool journal_row_won(enum sql sql, const PGresult *res, int row, struct uuid *won)
{
    if (sql == SQL_OPEN && !str_eq(column_text(res, row, 1), STR("w")))
        return false;
    if (is_counted(sql)) {
        int64_t count = column_int8(res, row, 0);
        memset(won, 0, sizeof(*won));
        memcpy(won->byte, &count, sizeof(count));
        return true;
    }
    *won = column_uuid(res, row, 0);
    return true;
}

/* ---- files ----------------------------------------------------------------------------------- */

struct old_file {
    char name[NAME_MAX + 1];
    int64_t changed_us;
    int64_t size_bytes;
};

static int compare_ages(const void *a, const void *b)
{
    int64_t first = ((const struct old_file *)a)->changed_us;
    int64_t second = ((const struct old_file *)b)->changed_us;
    return first < second ? -1 : first > second;
}

static size_t list_files(struct journal *journal, struct old_file **files)
{
    size_t count = 0;
    size_t room = 0;
    *files = NULL;
    DIR *dir = opendir(journal->folder);
    if (dir == NULL)
        return 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        struct stat about;
        if (!str_ends(str_of(entry->d_name), STR(".journal")) ||
            fstatat(dirfd(dir), entry->d_name, &about, 0) != 0)
            continue;
        if (count == room) {
            room = room == 0 ? 64 : room * 2;
            *files = realloc(*files, room * sizeof(**files));
            CHECK(*files != NULL);
        }
        struct old_file *file = &(*files)[count++];
        (void)str_copy_to(str_of(entry->d_name), file->name, sizeof(file->name));
        file->changed_us = (int64_t)about.st_mtim.tv_sec * CLOCK_SECOND_US;
        file->size_bytes = (int64_t)about.st_size;
    }
    closedir(dir);
    return count;
}

/* Too old, or the oldest of too many bytes. */
static void delete_old(struct journal *journal)
{
    struct old_file *files;
    size_t count = list_files(journal, &files);
    int64_t bytes = 0;
    int64_t before_us = clock_wall_us() - journal->config.keep_us;
    if (count > 0)
        qsort(files, count, sizeof(*files), compare_ages);
    for (size_t i = 0; i < count; i++)
        bytes += files[i].size_bytes;
    for (size_t i = 0; i < count; i++) {
        char path[JOURNAL_PATH_MAX + NAME_MAX + 2];
        if (files[i].changed_us >= before_us && bytes <= journal->config.bytes_max)
            break;
        (void)snprintf(path, sizeof(path), "%s/%s", journal->folder, files[i].name);
        if (unlink(path) == 0)
            bytes -= files[i].size_bytes;
    }
    free(files);
}

static void add_frame(struct buf *out, enum journal_kind kind, const void *payload, size_t size)
{
    struct journal_frame frame = {JOURNAL_MAGIC, (uint32_t)size, (uint32_t)kind};
    buf_add(out, &frame, sizeof(frame));
    buf_add(out, payload, size);
    buf_add(out, &frame.size, sizeof(frame.size));
}

static void tell_failure(struct journal *journal, const char *what)
{
    int64_t now_us = clock_mono_us();
    journal->has_gap = true;
    metrics_count_values(METRIC_JOURNAL_FAILURES, 1, NULL, 0);
    if (journal->told_us != 0 && now_us - journal->told_us < TELL_AGAIN_MS * CLOCK_MS_US)
        return;
    journal->told_us = now_us;
    log_error("ledger", "the journal cannot be written; a restored database could not be mended",
              LOG_CSTR("what", what), LOG_CSTR("folder", journal->folder),
              LOG_CSTR("error", strerror(errno)));
}

static bool write_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, at, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        len -= (size_t)done;
    }
    return true;
}

static void close_file(struct journal *journal)
{
    if (journal->fd >= 0)
        (void)close(journal->fd);
    journal->fd = -1;
}

static bool open_file(struct journal *journal)
{
    char id[UUID_TEXT_SIZE];
    char path[JOURNAL_PATH_MAX + 64];
    struct journal_head head = {
        .writer_id = journal->config.writer_id,
        .instance_id = journal->config.instance_id,
        .boot_id = journal->config.boot_id,
        .slot = journal->config.slot,
        .number = journal->number + 1,
        .started_us = journal->config.started_us,
    };
    struct buf text;
    if (mkdir(journal->folder, 0700) != 0 && errno != EEXIST)
        return false;
    delete_old(journal);
    (void)uuid_format(&head.writer_id, id);
    (void)snprintf(path, sizeof(path), "%s/%s.%06u.journal", journal->folder, id, head.number);
    journal->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (journal->fd < 0)
        return false;
    journal_texts(head.texts);
    buf_init(&text, RECORD_BYTES_MAX);
    add_frame(&text, JOURNAL_HEAD, &head, sizeof(head));
    bool ok = write_all(journal->fd, text.at, text.len);
    journal->size_bytes = (int64_t)text.len;
    buf_release(&text);
    if (!ok) {
        (void)unlink(path);
        close_file(journal);
        return false;
    }
    journal->number = head.number;
    return true;
}

/* Of a worker that wrote nothing for so long that another has deleted it as old. */
static bool is_deleted(const struct journal *journal)
{
    struct stat about;
    return fstat(journal->fd, &about) == 0 && about.st_nlink == 0;
}

static bool is_open(struct journal *journal)
{
    if (journal->fd >= 0 && (journal->size_bytes >= JOURNAL_SEGMENT_BYTES || is_deleted(journal)))
        close_file(journal);
    if (journal->fd < 0 && !open_file(journal)) {
        tell_failure(journal, "opening a file");
        return false;
    }
    return true;
}

/* What stands in `out` goes out, or is a gap. */
static void write_out(struct journal *journal)
{
    if (is_open(journal)) {
        struct buf gap;
        buf_init(&gap, RECORD_BYTES_MAX);
        if (journal->has_gap)
            add_frame(&gap, JOURNAL_GAP, "", 0);
        bool ok = write_all(journal->fd, gap.at, gap.len) && buf_is_ok(&journal->out) &&
                  write_all(journal->fd, journal->out.at, journal->out.len);
        if (ok) {
            journal->size_bytes += (int64_t)(gap.len + journal->out.len);
            journal->has_gap = false;
        } else {
            tell_failure(journal, "appending");
            if (ftruncate(journal->fd, journal->size_bytes) != 0)
                close_file(journal); /* a torn record ends it; the next file goes on */
        }
        buf_release(&gap);
    }
    buf_clear(&journal->out);
}

/* ---- the public functions -------------------------------------------------------------------- */

struct journal *journal_new(const struct journal_config *config)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    CHECK(journal != NULL);
    journal->config = *config;
    journal->fd = -1;
    CHECK(str_copy_to(str_of(config->folder), journal->folder, sizeof(journal->folder)));
    buf_init(&journal->job, RECORD_BYTES_MAX);
    buf_init(&journal->out, RECORD_BYTES_MAX);
    return journal;
}

void journal_free(struct journal **journal)
{
    if (*journal == NULL)
        return;
    close_file(*journal);
    buf_release(&(*journal)->job);
    buf_release(&(*journal)->out);
    free(*journal);
    *journal = NULL;
}

int64_t journal_begin(struct journal *journal)
{
    struct journal_job job = {.id = ++journal->last_id, .sent_us = clock_wall_us()};
    buf_clear(&journal->job);
    buf_add(&journal->job, &job, sizeof(job));
    return job.id;
}

void journal_put(struct journal *journal, enum sql sql, const struct params *params)
{
    struct buf *job = &journal->job;
    struct str name = str_of(sql_text(sql)->name);
    uint32_t count = params->count;
    CHECK(name.len <= UINT8_MAX);
    buf_add_char(job, (char)name.len);
    buf_add_str(job, name);
    buf_add(job, &count, sizeof(count));
    for (unsigned i = 0; i < count; i++) {
        int32_t length = params->length[i];
        buf_add(job, &length, sizeof(length));
    }
    for (unsigned i = 0; i < count; i++) {
        if (params->length[i] > 0)
            buf_add(job, params->bytes.at + params->offset[i], (size_t)params->length[i]);
    }
}

void journal_append(struct journal *journal)
{
    if (buf_is_ok(&journal->job))
        add_frame(&journal->out, JOURNAL_JOB, journal->job.at, journal->job.len);
    else
        tell_failure(journal, "a transaction is too large");
    write_out(journal);
}

/* Written with the job's end: whoever won is of no interest unless it was committed. */
void journal_result(struct journal *journal, int64_t id, enum sql sql, const PGresult *res)
{
    struct journal_end end = {.id = id};
    struct buf won;
    if (!journal_decides(sql))
        return;
    buf_init(&won, RECORD_BYTES_MAX);
    buf_add(&won, &end, sizeof(end));
    for (int row = 0; row < PQntuples(res); row++) {
        struct uuid winner;
        if (journal_row_won(sql, res, row, &winner)) {
            buf_add(&won, winner.byte, ID_SIZE);
            end.won++;
        }
    }
    if (buf_is_ok(&won) && end.won > 0) {
        memcpy(won.at, &end, sizeof(end));
        add_frame(&journal->out, JOURNAL_END, won.at, won.len);
    }
    buf_release(&won);
}

void journal_end(struct journal *journal, int64_t id, bool is_done)
{
    struct journal_end end = {.id = id, .is_done = is_done ? 1 : 2};
    add_frame(&journal->out, JOURNAL_END, &end, sizeof(end));
    write_out(journal);
}

void journal_probed(struct journal *journal, int64_t batch_no, bool is_committed)
{
    struct journal_probe probe = {batch_no, is_committed ? 1 : 0};
    add_frame(&journal->out, JOURNAL_PROBE, &probe, sizeof(probe));
    write_out(journal);
}
