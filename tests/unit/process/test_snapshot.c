#include "process/snapshot.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/turnpike-snapshot-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static void write_file(const char *name, const char *text, char path[CONFIG_TEXT_MAX])
{
    (void)snprintf(path, CONFIG_TEXT_MAX, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static void assert_text(const char *path, const char *text)
{
    char got[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, got, sizeof(got)), strlen(text));
    assert_string_equal(got, text);
    (void)close(fd);
}

static void config_make(struct config *config)
{
    config_init(config);
    write_file("certificate", "a certificate", config->tls_certificate);
    write_file("key", "a key", config->tls_key);
    write_file("master", "a secret", config->master_secret_file);
    write_file("rules", "rules", config->rules_file);
    config->ops_client_ca[0] = '\0';
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"certificate", "key", "master", "rules"};
    char path[CONFIG_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static void what_was_there_stays(void **state)
{
    (void)state;
    struct config config;
    struct snapshot snapshot = {0};
    struct error err;
    char path[CONFIG_TEXT_MAX];
    config_make(&config);
    assert_true(snapshot_take(&snapshot, &config, &err));
    write_file("key", "another key", path);
    write_file("rules", "", path);
    for (int i = 0; i < 2; i++) { /* each opening begins at the start */
        assert_text(config.tls_certificate, "a certificate");
        assert_text(config.tls_key, "a key");
        assert_text(config.master_secret_file, "a secret");
        assert_text(config.rules_file, "rules");
    }
    assert_string_equal(config.ops_client_ca, "");
    snapshot_release(&snapshot);
    assert_int_equal(access(config.tls_key, R_OK), -1);
    snapshot_release(&snapshot); /* harmless */
}

/* From one master to the next: the same descriptors, under the same settings. */
static void the_next_program_goes_on_with_them(void **state)
{
    (void)state;
    struct config config;
    struct config next;
    struct snapshot snapshot = {0};
    struct snapshot adopted = {0};
    struct error err;
    config_make(&config);
    assert_true(snapshot_take(&snapshot, &config, &err));
    assert_int_equal(fcntl(snapshot.fd[0], F_GETFD), FD_CLOEXEC);
    snapshot_let_go(&snapshot, true);
    for (size_t i = 0; i < SNAPSHOT_FILE_COUNT; i++)
        assert_true(snapshot.fd[i] < 0 || fcntl(snapshot.fd[i], F_GETFD) == 0);
    config_init(&next);
    snapshot_adopt(&adopted, snapshot.fd, &next);
    snapshot_let_go(&adopted, false);
    assert_int_equal(fcntl(snapshot.fd[0], F_GETFD), FD_CLOEXEC);
    assert_string_equal(next.rules_file, config.rules_file);
    assert_text(next.tls_key, "a key");
    assert_text(next.rules_file, "rules");
    assert_string_equal(next.ops_client_ca, "");
    snapshot_release(&adopted);
    assert_int_equal(access(config.tls_key, R_OK), -1);
}

static void nobody_else_may_read_and_nobody_write(void **state)
{
    (void)state;
    struct config config;
    struct snapshot snapshot = {0};
    struct error err;
    struct stat status;
    config_make(&config);
    assert_true(snapshot_take(&snapshot, &config, &err));
    assert_int_equal(stat(config.tls_key, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    int fd = open(config.tls_key, O_RDWR | O_CLOEXEC);
    assert_true(fd < 0 || write(fd, "x", 1) < 0);
    if (fd >= 0)
        (void)close(fd);
    snapshot_release(&snapshot);
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    struct config config;
    struct snapshot snapshot = {0};
    struct error err;
    config_make(&config);
    (void)snprintf(config.rules_file, CONFIG_TEXT_MAX, "%s/nothing", folder);
    assert_false(snapshot_take(&snapshot, &config, &err));
    assert_non_null(strstr(err.text, "rules_file: cannot read"));
    assert_false(snapshot.is_taken);
    config_make(&config);
    (void)snprintf(config.master_secret_file, CONFIG_TEXT_MAX, "%s", folder);
    assert_false(snapshot_take(&snapshot, &config, &err));
    assert_non_null(strstr(err.text, "master_secret_file: cannot read"));
    config_make(&config);
    (void)snprintf(config.rules_file, CONFIG_TEXT_MAX, "/dev/zero");
    assert_false(snapshot_take(&snapshot, &config, &err));
    assert_non_null(strstr(err.text, "longer than 4 MB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_there_stays),
        cmocka_unit_test(the_next_program_goes_on_with_them),
        cmocka_unit_test(nobody_else_may_read_and_nobody_write),
        cmocka_unit_test(what_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
