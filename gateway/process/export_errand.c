#include "process/export_errand.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/exports.h"
#include "process/report_make.h"

enum {
    REST_MS = 1000, /* between two looks */
};

#define HOUR_US (INT64_C(3600) * CLOCK_SECOND_US)

static bool make(const struct report_maker *maker, const struct report_export *export,
                 struct error *err)
{
    struct report report = {.merchant_id = export->merchant_id};
    char id[ID_TEXT_SIZE];
    char file[EXPORTS_FILE_SIZE];
    struct report_making m = {
        .report = &report,
        .key = {export->merchant_id, id_format(ID_EXPORT, &export->export_id, id), STR("once")},
        .span = {export->from_us, export->to_us},
        .tries_max = EXPORTS_TRIES_MAX,
    };
    bool is_ours = false;
    CHECK(str_copy_to(m.key.name, report.name, sizeof(report.name)));
    CHECK(str_copy_to(str_of(export->what), report.what, sizeof(report.what)));
    CHECK(str_copy_to(str_of(export->account), report.account, sizeof(report.account)));
    CHECK(str_copy_to(str_of(maker->config->exports_folder), report.folder, sizeof(report.folder)));
    CHECK(str_copy_to(exports_file_name(&export->export_id, str_of(export->what), file), m.name,
                      sizeof(m.name)));
    if (!report_store_lock(maker->store, &m.key, &is_ours, err))
        return false;
    return !is_ours ||
           (report_make(maker, &m, err) && report_store_unlock(maker->store, &m.key, err));
}

static bool make_due(const struct report_maker *maker, size_t *count, struct error *err)
{
    struct report_export exports[REPORT_EXPORT_MAX];
    if (!report_store_exports(maker->store, clock_wall_us(), exports, count, err))
        return false;
    for (size_t i = 0; i < *count; i++) {
        if (!make(maker, &exports[i], err))
            return false;
    }
    return true;
}

/* Files of a host that is no more are forgotten after twice the time. */
static bool remove_old(const struct report_maker *maker, struct error *err)
{
    struct report_export exports[REPORT_EXPORT_MAX];
    size_t count = 0;
    char file[EXPORTS_FILE_SIZE];
    char path[EXPORT_PATH_SIZE];
    int64_t keep_us = maker->config->exports_keep_hours * HOUR_US;
    int64_t now_us = clock_wall_us();
    if (!report_store_kept(maker->store, str_of(maker->host), now_us - keep_us,
                           now_us - 2 * keep_us, exports, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        (void)exports_file_name(&exports[i].export_id, str_of(exports[i].what), file);
        int len = snprintf(path, sizeof(path), "%s/%s", maker->config->exports_folder, file);
        CHECK(len > 0 && (size_t)len < sizeof(path));
        if (unlink(path) != 0 && errno != ENOENT)
            log_warn("exporter", "cannot remove an old export", LOG_CSTR("file", path),
                     LOG_CSTR("error", strerror(errno)));
        else if (!report_store_expired(maker->store, &exports[i], err))
            return false;
    }
    return true;
}

int export_errand_run(const struct config *config)
{
    struct report_maker maker = {.name = "exporter"};
    struct error err = {.text = ""};
    size_t count = 0;
    bool ok = report_maker_open(&maker, config, &err);
    while (ok) {
        ok = make_due(&maker, &count, &err) && remove_old(&maker, &err);
        (void)poll(NULL, 0, REST_MS);
    }
    log_warn("exporter", "cannot go on", LOG_CSTR("error", err.text));
    report_maker_close(&maker);
    return 1;
}
