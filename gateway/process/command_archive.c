/*
 * turnpike archive - payments that have been over for long: their attempts move to files, and back.
 *
 * Two hundred payments to a file, which is on the disk and was read again before the database lets go
 * of their rows (ledger/archive.h). Whoever is interrupted begins anew: what was taken is archived, a
 * file that was not taken is of no use to anybody, and --check names it.
 * Exit status 0: done; 1: it could not be done; 2: --check found a fault, --restore found nothing.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "process/archive_file.h"
#include "process/command.h"
#include "process/secrets.h"

enum {
    ARENA_BYTES_MAX = 1 << 30,
    EXIT_FAULT = 2,
    DAYS_MAX = 36500,
    NAME_MAX_LEN = 200,
};

enum archive_what {
    ARCHIVE_AWAY_OLD = 0,
    ARCHIVE_BACK,
    ARCHIVE_SHOW,
    ARCHIVE_CHECK,
    ARCHIVE_LIST,
};

struct archiver {
    enum archive_what what;
    const char *folder;
    const char *database;
    const char *author;
    const char *target; /* of --restore, --show */
    struct uuid merchant_id;
    bool has_merchant;
    bool is_dry;
    int64_t days;
    int64_t limit; /* payments; 0: all */
    struct config config;
    struct secrets secrets;
    struct archive_db *db; /* owned */
    struct arena arena;
    uint64_t looked_at;
    uint64_t done;
    uint64_t stays;
    uint64_t faults;
    uint64_t files;
    uint64_t bytes;
};

/* ---- arguments ----------------------------------------------------------------------------------- */

static bool take_number(int *argc, char **argv, const char *name, int64_t least, int64_t most,
                        int64_t *value, struct error *err)
{
    const char *text = command_option(argc, argv, name);
    return text == NULL ||
           (str_to_int64(str_of(text), value) && *value >= least && *value <= most) ||
           fail(err, ERROR_INVALID, "archive: --%s is a number from %" PRId64 " to %" PRId64, name,
                least, most);
}

static bool take_what(int *argc, char **argv, struct archiver *a, struct error *err)
{
    const char *back = command_option(argc, argv, "restore");
    const char *show = command_option(argc, argv, "show");
    bool is_check = command_flag(argc, argv, "check");
    bool is_list = command_flag(argc, argv, "list");
    a->days = -1;
    if (!take_number(argc, argv, "older-than", 0, DAYS_MAX, &a->days, err))
        return false;
    if ((back != NULL) + (show != NULL) + is_check + is_list + (a->days >= 0) != 1)
        return fail(
            err, ERROR_INVALID,
            "archive: say one thing: --older-than DAYS, --restore ID, --show ID, --check or "
            "--list");
    a->target = back != NULL ? back : show;
    a->what = back != NULL   ? ARCHIVE_BACK
              : show != NULL ? ARCHIVE_SHOW
              : is_check     ? ARCHIVE_CHECK
              : is_list      ? ARCHIVE_LIST
                             : ARCHIVE_AWAY_OLD;
    return true;
}

static bool take(int *argc, char **argv, struct archiver *a, struct error *err)
{
    struct error ignored;
    if (!take_what(argc, argv, a, err) ||
        !take_number(argc, argv, "limit", 1, INT64_C(1) << 50, &a->limit, err))
        return false;
    const char *merchant = command_option(argc, argv, "merchant");
    a->folder = command_option(argc, argv, "folder");
    a->author = command_option(argc, argv, "by");
    a->database = command_option(argc, argv, "database");
    a->is_dry = command_flag(argc, argv, "dry-run");
    a->has_merchant = merchant != NULL;
    if (merchant != NULL && !id_parse(ID_MERCHANT, str_of(merchant), &a->merchant_id, &ignored))
        return fail(err, ERROR_INVALID,
                    "archive: \"%.40s\" is no merchant's id; they begin with mer_", merchant);
    if (a->target != NULL && merchant == NULL)
        return fail(err, ERROR_INVALID, "archive: say whose with --merchant ID");
    if (a->folder == NULL && a->what != ARCHIVE_LIST && !a->is_dry)
        return fail(err, ERROR_INVALID, "archive: say where the files are with --folder DIR");
    size_t author_len = a->author != NULL ? strlen(a->author) : 0;
    if (a->what == ARCHIVE_AWAY_OLD && !a->is_dry && (author_len == 0 || author_len > NAME_MAX_LEN))
        return fail(err, ERROR_INVALID,
                    "archive: say who archives with --by NAME (1 to %d characters)", NAME_MAX_LEN);
    return true;
}

/* Each merchant, or the one that was named. */
static bool each_merchant(struct archiver *a, bool (*of)(struct archiver *, struct error *),
                          struct error *err)
{
    bool is_over = false;
    if (a->has_merchant)
        return of(a, err);
    memset(&a->merchant_id, 0, sizeof(a->merchant_id));
    while (archive_next_merchant(a->db, &a->merchant_id, &is_over, err)) {
        if (!of(a, err))
            return false;
    }
    return is_over;
}

/* ---- records ------------------------------------------------------------------------------------- */

static bool find_record(struct archiver *a, const struct archive_file *file,
                        const struct buf *content, struct archive_subject *it, struct error *err)
{
    struct str rest = archive_file_records(content);
    struct str sealed;
    struct uuid id;
    while (archive_file_next(&rest, &id, &sealed, err)) {
        if (uuid_eq(&id, &it->id))
            return archive_open(a->secrets.seal, &file->merchant_id, &file->archive_id, sealed,
                                &a->arena, it, err);
    }
    return err->text[0] == '\0' ? fail(err, ERROR_NOT_FOUND, "the file has no record of it")
                                : false;
}

/* ---- away ---------------------------------------------------------------------------------------- */

static void tell_progress(const struct archiver *a, bool is_over)
{
    if (isatty(STDERR_FILENO) == 1)
        (void)fprintf(stderr, "\r%" PRIu64 " looked at, %" PRIu64 " archived%s", a->looked_at,
                      a->done, is_over ? "\n" : "");
}

/* What is on the disk opens, and is what is in the database: before the database lets go of it. */
static bool prove_page(struct archiver *a, const struct archive_file *file,
                       const struct archive_subject *subjects, size_t count, struct error *err)
{
    struct buf content;
    buf_init(&content, ARCHIVE_FILE_MAX);
    bool ok = archive_file_read(a->folder, file, &content, err);
    for (size_t i = 0; ok && i < count; i++) {
        struct archive_subject again = subjects[i];
        ok = again.record.len == 0 ||
             (find_record(a, file, &content, &again, err) &&
              (str_eq(again.record, subjects[i].record) ||
               fail(err, ERROR_IO, "the file does not hold what it should")));
    }
    buf_release(&content);
    return ok;
}

/* The records of those that move, in a file. */
static bool write_page(struct archiver *a, struct archive_file *file,
                       const struct archive_subject *subjects, size_t count, struct error *err)
{
    struct buf content;
    struct buf sealed;
    buf_init(&content, ARCHIVE_FILE_MAX);
    buf_init(&sealed, ARCHIVE_RECORD_MAX + AEAD_OVERHEAD + 64);
    archive_file_begin(&content);
    for (size_t i = 0; i < count; i++) {
        if (subjects[i].record.len == 0)
            continue;
        buf_clear(&sealed);
        archive_seal(a->secrets.seal, file, &subjects[i], &sealed);
        archive_file_add(&content, &subjects[i].id, buf_str(&sealed));
    }
    bool ok = (buf_is_ok(&content) && buf_is_ok(&sealed)) ||
              fail(err, ERROR_INVALID, "the payments are too large for a file");
    ok = ok && archive_file_write(a->folder, file, buf_str(&content), err) &&
         prove_page(a, file, subjects, count, err);
    buf_release(&sealed);
    buf_release(&content);
    return ok;
}

static bool move_page(struct archiver *a, const struct archive_subject *subjects, size_t count,
                      size_t moving, struct error *err)
{
    size_t taken = 0;
    struct archive_file file = {
        .merchant_id = a->merchant_id,
        .archive_id = uuid_new(),
        .created_us = clock_wall_us(),
        .author = a->author,
    };
    if (!write_page(a, &file, subjects, count, err) ||
        !archive_take(a->db, &file, subjects, count, &taken, err))
        return false;
    a->done += taken;
    a->stays += moving - taken;
    a->files += taken > 0;
    a->bytes += taken > 0 ? (uint64_t)file.byte_count : 0;
    if (taken == 0) { /* nobody has a key of it */
        char path[ARCHIVE_PATH_SIZE];
        if (archive_file_path(a->folder, &file.merchant_id, &file.archive_id, path, err))
            (void)unlink(path);
    }
    return true;
}

/* What is over the limit stays. */
static size_t count_moving(const struct archiver *a, struct archive_subject *subjects, size_t count)
{
    size_t moving = 0;
    for (size_t i = 0; i < count; i++) {
        if (a->limit > 0 && a->done + moving >= (uint64_t)a->limit)
            subjects[i].record = STR_NONE;
        moving += subjects[i].record.len > 0;
    }
    return moving;
}

static bool move_old(struct archiver *a, struct error *err)
{
    struct uuid after = {{0}};
    size_t count = ARCHIVE_PAGE_MAX;
    int64_t before_us = clock_wall_us() - a->days * 86400 * CLOCK_SECOND_US;
    while (count == ARCHIVE_PAGE_MAX && (a->limit == 0 || a->done < (uint64_t)a->limit)) {
        struct archive_subject *subjects = NULL;
        arena_reset(&a->arena);
        if (!archive_page(a->db, &a->merchant_id, &after, before_us, &a->arena, &subjects, &count,
                          err))
            return false;
        for (size_t i = 0; i < count; i++)
            a->stays += subjects[i].obstacle.len > 0;
        a->looked_at += count;
        size_t moving = count_moving(a, subjects, count);
        if (a->is_dry)
            a->done += moving;
        else if (moving > 0 && !move_page(a, subjects, count, moving, err))
            return false;
        if (count > 0)
            after = subjects[count - 1].id;
        tell_progress(a, false);
    }
    return true;
}

/* ---- back ---------------------------------------------------------------------------------------- */

static bool put_back(struct archiver *a, const struct archive_file *file, const struct buf *content,
                     struct archive_subject *it, struct error *err)
{
    bool was_away = false;
    char id[ID_TEXT_SIZE];
    if (!find_record(a, file, content, it, err))
        return fail_prefix(err, "%s", id_format(ID_PAYMENT, &it->id, id).at);
    if (a->what == ARCHIVE_SHOW)
        return printf(STR_FMT "\n", STR_ARG(it->record)) > 0;
    if (!archive_restore(a->db, &a->merchant_id, it, &was_away, err))
        return fail_prefix(err, "%s", id_format(ID_PAYMENT, &it->id, id).at);
    a->done += was_away;
    printf("%s %s\n", id_format(ID_PAYMENT, &it->id, id).at,
           was_away ? "restored" : "was restored by somebody else");
    return true;
}

static bool read_known(struct archiver *a, struct archive_file *file, struct buf *content,
                       struct uuid *first, struct uuid *last, struct error *err)
{
    bool is_known = false;
    char name[UUID_TEXT_SIZE];
    if (!archive_knows(a->db, file, first, last, &is_known, err))
        return false;
    if (!is_known)
        return fail(err, ERROR_NOT_FOUND, "the database knows no archive %s of this merchant",
                    uuid_format(&file->archive_id, name).at);
    return archive_file_read(a->folder, file, content, err);
}

static bool restore_file(struct archiver *a, struct archive_file *file, struct error *err)
{
    struct uuid first, last;
    struct archive_subject *subjects = NULL;
    size_t count = 0;
    struct buf content;
    buf_init(&content, ARCHIVE_FILE_MAX);
    bool ok = read_known(a, file, &content, &first, &last, err) &&
              archive_members(a->db, file, &first, &last, &a->arena, &subjects, &count, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = put_back(a, file, &content, &subjects[i], err);
    buf_release(&content);
    return ok;
}

static bool restore_one(struct archiver *a, const struct uuid *id, struct error *err)
{
    struct uuid first, last;
    struct buf content;
    enum archive_found found = ARCHIVE_ABSENT;
    struct archive_subject it = {.id = *id};
    struct archive_file file = {.merchant_id = a->merchant_id};
    if (!archive_find(a->db, &a->merchant_id, &it, &file.archive_id, &found, err))
        return false;
    if (found != ARCHIVE_AWAY) {
        printf("%s %s\n", a->target,
               found == ARCHIVE_HERE ? "is not archived"
                                     : "does not exist; a merchant and its test twin have ids of "
                                       "their own");
        return true;
    }
    buf_init(&content, ARCHIVE_FILE_MAX);
    bool ok = read_known(a, &file, &content, &first, &last, err) &&
              put_back(a, &file, &content, &it, err);
    a->done += ok && a->what == ARCHIVE_SHOW;
    buf_release(&content);
    return ok;
}

static bool restore(struct archiver *a, struct error *err)
{
    struct error ignored;
    struct uuid id;
    struct archive_file file = {.merchant_id = a->merchant_id};
    if (uuid_parse(str_of(a->target), &file.archive_id, &ignored))
        return restore_file(a, &file, err);
    return id_parse(ID_PAYMENT, str_of(a->target), &id, &ignored)
               ? restore_one(a, &id, err)
               : fail(err, ERROR_INVALID,
                      "\"%.40s\" is no payment's id (pay_...), and no archive's", a->target);
}

/* ---- looking ------------------------------------------------------------------------------------- */

static void tell_fault(struct archiver *a, const char *what, const char *remedy)
{
    a->faults++;
    printf("FAULT %s: %s\n", what, remedy);
}

static bool check_file(struct archiver *a, struct archive_file *file, const struct uuid *first,
                       const struct uuid *last, struct error *err)
{
    struct archive_subject *subjects = NULL;
    size_t count = 0;
    struct error found = {.text = ""};
    struct buf content;
    char name[ARCHIVE_PATH_SIZE];
    arena_reset(&a->arena);
    if (!archive_members(a->db, file, first, last, &a->arena, &subjects, &count, err) ||
        !archive_file_path(a->folder, &file->merchant_id, &file->archive_id, name, err))
        return false;
    buf_init(&content, ARCHIVE_FILE_MAX);
    a->files++;
    if (!archive_file_read(a->folder, file, &content, &found)) {
        tell_fault(a, name, found.text);
    } else {
        for (size_t i = 0; i < count; i++) {
            char id[ID_TEXT_SIZE];
            if (find_record(a, file, &content, &subjects[i], &found))
                a->done++;
            else
                tell_fault(a, id_format(ID_PAYMENT, &subjects[i].id, id).at, found.text);
        }
    }
    buf_release(&content);
    return true;
}

/* Files that were written and not taken, or only begun. */
static bool check_names(struct archiver *a, struct error *err)
{
    char path[ARCHIVE_PATH_SIZE];
    struct error ignored;
    struct uuid first, last;
    if (!archive_file_path(a->folder, &a->merchant_id, NULL, path, err))
        return false;
    DIR *folder = opendir(path);
    bool ok = true;
    for (struct dirent *entry; ok && folder != NULL && (entry = readdir(folder)) != NULL;) {
        struct archive_file file = {.merchant_id = a->merchant_id};
        struct str name = str_of(entry->d_name);
        struct str id = str_cut(&name, '.');
        bool is_known = false;
        if (entry->d_name[0] == '.')
            continue;
        if (str_eq(name, STR("tpa")) && uuid_parse(id, &file.archive_id, &ignored))
            ok = archive_knows(a->db, &file, &first, &last, &is_known, err);
        if (ok && !is_known)
            tell_fault(
                a, entry->d_name,
                "the database does not know it: remove it (its payments are in the database), "
                "unless the database was restored from a backup of before");
    }
    if (folder != NULL)
        (void)closedir(folder);
    return ok;
}

static bool check_merchant(struct archiver *a, struct error *err)
{
    struct uuid first, last;
    struct archive_file file = {.merchant_id = a->merchant_id};
    bool is_over = false;
    while (archive_next_file(a->db, &file, &first, &last, &is_over, err)) {
        if (!check_file(a, &file, &first, &last, err))
            return false;
    }
    return is_over && check_names(a, err);
}

static bool list_merchant(struct archiver *a, struct error *err)
{
    struct uuid first, last;
    struct archive_file file = {.merchant_id = a->merchant_id};
    bool is_over = false;
    while (archive_next_file(a->db, &file, &first, &last, &is_over, err)) {
        char when[CLOCK_TEXT_SIZE], merchant[ID_TEXT_SIZE], name[UUID_TEXT_SIZE];
        char from[ID_TEXT_SIZE], to[ID_TEXT_SIZE];
        printf("%s  %s/%s.tpa  %s to %s  %" PRId64 " bytes\n",
               clock_format_ms(file.created_us, when).at,
               id_format(ID_MERCHANT, &file.merchant_id, merchant).at,
               uuid_format(&file.archive_id, name).at, id_format(ID_PAYMENT, &first, from).at,
               id_format(ID_PAYMENT, &last, to).at, file.byte_count);
        a->files++;
    }
    return is_over;
}

/* ---- the command --------------------------------------------------------------------------------- */

static bool run(struct archiver *a, struct error *err)
{
    switch (a->what) {
    case ARCHIVE_AWAY_OLD:
        return each_merchant(a, move_old, err);
    case ARCHIVE_BACK:
    case ARCHIVE_SHOW:
        return restore(a, err);
    case ARCHIVE_CHECK:
        return each_merchant(a, check_merchant, err);
    case ARCHIVE_LIST:
        return each_merchant(a, list_merchant, err);
    }
    return false;
}

static int finish(const struct archiver *a, bool ok, struct error *err)
{
    if (a->what == ARCHIVE_AWAY_OLD) {
        tell_progress(a, true);
        printf("%" PRIu64 " %s", a->done, a->is_dry ? "would be archived" : "archived");
        if (!a->is_dry)
            printf(" in %" PRIu64 " files of %" PRIu64 " bytes", a->files, a->bytes);
        printf(", %" PRIu64 " stay\n", a->stays);
    } else if (a->what == ARCHIVE_CHECK) {
        printf("%" PRIu64 " files, %" PRIu64 " payments can be restored, %" PRIu64 " faults\n",
               a->files, a->done, a->faults);
    }
    if (fflush(stdout) != 0 && ok)
        ok = fail(err, ERROR_IO, "cannot write");
    if (!ok) {
        (void)fail_prefix(err, "archive");
        return command_fail(err);
    }
    return a->faults > 0 || (a->target != NULL && a->done == 0) ? EXIT_FAULT : 0;
}

int command_archive(int argc, char **argv)
{
    static struct archiver a;
    struct error err = {.text = ""};
    bool ok = take(&argc, argv, &a, &err) && command_config(&argc, argv, &a.config, &err) &&
              command_done(argc, argv, &err);
    if (!ok)
        return command_fail(&err);
    bool has_records = a.what != ARCHIVE_LIST && !a.is_dry;
    if (has_records && !secrets_load(&a.secrets, a.config.master_secret_file, &err)) {
        (void)fail_prefix(&err,
                          "archive: records are sealed; name the gateway's configuration with "
                          "--config FILE");
        return command_fail(&err);
    }
    arena_init(&a.arena, ARENA_BYTES_MAX);
    a.db = archive_db_open(a.database != NULL ? a.database : a.config.database, &err);
    ok = a.db != NULL && run(&a, &err);
    int status = finish(&a, ok, &err);
    archive_db_close(&a.db);
    secrets_release(&a.secrets);
    arena_release(&a.arena);
    return status;
}
