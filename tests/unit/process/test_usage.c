/* What a process says that it takes of the machine is what it took. */
#include "process/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

static void descriptors_are_counted_one_by_one(void **state)
{
    (void)state;
    struct usage_now before;
    struct usage_now after;
    int fd[20];
    usage_measure(&before);
    usage_measure(&after);
    assert_int_equal(after.open_fds, before.open_fds); /* looking leaves none behind */
    assert_true(before.open_fds >= 3 && before.open_fds < before.max_fds);
    for (size_t i = 0; i < 20; i++)
        fd[i] = dup(0);
    usage_measure(&after);
    assert_int_equal(after.open_fds, before.open_fds + 20);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(close(fd[i]), 0);
    usage_measure(&after);
    assert_int_equal(after.open_fds, before.open_fds);
}

static void memory_that_is_touched_is_resident(void **state)
{
    (void)state;
    enum { BYTES = 64 << 20 };
    struct usage_now before;
    struct usage_now after;
    usage_measure(&before);
    char *block = malloc(BYTES);
    assert_non_null(block);
    memset(block, 1, BYTES);
    usage_measure(&after);
    assert_int_equal(block[BYTES / 2], 1);
    free(block);
    assert_in_range(after.resident_bytes - before.resident_bytes, BYTES - (BYTES >> 3), 2 * BYTES);
    assert_true(after.virtual_bytes >= after.resident_bytes);
}

static void processor_time_is_of_work_not_of_waiting(void **state)
{
    (void)state;
    struct usage_now before;
    struct usage_now after;
    volatile unsigned sum = 0;
    int64_t from = clock_mono_us();
    usage_measure(&before);
    do {
        for (unsigned i = 0; i < 1000000; i++)
            sum += i;
        usage_measure(&after);
    } while (after.cpu_us - before.cpu_us < 50000 && clock_mono_us() - from < 20000000);
    assert_in_range(after.cpu_us - before.cpu_us, 50000, clock_mono_us() - from + 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_are_counted_one_by_one),
        cmocka_unit_test(memory_that_is_touched_is_resident),
        cmocka_unit_test(processor_time_is_of_work_not_of_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
