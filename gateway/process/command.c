#include "process/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "process/figures.h"
#include "process/master.h"
#include "process/upgrade.h"
#include "process/worker.h"
#include "providers/sandbox/sandbox.h"

enum {
    OPENAPI_BYTES_MAX = 4 << 20,
};

static char program_path[4096];

int command_fail(const struct error *err)
{
    (void)fprintf(stderr, "turnpike: %s\n", err->text);
    return 1;
}

static void take(int *argc, char **argv, int at, int count)
{
    for (int i = at; i + count <= *argc; i++) {
        argv[i] = argv[i + count]; /* the terminating NULL moves too */
    }
    *argc -= count;
}

const char *command_option(int *argc, char **argv, const char *name)
{
    size_t len = strlen(name);
    for (int i = 1; i < *argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0 || strncmp(argv[i] + 2, name, len) != 0) {
            continue;
        }
        if (argv[i][2 + len] == '=') {
            const char *value = argv[i] + 2 + len + 1;
            take(argc, argv, i, 1);
            return value;
        }
        if (argv[i][2 + len] == '\0' && i + 1 < *argc) {
            const char *value = argv[i + 1];
            take(argc, argv, i, 2);
            return value;
        }
    }
    return NULL;
}

bool command_flag(int *argc, char **argv, const char *name)
{
    for (int i = 1; i < *argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0) {
            take(argc, argv, i, 1);
            return true;
        }
    }
    return false;
}

bool command_since(const char *text, int64_t *since_us, struct error *err)
{
    struct error ignored;
    return clock_parse_back(str_of(text), clock_wall_us(), since_us, &ignored) ||
           fail(err, ERROR_INVALID,
                "routes: --since is a time back from now, as 30d, 12h or 5m, or a date");
}

bool command_done(int argc, char **argv, struct error *err)
{
    return argc <= 1 || fail(err, ERROR_INVALID,
                             "%s: \"%.80s\" is not understood, or lacks its value; turnpike --help "
                             "shows the usage",
                             argv[0], argv[1]);
}

bool command_config(int *argc, char **argv, struct config *config, struct error *err)
{
    config_init(config);
    const char *file = command_option(argc, argv, "config");
    if (!config_load(config, file, err)) {
        return false;
    }
    const char *assignment;
    while ((assignment = command_option(argc, argv, "set")) != NULL) {
        if (!config_set(config, str_of(assignment), err)) {
            return fail_prefix(err, "--set");
        }
    }
    config_finish(config);
    return true;
}

void command_set_program(const char *argv0)
{
    /* As it was called: a link that points elsewhere tomorrow is followed then. Found by PATH: the
     * file itself. */
    ssize_t len = 0;
    const char *slash = strrchr(argv0, '/');
    /* ps shows it; after an upgrade the kernel itself knows only a descriptor's number. */
    (void)prctl(PR_SET_NAME, slash != NULL ? slash + 1 : argv0);
    if (slash != NULL) {
        (void)str_copy_to(str_of(argv0), program_path, sizeof(program_path));
        return;
    }
    len = readlink("/proc/self/exe", program_path, sizeof(program_path) - 1);
    program_path[len > 0 ? len : 0] = '\0';
}

static void start_log(const struct config *config)
{
    enum log_level level = LOG_INFO;
    if (log_level_parse(str_of(config->log_level), &level)) {
        log_start(STDERR_FILENO, level);
    }
}

int command_serve(int argc, char **argv)
{
    static struct config config;
    static struct handover before;
    struct error err;
    enum restore_wish wish = RESTORE_WISH_NONE;
    bool failed = false;
    if (!restore_wish_parse(command_option(&argc, argv, "restored"), &wish, &err)) {
        return command_fail(&err);
    }
    const struct program program = {.path = program_path, .argc = argc, .argv = argv};
    bool is_successor = upgrade_find_handover(&before, &failed, &err);
    if (failed || (!is_successor && !program_read_config(&program, &config, &err))) {
        return command_fail(&err);
    }
    start_log(is_successor ? &before.kept : &config);
    return master_run(&program, &config, wish, is_successor ? &before : NULL);
}

/* The gateway works with copies, which have limits of their own. */
static bool can_be_kept(const struct config *config, struct error *err)
{
    static struct config copy;
    struct snapshot files = {0};
    copy = *config;
    bool ok = snapshot_take(&files, &copy, err);
    snapshot_release(&files);
    return ok;
}

static void warn_of_stale_rates(const struct config *config)
{
    struct error err;
    char text[256];
    struct rates *rates =
        config->rates_file[0] != '\0' ? figures_read_rates(config->rates_file, &err) : NULL;
    if (rates != NULL && figures_are_stale(rates, clock_wall_us(), text)) {
        (void)fprintf(stderr, "turnpike: warning: %s: %s\n", config->rates_file, text);
    }
    rates_free(&rates);
}

int command_check(int argc, char **argv)
{
    static struct config config;
    struct error err;
    static struct handover handover;
    bool failed = false;
    bool as_json = command_flag(&argc, argv, "json");
    (void)upgrade_find_handover(&handover, &failed, &err); /* can we read what we would be told? */
    if (failed || !command_config(&argc, argv, &config, &err) || !command_done(argc, argv, &err) ||
        !config_check(&config, &err) || !worker_check(&config, &err) ||
        !can_be_kept(&config, &err)) {
        return command_fail(&err);
    }
    warn_of_stale_rates(&config);
    command_routes_warn(config.rules_file);
    (void)puts(as_json ? "{\"valid\":true}" : "the configuration is valid");
    return 0;
}

int command_config_print(int argc, char **argv)
{
    static struct config config;
    struct error err;
    if (argc >= 2 && (strcmp(argv[1], "plan") == 0 || strcmp(argv[1], "apply") == 0)) {
        return command_plan(argc - 1, argv + 1);
    }
    bool in_force = command_flag(&argc, argv, "in-force");
    bool as_json = command_flag(&argc, argv, "json");
    if (!in_force) {
        config_init(&config);
        if (!command_done(argc, argv, &err)) {
            return command_fail(&err);
        }
    } else if (!command_config(&argc, argv, &config, &err) || !command_done(argc, argv, &err)) {
        return command_fail(&err);
    }
    struct buf out;
    buf_init(&out, 1 << 20);
    if (as_json) {
        config_print_json(&config, &out);
    } else {
        config_print(&config, !in_force, &out);
    }
    bool ok = fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    buf_release(&out);
    return ok ? 0 : 1;
}

int command_openapi(int argc, char **argv)
{
    struct error err;
    if (!command_done(argc, argv, &err)) {
        return command_fail(&err);
    }
    struct buf out;
    buf_init(&out, OPENAPI_BYTES_MAX);
    api_print_openapi(&out);
    bool ok = buf_is_ok(&out) && fwrite(out.at, 1, out.len, stdout) == out.len &&
              fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    buf_release(&out);
    return ok ? 0 : 1;
}

/* ---- sandbox --------------------------------------------------------------------------------- */

static void on_stop(evutil_socket_t signal_number, short what, void *ctx)
{
    (void)signal_number;
    (void)what;
    loop_stop(ctx);
}

static bool number_option(int *argc, char **argv, const char *name, int64_t most, int64_t *value,
                          struct error *err)
{
    const char *text = command_option(argc, argv, name);
    if (text == NULL) {
        return true;
    }
    if (!str_to_int64(str_of(text), value) || *value < 0 || *value > most) {
        return fail(err, ERROR_INVALID, "sandbox: --%s must be a whole number from 0 to %lld", name,
                    (long long)most);
    }
    return true;
}

static int run_sandbox(const struct sandbox_config *config)
{
    struct error err;
    int listen_fd = -1;
    if (!http_listen(config->address, config->port, &listen_fd, &err)) {
        return command_fail(&err);
    }
    struct loop *loop = loop_new();
    struct sandbox *sandbox = sandbox_new(loop, listen_fd, config, &err);
    if (sandbox == NULL) {
        loop_free(&loop);
        return command_fail(&err);
    }
    struct event *on_term = evsignal_new(loop_base(loop), SIGTERM, on_stop, loop);
    struct event *on_int = evsignal_new(loop_base(loop), SIGINT, on_stop, loop);
    CHECK(on_term != NULL && on_int != NULL);
    CHECK(event_add(on_term, NULL) == 0 && event_add(on_int, NULL) == 0);
    (void)printf("sandbox ready on port %d\n", config->port);
    (void)fflush(stdout);
    loop_run(loop);
    event_free(on_term);
    event_free(on_int);
    sandbox_free(&sandbox);
    loop_free(&loop);
    return 0;
}

int command_sandbox(int argc, char **argv)
{
    struct error err;
    struct sandbox_config config = sandbox_config_default;
    int64_t port = config.port;
    const char *certificate = command_option(&argc, argv, "certificate");
    const char *key = command_option(&argc, argv, "key");
    const char *books = command_option(&argc, argv, "books");
    const char *address = command_option(&argc, argv, "address");
    config.hook_ca_file = command_option(&argc, argv, "hook-ca");
    config.hook_certificate_file = command_option(&argc, argv, "hook-certificate");
    config.hook_key_file = command_option(&argc, argv, "hook-key");
    if (!number_option(&argc, argv, "port", 65532, &port, &err) ||
        !number_option(&argc, argv, "delay-ms", 600000, &config.delay_ms, &err) ||
        !command_done(argc, argv, &err)) {
        return command_fail(&err);
    }
    if ((config.hook_certificate_file == NULL) != (config.hook_key_file == NULL)) {
        (void)fail(&err, ERROR_INVALID, "sandbox: --hook-certificate and --hook-key go together");
        return command_fail(&err);
    }
    config.port = (int)port;
    config.certificate_file = certificate != NULL ? certificate : "var/tls/gateway.pem";
    config.key_file = key != NULL ? key : "var/tls/gateway.key";
    config.books_file = books != NULL ? books : "var/sandbox/books.journal";
    config.address = address != NULL ? address : config.address;
    (void)signal(SIGPIPE, SIG_IGN);
    log_start(STDERR_FILENO, LOG_INFO);
    return run_sandbox(&config);
}
