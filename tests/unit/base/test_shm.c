#include "base/shm.h"
#include "helpers.h"

static void carved_memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct shm shm;
    struct error err;
    assert_true(shm_open_segment(&shm, 4096, &err));
    char *a = shm_carve(&shm, 1);
    char *b = shm_carve(&shm, 65);
    char *c = shm_carve(&shm, 64);
    assert_int_equal(b - a, 64);
    assert_int_equal(c - b, 128);
    assert_int_equal((uintptr_t)a % 64, 0);
    for (int i = 0; i < 65; i++)
        assert_int_equal(b[i], 0);
    shm_close(&shm);
    shm_close(&shm);
    assert_null(shm.at);
}

static void a_child_writes_what_its_parent_reads(void **state)
{
    (void)state;
    struct shm shm;
    struct error err;
    assert_true(shm_open_segment(&shm, 4096, &err));
    atomic_int *count = shm_carve(&shm, sizeof(*count));
    pid_t pid = fork();
    if (pid == 0) {
        atomic_fetch_add(count, 5);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(atomic_load(count), 5);
    shm_close(&shm);
}

static void impossible_size_is_an_error(void **state)
{
    (void)state;
    struct shm shm;
    struct error err;
    assert_false(shm_open_segment(&shm, SIZE_MAX, &err));
    assert_int_equal(err.code, ERROR_IO);
    assert_false(shm_open_segment(&shm, 0, &err));
    assert_int_equal(err.code, ERROR_IO);
    shm_close(&shm);
}

static void carve_all_and_more(void *ctx)
{
    struct shm shm;
    struct error err;
    if (!shm_open_segment(&shm, 4096, &err))
        _exit(1);
    (void)shm_carve(&shm, 4096 - 64);
    (void)shm_carve(&shm, *(size_t *)ctx);
}

static void carving_past_the_end_aborts(void **state)
{
    (void)state;
    size_t size = 64;
    assert_false(aborts(carve_all_and_more, &size));
    size = 65;
    assert_true(aborts(carve_all_and_more, &size));
    size = SIZE_MAX;
    assert_true(aborts(carve_all_and_more, &size));
    size = 0;
    assert_true(aborts(carve_all_and_more, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carved_memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(a_child_writes_what_its_parent_reads),
        cmocka_unit_test(impossible_size_is_an_error),
        cmocka_unit_test(carving_past_the_end_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
