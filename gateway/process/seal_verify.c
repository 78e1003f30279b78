#include "process/seal_verify.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    PROGRESS_MS = 100,
    MARKS_BYTES_MAX = 2 * SEAL_ROW_MAX * SEAL_MARK_SIZE + 1,
};

struct unit { /* the rows of a seal */
    uint32_t merchant;
    bool is_sound; /* what the seal says of itself holds: its list can name a row */
    int64_t number;
    int64_t before_us; /* when the seal before was made; 0: there is none */
};

struct job { /* what one of the processes found */
    struct seal_finding row;
    struct error err; /* text empty: none */
};

struct board { /* shared with the jobs */
    _Atomic size_t next;
    _Atomic size_t bad; /* the first unit with a bad row so far */
    _Atomic uint64_t rows;
    _Atomic uint64_t late_rows;
    struct job job[SEAL_VERIFY_JOBS_MAX];
};

struct verify {
    const struct seal_asked *asked;
    struct seal_verdict *verdict;
    struct seal_store *store; /* owned */
    struct uuid *merchant;    /* owned */
    size_t merchant_count;
    struct unit *unit; /* owned */
    size_t unit_count;
    size_t unit_room;
    uint64_t row_count;  /* that the seals say they have */
    struct board *board; /* owned: shared memory */
    /* of the merchant whose chain is read */
    struct seal before;
    size_t anchor;    /* the next one */
    int64_t anchored; /* number of the last seal whose anchor fits */
    int64_t anchored_us;
    struct uuid anchored_to; /* its last id */
};

/* ---- findings --------------------------------------------------------------------------------- */

static void find(struct seal_finding *finding, size_t place, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void find(struct seal_finding *finding, size_t place, const char *format, ...)
{
    va_list args;
    if (finding->text[0] != '\0' && finding->place <= place)
        return;
    finding->place = place;
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof(finding->text), format, args);
    va_end(args);
}

struct shown {
    char text[ID_TEXT_SIZE];
};

static struct shown show(enum id_kind kind, const struct uuid *id)
{
    struct shown shown = {{0}};
    (void)id_format(kind, id, shown.text);
    return shown;
}

static struct shown show_time(int64_t us)
{
    struct shown shown = {{0}};
    char text[CLOCK_TEXT_SIZE];
    (void)str_copy_to(clock_format_ms(us, text), shown.text, sizeof(shown.text));
    return shown;
}

/* ---- the chains ------------------------------------------------------------------------------- */

static const struct anchor *next_anchor(const struct verify *v, const struct uuid *merchant_id)
{
    const struct anchors *anchors = v->asked->anchors;
    if (anchors == NULL || v->anchor >= anchors->count ||
        !uuid_eq(&anchors->at[v->anchor].merchant_id, merchant_id))
        return NULL;
    return &anchors->at[v->anchor];
}

static void find_lost(struct verify *v, const struct anchor *anchor, bool is_gap)
{
    if (is_gap && v->asked->was_restored)
        return;
    v->verdict->bad_seals++;
    find(&v->verdict->seal, v->unit_count,
         "%s: seal %" PRId64 ", which was anchored at %s, is gone%s",
         show(ID_MERCHANT, &anchor->merchant_id).text, anchor->number,
         show_time(anchor->made_us).text,
         is_gap ? ": the ledger was set back then; after a restore of yours say --restored" : "");
}

static void compare_anchor(struct verify *v, const struct anchor *anchor, const struct seal *seal)
{
    if (memcmp(anchor->head, seal->head, SEAL_HASH_SIZE) == 0) {
        v->anchored = seal->number;
        v->anchored_us = anchor->made_us;
        v->anchored_to = seal->to_id;
        return;
    }
    v->verdict->bad_seals++;
    find(&v->verdict->seal, v->unit_count,
         "%s: seal %" PRId64
         " is not the one that was anchored at %s: the ledger was rewritten, and "
         "sealed again, between %s and %s (after seal %" PRId64 ")",
         show(ID_MERCHANT, &seal->merchant_id).text, seal->number, show_time(anchor->made_us).text,
         v->anchored == 0 ? "its beginning" : show(ID_TRANSFER, &v->anchored_to).text,
         show(ID_TRANSFER, &seal->to_id).text, v->anchored);
}

static void look_at_anchors(struct verify *v, const struct seal *seal)
{
    const struct anchor *anchor;
    bool has_gap = false;
    while ((anchor = next_anchor(v, &seal->merchant_id)) != NULL &&
           anchor->number <= seal->number) {
        if (anchor->number == seal->number) {
            compare_anchor(v, anchor, seal);
        } else {
            bool is_gap = anchor->number > seal->previous;
            has_gap = has_gap || is_gap;
            find_lost(v, anchor, is_gap);
        }
        v->anchor++;
    }
    v->verdict->gaps += has_gap;
}

static void add_unit(struct verify *v, const struct seal *seal, bool is_sound)
{
    if (v->unit_count == v->unit_room) {
        v->unit_room = v->unit_room == 0 ? 1024 : v->unit_room * 2;
        v->unit = realloc(v->unit, v->unit_room * sizeof(*v->unit));
        CHECK(v->unit != NULL);
    }
    v->unit[v->unit_count++] = (struct unit){
        .merchant = (uint32_t)v->merchant_count - 1,
        .is_sound = is_sound,
        .number = seal->number,
        .before_us = v->before.sealed_us,
    };
}

static bool take_seal(void *ctx, const struct seal *seal, struct error *err)
{
    struct verify *v = ctx;
    struct error why;
    const struct anchor_keys *keys = v->asked->keys;
    (void)err;
    bool ok = seal_follows(seal, v->before.number == 0 ? NULL : &v->before, &why);
    uint8_t head[SEAL_HASH_SIZE];
    seal_head(seal, head);
    bool is_sound = memcmp(head, seal->head, sizeof(head)) == 0;
    if (ok && keys->count > 0 &&
        !anchor_keys_verify(keys, seal->head, seal->signature, seal->key_id))
        ok = fail(&why, ERROR_CONFLICT, "none of the keys has signed it");
    if (!ok) {
        v->verdict->bad_seals++;
        find(&v->verdict->seal, v->unit_count, "%s: seal %" PRId64 ": %s",
             show(ID_MERCHANT, &seal->merchant_id).text, seal->number, why.text);
    }
    look_at_anchors(v, seal);
    add_unit(v, seal, is_sound);
    v->verdict->seals++;
    v->verdict->unanchored += v->asked->anchors != NULL;
    if (v->anchored == seal->number)
        v->verdict->unanchored = 0; /* of this merchant: see take_merchant */
    v->row_count += (uint64_t)seal->row_count;
    v->before = *seal;
    return true;
}

static bool look_at_rest(struct verify *v, const struct uuid *merchant_id, struct error *err)
{
    struct seal_rest rest;
    int64_t oldest_us = v->before.sealed_us - v->asked->late_max_us;
    if (!seal_store_rest(v->store, merchant_id, &v->before.to_id, oldest_us, &rest, err))
        return false;
    v->verdict->new_rows += (uint64_t)rest.new_count;
    v->verdict->waiting += (uint64_t)rest.late_count;
    if (rest.has_hidden)
        find(&v->verdict->row, v->unit_count,
             "%s: %s is said to be of a seal that is not there (table seal_late)",
             show(ID_MERCHANT, merchant_id).text, show(ID_TRANSFER, &rest.hidden_id).text);
    if (v->before.number != 0 && rest.has_backdated)
        find(&v->verdict->row, v->unit_count,
             "%s: %s came after seal %" PRId64 " and says it is much older; after a restore, or an "
             "import by hand, say a longer --late-max",
             show(ID_MERCHANT, merchant_id).text, show(ID_TRANSFER, &rest.backdated_id).text,
             v->before.number);
    return true;
}

/* Anchors of merchants that the ledger does not know any more. */
static void skip_anchors(struct verify *v, const struct uuid *until)
{
    const struct anchors *anchors = v->asked->anchors;
    while (anchors != NULL && v->anchor < anchors->count &&
           (until == NULL || uuid_compare(&anchors->at[v->anchor].merchant_id, until) < 0)) {
        const struct anchor *anchor = &anchors->at[v->anchor++];
        if (uuid_is_zero(&v->asked->merchant_id) ||
            uuid_eq(&v->asked->merchant_id, &anchor->merchant_id))
            find_lost(v, anchor, false);
    }
}

static bool take_merchant(struct verify *v, const struct uuid *merchant_id, struct error *err)
{
    const struct anchor *anchor;
    uint64_t unanchored = v->verdict->unanchored;
    skip_anchors(v, merchant_id);
    v->merchant = realloc(v->merchant, (v->merchant_count + 1) * sizeof(*v->merchant));
    CHECK(v->merchant != NULL);
    v->merchant[v->merchant_count++] = *merchant_id;
    v->before = (struct seal){.merchant_id = *merchant_id};
    v->anchored = 0;
    v->verdict->unanchored = 0;
    v->verdict->merchants++;
    if (!seal_store_each(v->store, merchant_id, take_seal, v, err))
        return false;
    v->verdict->unanchored += unanchored;
    for (; (anchor = next_anchor(v, merchant_id)) != NULL; v->anchor++)
        find_lost(v, anchor, false);
    return look_at_rest(v, merchant_id, err);
}

static bool read_chains(struct verify *v, struct error *err)
{
    struct uuid merchants[SEAL_DUE_MAX];
    struct uuid after = {{0}};
    size_t count = 0;
    v->store = seal_store_open(v->asked->database, "turnpike ledger verify", err);
    if (v->store == NULL)
        return false;
    if (!uuid_is_zero(&v->asked->merchant_id)) {
        bool ok = take_merchant(v, &v->asked->merchant_id, err);
        skip_anchors(v, NULL);
        return ok;
    }
    do {
        if (!seal_store_merchants(v->store, &after, merchants, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!take_merchant(v, &merchants[i], err))
                return false;
            after = merchants[i];
        }
    } while (count == SEAL_DUE_MAX);
    skip_anchors(v, NULL);
    return true;
}

/* ---- the rows --------------------------------------------------------------------------------- */

static const char *const differences[] = {
    [SEAL_SAME] = "is as it was sealed",
    [SEAL_CHANGED] = "is not the row that was sealed",
    [SEAL_MISSING] = "was sealed and is gone",
    [SEAL_ADDED] = "was not there when its place was sealed",
};

static void compare_rows(struct job *job, size_t place, const struct seal *seal, struct str marks,
                         const struct seal_rows *rows)
{
    struct uuid id = {{0}};
    uint8_t root[SEAL_HASH_SIZE];
    uint8_t hash[SEAL_HASH_SIZE];
    seal_tree_root(&rows->tree, root);
    crypto_sha256(marks, hash);
    const struct shown shown = show(ID_MERCHANT, &seal->merchant_id);
    const char *merchant = shown.text;
    bool is_list_whole = memcmp(hash, seal->marks_hash, sizeof(hash)) == 0 &&
                         marks.len == (size_t)seal->row_count * SEAL_MARK_SIZE;
    bool are_rows_whole = memcmp(root, seal->root, sizeof(root)) == 0 &&
                          rows->tree.count == (uint64_t)seal->row_count &&
                          rows->late_count == seal->late_count;
    if (is_list_whole && are_rows_whole)
        return;
    if (!is_list_whole) {
        find(&job->row, place, "%s: seal %" PRId64 ": its list of rows was changed%s", merchant,
             seal->number,
             are_rows_whole ? "; the rows are as they were sealed" : ", and the rows, too");
        return;
    }
    enum seal_difference difference =
        seal_compare(marks, seal->late_count, buf_str(&rows->marks), rows->late_count, &id);
    if (difference == SEAL_SAME)
        find(&job->row, place, "%s: seal %" PRId64 ": its root is not that of its rows", merchant,
             seal->number);
    else
        find(&job->row, place, "%s: %s, of seal %" PRId64 ", %s", merchant,
             show(ID_TRANSFER, &id).text, seal->number, differences[difference]);
}

static bool check_unit(const struct verify *v, struct job *job, struct seal_store *store,
                       size_t place, struct buf *marks, struct error *err)
{
    const struct unit *unit = &v->unit[place];
    const struct uuid *merchant_id = &v->merchant[unit->merchant];
    struct seal seal;
    struct seal_rows rows;
    bool is_there = false;
    if (!seal_store_read(store, merchant_id, unit->number, &seal, marks, &is_there, err))
        return false;
    if (!is_there || !unit->is_sound)
        return true; /* the chain has told */
    seal_rows_init(&rows);
    bool ok = seal_store_rows(store, &seal, &rows, err);
    if (ok) {
        compare_rows(job, place, &seal, buf_str(marks), &rows);
        if (unit->before_us != 0 && rows.oldest_us < unit->before_us - v->asked->late_max_us)
            find(&job->row, place,
                 "%s: %s, of seal %" PRId64
                 ", came after the seal before and says it is much older;"
                 " after a restore, or an import by hand, say a longer --late-max",
                 show(ID_MERCHANT, merchant_id).text, show(ID_TRANSFER, &rows.oldest_id).text,
                 seal.number);
        atomic_fetch_add(&v->board->rows, rows.tree.count);
        atomic_fetch_add(&v->board->late_rows, (uint64_t)rows.late_count);
    }
    seal_rows_release(&rows);
    return ok;
}

static void note_bad(struct board *board, size_t place)
{
    size_t bad = atomic_load(&board->bad);
    while (place < bad && !atomic_compare_exchange_weak(&board->bad, &bad, place))
        ;
}

static int work(const struct verify *v, struct job *job)
{
    struct buf marks;
    struct seal_store *store =
        seal_store_open(v->asked->database, "turnpike ledger verify", &job->err);
    if (store == NULL)
        return 1;
    bool ok = true;
    job->err.text[0] = '\0';
    buf_init(&marks, MARKS_BYTES_MAX);
    while (ok) {
        size_t place = atomic_fetch_add(&v->board->next, 1);
        if (place >= v->unit_count || place > atomic_load(&v->board->bad))
            break;
        ok = check_unit(v, job, store, place, &marks, &job->err);
        if (job->row.text[0] != '\0')
            note_bad(v->board, job->row.place);
    }
    buf_release(&marks);
    seal_store_close(&store);
    return ok ? 0 : 1;
}

static void show_progress(const struct verify *v, bool is_last)
{
    uint64_t done = atomic_load(&v->board->rows);
    if (!v->asked->shows_progress)
        return;
    (void)fprintf(stderr, "\rverified %" PRIu64 " of %" PRIu64 " rows (%" PRIu64 " %%)%s", done,
                  v->row_count, v->row_count > 0 ? done * 100 / v->row_count : 100,
                  is_last ? "\n" : "");
    (void)fflush(stderr);
}

static bool end_jobs(struct verify *v, unsigned started, struct error *err)
{
    bool ok = true;
    for (unsigned left = started; left > 0;) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0 && errno != EINTR)
            break;
        if (pid <= 0) {
            (void)poll(NULL, 0, left == started && started == 1 ? 2 : PROGRESS_MS / 10);
            show_progress(v, false);
            continue;
        }
        left--;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            ok = false;
    }
    show_progress(v, true);
    for (unsigned i = 0; i < started; i++) {
        const struct job *job = &v->board->job[i];
        if (job->row.text[0] != '\0')
            find(&v->verdict->row, job->row.place, "%s", job->row.text);
        if (job->err.text[0] != '\0')
            *err = job->err;
        else if (!ok && err->text[0] == '\0')
            (void)fail(err, ERROR_INTERNAL, "a process that verifies died");
    }
    return ok;
}

static bool read_rows(struct verify *v, struct error *err)
{
    unsigned started = 0;
    unsigned jobs = v->unit_count < v->asked->jobs ? (unsigned)v->unit_count : v->asked->jobs;
    atomic_store(&v->board->bad, SIZE_MAX);
    (void)fflush(stdout);
    for (unsigned i = 0; i < jobs; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(work(v, &v->board->job[i])); /* without a word to the parent's connection */
        }
        if (pid < 0)
            break;
        started++;
    }
    err->text[0] = '\0';
    bool ok = end_jobs(v, started, err);
    return started == jobs ? ok : fail(err, ERROR_IO, "cannot fork: %s", strerror(errno));
}

bool seal_verify(const struct seal_asked *asked, struct seal_verdict *verdict, struct error *err)
{
    struct verify v = {.asked = asked, .verdict = verdict};
    CHECK(asked->jobs >= 1 && asked->jobs <= SEAL_VERIFY_JOBS_MAX);
    *verdict = (struct seal_verdict){0};
    v.board =
        mmap(NULL, sizeof(*v.board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (v.board == MAP_FAILED)
        return fail(err, ERROR_IO, "no memory: %s", strerror(errno));
    bool ok = read_chains(&v, err);
    seal_store_close(&v.store);
    ok = ok && read_rows(&v, err);
    verdict->rows = atomic_load(&v.board->rows);
    verdict->late_rows = atomic_load(&v.board->late_rows);
    (void)munmap(v.board, sizeof(*v.board));
    free(v.merchant);
    free(v.unit);
    return ok;
}
