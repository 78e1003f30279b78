#include "ledger/journal_read.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/finder.h"

enum {
    TAIL_FILES = 2,
    NAME_SIZE = NAME_MAX + 1,
};

struct journal_map {
    char name[NAME_SIZE];
    char *at;
    size_t len;
    uint32_t writer;
    bool is_after_hole; /* the file before it is missing */
    struct journal_head head;
};

struct reader {
    struct journals *journals;
    struct finder jobs; /* by writer and id */
    struct finder batches;
    size_t job_room;
};

/* ---- statements ------------------------------------------------------------------------------ */

static bool take(struct str *rest, void *out, size_t size)
{
    if (rest->len < size)
        return false;
    memcpy(out, rest->at, size);
    *rest = str_sub(*rest, size, SIZE_MAX);
    return true;
}

static enum sql find_sql(struct str name)
{
    for (int i = SQL_NONE + 1; i < SQL_COUNT; i++) {
        if (str_eq(str_of(sql_text((enum sql)i)->name), name))
            return (enum sql)i;
    }
    return SQL_NONE;
}

bool journal_statement_next(struct str *rest, struct journal_statement *statement)
{
    uint8_t name_len;
    uint32_t count;
    if (!take(rest, &name_len, sizeof(name_len)) || rest->len < name_len)
        return false;
    statement->sql = find_sql(str_sub(*rest, 0, name_len));
    *rest = str_sub(*rest, name_len, SIZE_MAX);
    if (statement->sql == SQL_NONE || !take(rest, &count, sizeof(count)) || count > PARAMS_MAX)
        return false;
    statement->count = count;
    for (uint32_t i = 0; i < count; i++) {
        int32_t length;
        if (!take(rest, &length, sizeof(length)) || length < -1)
            return false;
        statement->length[i] = length;
    }
    for (uint32_t i = 0; i < count; i++) {
        size_t length = statement->length[i] < 0 ? 0 : (size_t)statement->length[i];
        if (rest->len < length)
            return false;
        statement->value[i] = statement->length[i] < 0 ? NULL : rest->at;
        *rest = str_sub(*rest, length, SIZE_MAX);
    }
    return true;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

struct job_key {
    uint32_t writer;
    int64_t id;
};

static uint64_t hash_key(const struct job_key *key)
{
    return ((uint64_t)key->id * 0x9e3779b97f4a7c15ULL) ^ ((uint64_t)key->writer << 40) ^
           key->writer;
}

static bool is_job(const void *owner, uint32_t index, const void *key)
{
    const struct redo_job *job = &((const struct journals *)owner)->job[index];
    const struct job_key *wanted = key;
    return job->writer == wanted->writer && job->id == wanted->id;
}

static bool is_batch(const void *owner, uint32_t index, const void *key)
{
    const struct redo_job *job = &((const struct journals *)owner)->job[index];
    const struct job_key *wanted = key;
    return job->writer == wanted->writer && job->batch_no == wanted->id;
}

static struct redo_job *find_job(struct reader *reader, const struct finder *finder,
                                 finder_same_fn is_same, struct job_key key)
{
    uint32_t index;
    if (!finder_find(finder, hash_key(&key), is_same, reader->journals, &key, &index))
        return NULL;
    return &reader->journals->job[index];
}

static bool is_mark(enum sql sql)
{
    return sql == SQL_MARK || sql == SQL_CALL_MARK || sql == SQL_BULK_MARK;
}

static int64_t batch_of(struct str statements)
{
    struct journal_statement first;
    uint64_t wire;
    if (!journal_statement_next(&statements, &first) || !is_mark(first.sql) || first.count < 2 ||
        first.length[1] != sizeof(wire))
        return 0;
    memcpy(&wire, first.value[1], sizeof(wire));
    return (int64_t)be64toh(wire);
}

static void add_job(struct reader *reader, uint32_t writer, struct str payload)
{
    struct journals *journals = reader->journals;
    struct journal_job job;
    if (!take(&payload, &job, sizeof(job)))
        return;
    if (journals->job_count == reader->job_room) {
        reader->job_room = reader->job_room == 0 ? 1024 : reader->job_room * 2;
        journals->job = realloc(journals->job, reader->job_room * sizeof(*journals->job));
        CHECK(journals->job != NULL);
    }
    if (journals->writer[writer].gap_us == INT64_MAX)
        journals->writer[writer].gap_us = job.sent_us;
    uint32_t index = (uint32_t)journals->job_count++;
    struct job_key key = {writer, job.id};
    journals->job[index] = (struct redo_job){
        .writer = writer,
        .id = job.id,
        .sent_us = job.sent_us,
        .batch_no = batch_of(payload),
        .statements = payload,
    };
    finder_add(&reader->jobs, hash_key(&key), index);
    key.id = journals->job[index].batch_no;
    if (key.id != 0)
        finder_add(&reader->batches, hash_key(&key), index);
}

static void add_end(struct reader *reader, uint32_t writer, struct str payload)
{
    struct journal_end end;
    if (!take(&payload, &end, sizeof(end)))
        return;
    struct redo_job *job =
        find_job(reader, &reader->jobs, is_job, (struct job_key){writer, end.id});
    if (job == NULL)
        return;
    if (end.is_done != 0) {
        job->fate = end.is_done == 1 ? REDO_COMMITTED : REDO_NEVER;
        job->knows_won = true;
    }
    if (end.won > 0 && payload.len == (size_t)end.won * sizeof(struct uuid)) {
        size_t count = job->won_count + end.won;
        struct uuid *won = realloc(job->won, count * sizeof(*won));
        CHECK(won != NULL);
        memcpy(won + job->won_count, payload.at, payload.len);
        job->won = won;
        job->won_count = count;
    }
}

static void add_probe(struct reader *reader, uint32_t writer, struct str payload)
{
    struct journal_probe probe;
    if (!take(&payload, &probe, sizeof(probe)))
        return;
    struct redo_job *job =
        find_job(reader, &reader->batches, is_batch, (struct job_key){writer, probe.batch_no});
    if (job != NULL)
        job->fate = probe.is_committed != 0 ? REDO_COMMITTED : REDO_NEVER;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* False: nothing whole follows. */
static bool next_frame(struct str *rest, struct journal_frame *frame, struct str *payload)
{
    struct str from = *rest;
    uint32_t again;
    if (!take(&from, frame, sizeof(*frame)) || frame->magic != JOURNAL_MAGIC ||
        from.len < (size_t)frame->size + sizeof(again))
        return false;
    *payload = str_sub(from, 0, frame->size);
    from = str_sub(from, frame->size, SIZE_MAX);
    if (!take(&from, &again, sizeof(again)) || again != frame->size)
        return false;
    *rest = from;
    return true;
}

static void read_map(struct reader *reader, const struct journal_map *map)
{
    struct journal_writer *writer = &reader->journals->writer[map->writer];
    struct str rest = {map->at, map->len};
    struct journal_frame frame;
    struct str payload;
    if (map->is_after_hole || writer->is_torn) /* a torn end is a process's; it has none after it */
        writer->gap_us = INT64_MAX;
    while (next_frame(&rest, &frame, &payload)) {
        switch (frame.kind) {
        case JOURNAL_JOB:
            add_job(reader, map->writer, payload);
            break;
        case JOURNAL_END:
            add_end(reader, map->writer, payload);
            break;
        case JOURNAL_PROBE:
            add_probe(reader, map->writer, payload);
            break;
        case JOURNAL_GAP:
            writer->gap_us = INT64_MAX;
            break;
        default: /* the head was read before */
            break;
        }
    }
    writer->is_torn = rest.len > 0;
}

/* False: not a journal; it may be one that was made a moment before its host went down. */
static bool open_map(struct journal_map *map, const char *folder, const char *name)
{
    char path[JOURNAL_PATH_MAX + NAME_SIZE];
    struct stat about;
    struct journal_frame frame;
    struct str payload;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fstat(fd, &about) == 0 && about.st_size > 0;
    if (ok) {
        map->len = (size_t)about.st_size;
        map->at = mmap(NULL, map->len, PROT_READ, MAP_PRIVATE, fd, 0);
        ok = map->at != MAP_FAILED;
    }
    (void)close(fd);
    if (!ok)
        return false;
    struct str rest = {map->at, map->len};
    if (!next_frame(&rest, &frame, &payload) || frame.kind != JOURNAL_HEAD ||
        !take(&payload, &map->head, sizeof(map->head))) {
        (void)munmap(map->at, map->len);
        return false;
    }
    return str_copy_to(str_of(name), map->name, sizeof(map->name));
}

static int compare_maps(const void *a, const void *b)
{
    const struct journal_map *first = a;
    const struct journal_map *second = b;
    int order = uuid_compare(&first->head.writer_id, &second->head.writer_id);
    if (order != 0)
        return order;
    return first->head.number < second->head.number ? -1 : first->head.number > second->head.number;
}

static bool open_all(struct journals *journals, const char *folder, struct error *err)
{
    size_t room = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return errno == ENOENT ||
               fail(err, ERROR_IO, "cannot read the journals in %s: %s", folder, strerror(errno));
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (!str_ends(str_of(entry->d_name), STR(".journal")))
            continue;
        if (journals->map_count == room) {
            room = room == 0 ? 64 : room * 2;
            journals->map = realloc(journals->map, room * sizeof(*journals->map));
            CHECK(journals->map != NULL);
        }
        struct journal_map *map = &journals->map[journals->map_count];
        memset(map, 0, sizeof(*map));
        journals->map_count += open_map(map, folder, entry->d_name);
    }
    closedir(dir);
    if (journals->map_count > 0)
        qsort(journals->map, journals->map_count, sizeof(*journals->map), compare_maps);
    return true;
}

/* Files stand by writer and number. */
static void name_writers(struct journals *journals)
{
    uint8_t ours[32];
    journal_texts(ours);
    journals->writer = calloc(journals->map_count + 1, sizeof(*journals->writer));
    CHECK(journals->writer != NULL);
    for (size_t i = 0; i < journals->map_count; i++) {
        struct journal_map *map = &journals->map[i];
        struct journal_writer *writer = &journals->writer[journals->writer_count];
        if (i > 0 && uuid_eq(&map->head.writer_id, &journals->map[i - 1].head.writer_id)) {
            writer--;
            map->is_after_hole = map->head.number != journals->map[i - 1].head.number + 1;
        } else {
            *writer = (struct journal_writer){.head = map->head, .first_number = map->head.number};
            journals->writer_count++;
        }
        writer->is_foreign = writer->is_foreign || memcmp(map->head.texts, ours, sizeof(ours)) != 0;
        map->writer = (uint32_t)(writer - journals->writer);
    }
}

static bool is_tail(const struct journals *journals, size_t index)
{
    size_t after = index + TAIL_FILES;
    return after >= journals->map_count ||
           journals->map[after].writer != journals->map[index].writer;
}

static int compare_jobs(const void *a, const void *b)
{
    const struct redo_job *first = a;
    const struct redo_job *second = b;
    if (first->sent_us != second->sent_us)
        return first->sent_us < second->sent_us ? -1 : 1;
    if (first->writer != second->writer)
        return first->writer < second->writer ? -1 : 1;
    return first->id < second->id ? -1 : first->id > second->id;
}

bool journals_read(struct journals *journals, const char *folder, bool tails, struct error *err)
{
    struct reader reader = {.journals = journals};
    memset(journals, 0, sizeof(*journals));
    if (!open_all(journals, folder, err))
        return false;
    name_writers(journals);
    for (size_t i = 0; i < journals->map_count; i++) {
        if (!tails || is_tail(journals, i))
            read_map(&reader, &journals->map[i]);
    }
    finder_release(&reader.jobs);
    finder_release(&reader.batches);
    if (journals->job_count > 0)
        qsort(journals->job, journals->job_count, sizeof(*journals->job), compare_jobs);
    return true;
}

void journals_release(struct journals *journals)
{
    for (size_t i = 0; i < journals->job_count; i++)
        free(journals->job[i].won);
    for (size_t i = 0; i < journals->map_count; i++)
        (void)munmap(journals->map[i].at, journals->map[i].len);
    free(journals->job);
    free(journals->writer);
    free(journals->map);
    memset(journals, 0, sizeof(*journals));
}

const char *journals_file(const struct journals *journals, size_t index)
{
    CHECK(index < journals->map_count);
    return journals->map[index].name;
}
