/*
 * backtested.c - backtests of histories whose truth is known: fees within 0.5 %, success inside the
 * stated interval of 95 % in at least 19 of 20 trials.
 *
 *     make router-backtest-trials [TRIALS=20 PAYMENTS=40000 SEED=1]
 */
#include "tests/router/trial.h"

int main(int argc, char **argv)
{
    static struct backtest backtest;
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t trials = argc > 2 ? strtoull(argv[2], NULL, 10) : 20;
    size_t payments = argc > 3 ? strtoull(argv[3], NULL, 10) : 40000;
    uint64_t inside = 0;
    uint64_t fees_right = 0;
    uint64_t unknown_right = 0;
    double width = 0;
    for (uint64_t i = 0; i < trials; i++) {
        struct trial_result result = trial_run(seed + i, payments, &backtest);
        const struct estimate *now = &backtest.now_first;
        bool fees_are_right = result.fee_error <= 0.005;
        inside += result.is_inside ? 1 : 0;
        fees_right += fees_are_right ? 1 : 0;
        unknown_right += result.unknown_error <= 0.01 ? 1 : 0;
        width += now->high - now->low;
        if (trials <= 40 || !result.is_inside || !fees_are_right)
            (void)printf("seed %-4llu truth %.4f  stated %.4f (%.4f to %.4f)%s  was %.4f  unknown "
                         "%5.2f %%  fees off by %.4f %%%s\n",
                         (unsigned long long)(seed + i), result.truth, now->rate, now->low,
                         now->high, result.is_inside ? "" : " OUTSIDE", backtest.was_first.rate,
                         (double)backtest.unknown_millionths / 1e4 / (double)backtest.payments,
                         result.fee_error * 100, fees_are_right ? "" : " TOO MUCH");
    }
    (void)printf(
        "router-backtest-trials: %llu trials of %zu payments: success inside its interval in "
        "%llu (mean width %.4f), fees within 0.5 %% in %llu, unknown within 1 %% in %llu\n",
        (unsigned long long)trials, payments, (unsigned long long)inside, width / (double)trials,
        (unsigned long long)fees_right, (unsigned long long)unknown_right);
    bool ok = inside * 20 >= trials * 19 && fees_right == trials && unknown_right == trials;
    if (!ok)
        (void)fprintf(
            stderr,
            "run it alone: make router-backtest-trials SEED=%llu TRIALS=%llu PAYMENTS=%zu\n",
            (unsigned long long)seed, (unsigned long long)trials, payments);
    return ok ? 0 : 1;
}
