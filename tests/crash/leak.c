/* Seeded leaks, to see that a soak finds them: linked into `turnpike-leak` alone, with exchange_free wrapped, which
 * is called once for each answer. SOAK_LEAK says which. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct http_exchange;
void __real_exchange_free(struct http_exchange *x);
void __wrap_exchange_free(struct http_exchange *x);

enum { LEAK_BYTES = 200, DESCRIPTOR_EACH = 50 };

struct kept {
    struct kept *next;
    char bytes[LEAK_BYTES];
};

static struct kept *all_kept; /* reachable to the end: LSan has nothing to say of these */

void __wrap_exchange_free(struct http_exchange *x)
{
    static unsigned count;
    const char *kind = getenv("SOAK_LEAK");
    if (kind != NULL && strcmp(kind, "memory") == 0) {
        char *volatile lost = malloc(LEAK_BYTES);
        if (lost != NULL) {
            memset(lost, 1, LEAK_BYTES);
        }
        lost = NULL;
    } else if (kind != NULL && strcmp(kind, "kept") == 0) {
        struct kept *one = calloc(1, sizeof(*one));
        if (one != NULL) {
            memset(one->bytes, 1, sizeof(one->bytes));
            one->next = all_kept;
            all_kept = one;
        }
    } else if (kind != NULL && strcmp(kind, "descriptor") == 0 && ++count % DESCRIPTOR_EACH == 0) {
        (void)!dup(STDERR_FILENO);
    }
    __real_exchange_free(x);
}
