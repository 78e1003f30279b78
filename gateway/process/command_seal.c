/* turnpike ledger verify: was a sealed transfer changed, removed or added behind our back? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "process/command.h"
#include "process/seal_verify.h"

enum {
    EXIT_FOUND = 1,
    EXIT_NOT_DONE = 2,
    JSON_BYTES_MAX = 8192,
    LATE_MAX_DAYS = 2, /* what a restore brings back is at most as old as the journal (a day) */
};

struct verifying {
    struct config config;
    struct anchors anchors;
    struct anchor_keys keys;
    struct seal_asked asked;
    bool has_anchors;
    bool as_json;
};

static bool take_files(int *argc, char **argv, struct verifying *v, struct error *err)
{
    const char *file;
    while ((file = command_option(argc, argv, "key")) != NULL) {
        if (!anchor_keys_read(&v->keys, file, err))
            return false;
    }
    while ((file = command_option(argc, argv, "anchors")) != NULL) {
        const struct uuid *merchant_id = &v->asked.merchant_id;
        v->has_anchors = true;
        if (!anchors_load(&v->anchors, file, uuid_is_zero(merchant_id) ? NULL : merchant_id,
                          &v->keys, false, err))
            return false;
    }
    return true;
}

static bool take_options(int argc, char **argv, struct verifying *v, struct error *err)
{
    struct error ignored;
    const char *merchant = command_option(&argc, argv, "merchant");
    const char *jobs = command_option(&argc, argv, "jobs");
    const char *late = command_option(&argc, argv, "late-max");
    const char *database = command_option(&argc, argv, "database");
    int64_t job_count = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t now_us = clock_wall_us();
    int64_t since_us = now_us - (int64_t)LATE_MAX_DAYS * 24 * 3600 * CLOCK_SECOND_US;
    v->as_json = command_flag(&argc, argv, "json");
    v->asked.was_restored = command_flag(&argc, argv, "restored");
    if (merchant != NULL &&
        !id_parse(ID_MERCHANT, str_of(merchant), &v->asked.merchant_id, &ignored))
        return fail(err, ERROR_INVALID, "ledger: %s is no merchant's id; they begin with mer_",
                    merchant);
    if (jobs != NULL && (!str_to_int64(str_of(jobs), &job_count) || job_count < 1 ||
                         job_count > SEAL_VERIFY_JOBS_MAX))
        return fail(err, ERROR_INVALID, "ledger: --jobs is a number from 1 to %d",
                    SEAL_VERIFY_JOBS_MAX);
    if (late != NULL && !clock_parse_back(str_of(late), now_us, &since_us, &ignored))
        return fail(err, ERROR_INVALID, "ledger: --late-max is a time, as 2d, 12h or 5m");
    if (!take_files(&argc, argv, v, err) || !command_config(&argc, argv, &v->config, err) ||
        !command_done(argc, argv, err))
        return false;
    v->asked.database = database != NULL ? database : v->config.database;
    v->asked.anchors = v->has_anchors ? &v->anchors : NULL;
    v->asked.keys = &v->keys;
    v->asked.jobs = job_count < SEAL_VERIFY_JOBS_MAX ? (unsigned)job_count : SEAL_VERIFY_JOBS_MAX;
    v->asked.late_max_us = now_us - since_us;
    v->asked.shows_progress = isatty(STDERR_FILENO) == 1;
    return true;
}

static void warn(const struct verifying *v, const struct seal_verdict *verdict)
{
    if (!v->has_anchors)
        (void)fprintf(stderr,
                      "turnpike: warning: only the chain was checked: who owns the database "
                      "can make another; name the anchors with --anchors FILE\n");
    if (v->keys.count == 0)
        (void)fprintf(stderr, "turnpike: warning: signatures were not checked; name the public key "
                              "with --key FILE\n");
    if (v->anchors.unread > 0)
        (void)fprintf(stderr, "turnpike: warning: %zu lines of the anchor files are no anchors\n",
                      v->anchors.unread);
    if (verdict->gaps > 0)
        (void)fprintf(stderr,
                      "turnpike: warning: the ledger was set back %" PRIu64 " times and went on\n",
                      verdict->gaps);
}

static bool is_found(const struct verifying *v, const struct seal_verdict *verdict)
{
    return verdict->seal.text[0] != '\0' || verdict->row.text[0] != '\0' || v->anchors.forged > 0;
}

static bool print_json(const struct verifying *v, const struct seal_verdict *verdict)
{
    struct buf out;
    struct json_out json;
    buf_init(&out, JSON_BYTES_MAX);
    json_out_init(&json, &out);
    json_begin_object(&json);
    json_put_bool(&json, "as_sealed", !is_found(v, verdict));
    json_put_int(&json, "forged_anchors", (int64_t)v->anchors.forged);
    json_put_cstr(&json, "bad_row", verdict->row.text[0] != '\0' ? verdict->row.text : NULL);
    json_put_cstr(&json, "bad_seal", verdict->seal.text[0] != '\0' ? verdict->seal.text : NULL);
    json_put_int(&json, "merchants", (int64_t)verdict->merchants);
    json_put_int(&json, "seals", (int64_t)verdict->seals);
    json_put_int(&json, "rows", (int64_t)verdict->rows);
    json_put_int(&json, "late_rows", (int64_t)verdict->late_rows);
    json_put_int(&json, "not_sealed", (int64_t)(verdict->new_rows + verdict->waiting));
    if (v->has_anchors)
        json_put_int(&json, "not_anchored", (int64_t)verdict->unanchored);
    json_end_object(&json);
    (void)printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
    buf_release(&out);
    return !is_found(v, verdict);
}

static bool print(const struct verifying *v, const struct seal_verdict *verdict)
{
    bool has_found = is_found(v, verdict);
    if (v->anchors.forged > 0)
        printf("BAD %zu anchors are signed by none of the keys; if a key was changed, name the one "
               "before, too\n",
               v->anchors.forged);
    if (verdict->row.text[0] != '\0')
        printf("BAD %s\n", verdict->row.text);
    if (verdict->seal.text[0] != '\0')
        printf("BAD %s\n", verdict->seal.text);
    if (has_found)
        printf(
            "the ledger is not as it was sealed: keep it as it is for those who look into it, and "
            "compare with a backup from before (docs/ledger.md)\n");
    printf("%" PRIu64 " merchants, %" PRIu64 " seals, %" PRIu64 " rows%s (%" PRIu64
           " of them came late)\n",
           verdict->merchants, verdict->seals, verdict->rows,
           has_found ? " looked at" : " are as they were sealed", verdict->late_rows);
    printf("not yet sealed: %" PRIu64 "\n", verdict->new_rows + verdict->waiting);
    if (v->has_anchors)
        printf("not yet anchored: %" PRIu64 " seals\n", verdict->unanchored);
    return !has_found;
}

/* Exit status 0: nothing was found; 1: something was; 2: it could not be looked at. */
int command_ledger_verify(int argc, char **argv)
{
    static struct verifying v;
    struct seal_verdict verdict;
    struct error err = {.text = ""};
    anchors_init(&v.anchors);
    bool ok = take_options(argc, argv, &v, &err) && seal_verify(&v.asked, &verdict, &err);
    bool is_clean = false;
    if (ok) {
        warn(&v, &verdict);
        is_clean =
            (v.as_json ? print_json(&v, &verdict) : print(&v, &verdict)) && fflush(stdout) == 0;
    } else {
        (void)command_fail(&err);
    }
    anchors_release(&v.anchors);
    return !ok ? EXIT_NOT_DONE : is_clean ? 0 : EXIT_FOUND;
}
