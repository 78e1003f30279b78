/*
 * differ.c - the program that decides against the interpreter that only reads: random files and
 * payments, and every pair must give the same rule, and the same answer to every `where`.
 *
 *     make router-differ [PAIRS=10000000 SEED=1]
 *
 * A difference prints the seed of the file that had it, the file, and the command that repeats it.
 */
#include "gen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/interpret.h"
#include "router/run.h"

enum {
    PAYMENTS = 1000, /* per file */
    RULES_MAX = 24,
    FILE_BYTES_MAX = 1 << 20,
};

struct tally {
    uint64_t pairs, files, wheres;
    uint64_t by_default; /* that no rule but the last matched */
};

static void complain(uint64_t seed, const struct buf *text, const char *what)
{
    (void)fprintf(stderr,
                  "%s\n" STR_FMT "\nrun it alone: make router-differ SEED=%" PRIu64 " PAIRS=%d\n",
                  what, STR_ARG(buf_str(text)), seed, PAYMENTS);
    exit(1);
}

static bool wheres_agree(const struct run *run, const struct interpreter *interpreter,
                         const struct program_block *block, struct tally *tally)
{
    for (size_t i = 0; i < block->ast->sieve_count; i++) {
        const struct ast_node *where = block->ast->sieve[i].where;
        for (size_t k = 0; where != NULL && k < GEN_PEERS; k++) {
            tally->wheres++;
            if (run_where(run, block->where[i], k) != interpret_node(interpreter, where, k))
                return false;
        }
    }
    return true;
}

static void compare_file(uint64_t seed, const struct gen_tables *tables, struct tally *tally)
{
    struct rng rng;
    struct buf text;
    rng_seed(&rng, seed);
    buf_init(&text, FILE_BYTES_MAX);
    gen_rules(&rng, RULES_MAX, &text);
    struct error err = {.text = ""};
    struct rule_set *rules = rule_set_new(buf_str(&text), gen_providers, GEN_PEERS, &err);
    if (rules == NULL)
        complain(seed, &text, err.text);
    const struct program *program = rule_set_program(rules);
    for (size_t i = 0; i < PAYMENTS; i++) {
        struct gen_payment payment;
        struct measures measures;
        struct run run;
        gen_payment(&rng, tables, &payment);
        measures_init(&measures, &payment.facts, payment.candidate, GEN_PEERS);
        run_init(&run, program, &measures);
        struct interpreter interpreter = {rule_set_tree(rules), program->zone, &measures};
        size_t expected = interpret_rules(&interpreter);
        const struct program_rule *rule = run_rules(&run);
        if ((size_t)(rule - program->rule) != expected)
            complain(seed, &text, "another rule matches");
        if (!wheres_agree(&run, &interpreter, &rule->block, tally))
            complain(seed, &text, "another answer to `where`");
        tally->by_default += expected + 1 == program->rule_count;
        tally->pairs++;
    }
    tally->files++;
    rule_set_free(&rules);
    buf_release(&text);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t pairs = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
    struct gen_tables tables;
    struct tally tally = {0};
    gen_tables_init(&tables);
    while (tally.pairs < pairs)
        compare_file(seed++, &tables, &tally);
    gen_tables_release(&tables);
    printf("router-differ: %" PRIu64 " pairs of %" PRIu64 " files, %" PRIu64 " answers to `where`, "
           "%" PRIu64 " by the last rule; no difference\n",
           tally.pairs, tally.files, tally.wheres, tally.by_default);
    return 0;
}
