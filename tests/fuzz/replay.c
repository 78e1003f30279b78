/*
 * A fuzz target without a fuzzer: every file of the folders given, and then mutants of them, drawn from
 * a seed; for `make test`, where nobody has libFuzzer.
 *
 *     replay SEED MUTANTS FOLDER...
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"

enum {
    INPUT_MAX = 8192, /* a longer file is cut */
    INPUTS_MAX = 16384,
    CHANGES_MAX = 4, /* of one mutant */
    SPAN_MAX = 16,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    uint8_t *data; /* owned by the process */
    size_t size;
};

static struct input input[INPUTS_MAX];
static size_t input_count;

static void read_file(const char *folder, const char *name)
{
    static uint8_t data[INPUT_MAX];
    char path[4096];
    int written = snprintf(path, sizeof(path), "%s/%s", folder, name);
    CHECK(written > 0 && (size_t)written < sizeof(path) && input_count < INPUTS_MAX);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    struct input *one = &input[input_count++];
    one->size = fread(data, 1, sizeof(data), file);
    one->data = malloc(one->size + 1);
    CHECK(one->data != NULL);
    memcpy(one->data, data, one->size);
    (void)fclose(file);
}

static void read_folder(const char *folder)
{
    struct dirent **entry = NULL;
    int count = scandir(folder, &entry, NULL, alphasort); /* the same order everywhere */
    CHECK(count >= 0);
    for (int i = 0; i < count; i++) {
        if (entry[i]->d_name[0] != '.')
            read_file(folder, entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
}

/* Left out, written over, or taken from another input. */
static size_t change(struct rng *rng, uint8_t *data, size_t size)
{
    size_t at = rng_below(rng, size + 1);
    size_t span = 1 + rng_below(rng, SPAN_MAX);
    const struct input *other = &input[rng_below(rng, input_count)];
    span = span < size - at ? span : size - at;
    switch (rng_below(rng, 4)) {
    case 0:
        memmove(data + at, data + at + span, size - at - span);
        return size - span;
    case 1:
        for (size_t i = 0; i < span; i++)
            data[at + i] = (uint8_t)rng_next(rng);
        return size;
    case 2:
        if (at < size)
            data[at] ^= (uint8_t)(1U << rng_below(rng, 8));
        return size;
    default:
        break;
    }
    size_t from = rng_below(rng, other->size + 1);
    span = 1 + rng_below(rng, 2 * SPAN_MAX);
    span = span < other->size - from ? span : other->size - from;
    if (size + span > INPUT_MAX)
        return size;
    memmove(data + at + span, data + at, size - at);
    memcpy(data + at, other->data + from, span);
    return size + span;
}

int main(int argc, char **argv)
{
    static uint8_t data[INPUT_MAX];
    struct rng rng;
    CHECK(argc > 3);
    rng_seed(&rng, strtoull(argv[1], NULL, 10));
    uint64_t mutants = strtoull(argv[2], NULL, 10);
    for (int i = 3; i < argc; i++)
        read_folder(argv[i]);
    CHECK(input_count > 0);
    for (size_t i = 0; i < input_count; i++)
        (void)LLVMFuzzerTestOneInput(input[i].data, input[i].size);
    for (uint64_t i = 0; i < mutants; i++) {
        const struct input *from = &input[rng_below(&rng, input_count)];
        size_t size = from->size;
        memcpy(data, from->data, size);
        for (uint64_t changes = 1 + rng_below(&rng, CHANGES_MAX); changes > 0; changes--)
            size = change(&rng, data, size);
        (void)LLVMFuzzerTestOneInput(data, size);
    }
    printf("%s: %zu inputs and %" PRIu64 " mutants\n", argv[0], input_count, mutants);
    return 0;
}
