/*
 * /v1/ledger/exports: a merchant's books as a file: asked for, made by a process of its own (process/export_errand.h), and
 * fetched. Who sees whose is as in ledger.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/download.h"
#include "api/list.h"
#include "api/tables.h"
#include "base/clock.h"
#include "base/log.h"
#include "ledger/exports.h"

enum {
    PUT_ROUND_MAX = 3, /* another one may take the place that was free */
    RETRY_AFTER_S = 30,
    PATH_BYTES_MAX = 4096,
};

struct asking { /* in the call's arena */
    struct api_call *call;
    struct exports_row row;
    int rounds;
    bool is_content;
    size_t limit; /* of a page */
};

static struct asking *asking_new(struct api_call *call)
{
    struct asking *asking = ARENA_NEW(&call->arena, struct asking);
    asking->call = call;
    return asking;
}

static void refuse(struct api_call *call, const char *detail, const char *param)
{
    api_call_problem(call, MESSAGE_INVALID_MEMBER, str_of(detail), str_of(param));
}

/* ---- what is shown ------------------------------------------------------------------------------ */

static void put_time(struct json_out *json, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    if (wall_us > 0) {
        json_put_str(json, key, clock_format_ms(wall_us, text));
    } else {
        json_put_null(json, key);
    }
}

static void put_text(struct json_out *json, const char *key, struct str text)
{
    if (str_is_empty(text)) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, text);
    }
}

static void put_digest(struct json_out *json, const struct exports_row *row)
{
    char hex[2 * sizeof(row->sha256)];
    for (size_t i = 0; i < sizeof(row->sha256); i++) {
        hex[2 * i] = str_hex_digits[row->sha256[i] >> 4];
        hex[2 * i + 1] = str_hex_digits[row->sha256[i] & 15];
    }
    put_text(json, "sha256", row->made_us > 0 ? (struct str){hex, sizeof(hex)} : STR_NONE);
}

static void print(const struct api *api, const struct exports_row *row, struct buf *out)
{
    char id[ID_TEXT_SIZE];
    char text[CLOCK_TEXT_SIZE];
    struct json_out json;
    int64_t keep_us = api->parts.exports_keep_us;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_str(&json, "id", id_format(ID_EXPORT, &row->export_id, id));
    json_put_cstr(&json, "object", "ledger_export");
    json_put_str(&json, "state", row->state);
    json_put_str(&json, "what", row->what);
    put_text(&json, "account", row->account);
    json_put_str(&json, "from", clock_format_ms(row->from_us, text));
    json_put_str(&json, "to", clock_format_ms(row->to_us, text));
    put_time(&json, "reached", row->reached_us);
    json_put_int(&json, "rows", row->rows);
    json_put_int(&json, "bytes", row->bytes);
    put_digest(&json, row);
    put_text(&json, "error", row->error);
    json_put_str(&json, "asked_by", id_format(ID_KEY, &row->asked_by, id));
    put_time(&json, "created", row->asked_us);
    put_time(&json, "begun", row->begun_us);
    put_time(&json, "made", row->made_us);
    put_time(&json, "expires", row->made_us > 0 ? row->made_us + keep_us : 0);
    json_end_object(&json);
}

static void reply(struct api_call *call, int status, const struct exports_row *row)
{
    struct buf body;
    buf_init(&body, CALL_BODY_MAX);
    print(call->api, row, &body);
    api_call_reply_json(call, status, &body);
    buf_release(&body);
}

/* ---- asked for ---------------------------------------------------------------------------------- */

static void put(struct asking *asking);

static void put_done(void *ctx, enum store_find found, int64_t place, const struct error *why)
{
    struct asking *asking = ctx;
    struct api_call *call = asking->call;
    char id[ID_TEXT_SIZE];
    (void)place;
    (void)why;
    if (found == STORE_ABSENT && asking->rounds++ < PUT_ROUND_MAX) {
        put(asking);
    } else if (found == STORE_ABSENT) {
        api_call_problem_full(call, MESSAGE_RATE_LIMITED,
                              STR("as many exports of this merchant as may be are being made"),
                              STR_NONE, STR_NONE, RETRY_AFTER_S);
    } else if (found == STORE_FAILED) {
        api_call_unavailable(call);
    } else {
        api_call_add_header(call, "Location",
                            arena_printf(&call->arena, "/v1/ledger/exports/%s",
                                         id_format(ID_EXPORT, &asking->row.export_id, id).at));
        reply(call, 202, &asking->row);
    }
}

static void put(struct asking *asking)
{
    struct api_call *call = asking->call;
    exports_put(call->api->parts.store, &call->caller.merchant->merchant_id, &asking->row,
                call->api->parts.exports_open_max, put_done, asking);
}

static struct str member(const struct api_call *call, const char *name)
{
    const json_t *value = json_object_get(call->body, name);
    return json_is_string(value) ? (struct str){json_string_value(value), json_string_length(value)}
                                 : STR_NONE;
}

/* False: the call was answered. */
static bool take_span(struct api_call *call, struct exports_row *row)
{
    struct error ignored;
    row->to_us = row->asked_us;
    if (!str_is_empty(member(call, "from"))) {
        CHECK(clock_parse(member(call, "from"), &row->from_us, &ignored));
    }
    if (!str_is_empty(member(call, "to"))) {
        CHECK(clock_parse(member(call, "to"), &row->to_us, &ignored));
    }
    if (row->to_us > row->asked_us) {
        refuse(call, "is still to come: what is booked until then is not known", "to");
        return false;
    }
    if (row->from_us >= row->to_us) {
        refuse(call, "is not before the end of the export", "from");
        return false;
    }
    return true;
}

static void create(struct api_call *call)
{
    struct asking *asking = asking_new(call);
    struct exports_row *row = &asking->row;
    if (str_is_empty(str_of(call->api->parts.exports_folder))) {
        api_call_problem(call, MESSAGE_NOT_FOUND,
                         STR("this gateway makes no exports: exports_folder is not set"), STR_NONE);
        return;
    }
    *row = (struct exports_row){
        .export_id = uuid_new(),
        .asked_by = call->caller.key_id,
        .asked_us = clock_wall_us(),
        .what = member(call, "what"),
        .account = member(call, "account"),
        .state = STR("waiting"),
    };
    if (export_what_needs_account(row->what) && str_is_empty(row->account)) {
        refuse(call, "it states one account: say which", "account");
        return;
    }
    if (!export_what_takes_account(row->what) && !str_is_empty(row->account)) {
        refuse(call, "this export is never of one account", "account");
        return;
    }
    if (take_span(call, row)) {
        put(asking);
    }
}

/* ---- shown, sent -------------------------------------------------------------------------------- */

/* -1: the call was answered. */
static int open_file(struct api_call *call, const struct exports_row *row, uint64_t *size)
{
    char name[EXPORTS_FILE_SIZE];
    char path[PATH_BYTES_MAX];
    struct stat st;
    (void)exports_file_name(&row->export_id, row->what, name);
    int len = snprintf(path, sizeof(path), "%s/%s", call->api->parts.exports_folder, name);
    CHECK(len > 0 && (size_t)len < sizeof(path));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size == row->bytes) {
        *size = (uint64_t)st.st_size;
        return fd;
    }
    log_warn("api", "an export's file is not as it was made", LOG_CSTR("file", path),
             LOG_CSTR("error", fd < 0 ? strerror(errno) : "another size"));
    if (fd >= 0) {
        (void)close(fd);
    }
    api_call_problem(call, MESSAGE_CONFLICT,
                     STR("the file is not in exports_folder of this host; hosts must share it"),
                     STR_NONE);
    return -1;
}

static void send_content(struct api_call *call, const struct exports_row *row)
{
    uint64_t size = 0;
    char name[EXPORTS_FILE_SIZE];
    if (!str_eq(row->state, STR("made"))) {
        api_call_problem(call, MESSAGE_CONFLICT,
                         str_eq(row->state, STR("expired")) ? STR("its file was removed")
                                                            : STR("it is not made"),
                         STR_NONE);
        return;
    }
    int fd = download_has_room(call) ? open_file(call, row, &size) : -1;
    if (fd < 0) {
        return;
    }
    api_call_add_header(call, "Content-Disposition",
                        arena_printf(&call->arena, "attachment; filename=\"%s\"",
                                     exports_file_name(&row->export_id, row->what, name).at));
    download_start(call, fd, size, export_what_type(row->what));
}

static void found_one(void *ctx, enum store_find found, const struct exports_row *rows,
                      size_t count, const struct error *why)
{
    struct asking *asking = ctx;
    (void)count;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(asking->call);
    } else if (found == STORE_ABSENT) {
        api_call_problem(asking->call, MESSAGE_NOT_FOUND, STR("there is no such export"), STR_NONE);
    } else if (asking->is_content) {
        send_content(asking->call, &rows[0]);
    } else {
        reply(asking->call, 200, &rows[0]);
    }
}

static void find(struct api_call *call, bool is_content)
{
    struct asking *asking = asking_new(call);
    struct uuid id;
    struct error ignored;
    asking->is_content = is_content;
    if (!id_parse(ID_EXPORT, call->params.value[0], &id, &ignored)) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such export"), STR_NONE);
        return;
    }
    exports_load(call->api->parts.store, &call->caller.merchant->merchant_id, &id, &call->arena,
                 found_one, asking);
}

static void show(struct api_call *call)
{
    find(call, false);
}

static void content(struct api_call *call)
{
    find(call, true);
}

static void print_one(struct api_call *call, size_t index, const void *ctx, struct buf *out)
{
    const struct exports_row *rows = ctx;
    print(call->api, &rows[index], out);
}

static void listed(void *ctx, enum store_find found, const struct exports_row *rows, size_t count,
                   const struct error *why)
{
    struct asking *asking = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(asking->call);
        return;
    }
    api_reply_list(asking->call, STR("/v1/ledger/exports"), count > asking->limit,
                   count > asking->limit ? asking->limit : count, print_one, rows);
}

static void list(struct api_call *call)
{
    struct asking *asking = asking_new(call);
    struct uuid before;
    struct str text;
    struct error ignored;
    int64_t limit = TABLES_LIST_LIMIT;
    memset(&before, 0xff, sizeof(before));
    if (api_call_query(call, "limit", &text)) {
        CHECK(str_to_int64(text, &limit));
    }
    if (api_call_query(call, "starting_after", &text)) {
        CHECK(id_parse(ID_EXPORT, text, &before, &ignored));
    }
    asking->limit = (size_t)limit;
    exports_list(call->api->parts.store, &call->caller.merchant->merchant_id, &before,
                 (unsigned)limit + 1, &call->arena, listed, asking);
}

void ledger_exports_create(struct api_call *call)
{
    api_call_whose(call, create);
}

void ledger_exports_list(struct api_call *call)
{
    api_call_whose(call, list);
}

void ledger_exports_show(struct api_call *call)
{
    api_call_whose(call, show);
}

void ledger_exports_content(struct api_call *call)
{
    api_call_whose(call, content);
}
