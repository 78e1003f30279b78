/* Linked into `turnpike-soak` alone, with exchange_free wrapped, which is called once for each answer.
 *
 * What a worker holds, by ASan's own count of bytes, goes to SOAK_HELD.pid: its resident memory has the sanitizer's
 * shadow, redzones and stack traces in it, too. And seeded leaks, to see that a soak finds them: SOAK_LEAK says which. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct http_exchange;
void __real_exchange_free(struct http_exchange *x);
void __wrap_exchange_free(struct http_exchange *x);

enum { LEAK_BYTES = 200, DESCRIPTOR_EACH = 50, HELD_EACH = 100 };

#if defined(__SANITIZE_ADDRESS__)
size_t __sanitizer_get_current_allocated_bytes(void);

static void tell_held(void)
{
    static int fd = -1;
    char text[256];
    const char *file = getenv("SOAK_HELD");
    if (fd < 0 && file != NULL) {
        (void)snprintf(text, sizeof(text), "%s.%d", file, (int)getpid());
        fd = open(text, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    }
    int length = snprintf(text, sizeof(text), "%15zu\n", __sanitizer_get_current_allocated_bytes());
    if (fd >= 0) {
        (void)!pwrite(fd, text, (size_t)length, 0);
    }
}
#else
static void tell_held(void)
{
}
#endif

struct kept {
    struct kept *next;
    char bytes[LEAK_BYTES];
};

static struct kept *all_kept; /* reachable to the end: LSan has nothing to say of these */

void __wrap_exchange_free(struct http_exchange *x)
{
    static unsigned count;
    static unsigned answers;
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
    if (++answers % HELD_EACH == 0) {
        tell_held();
    }
    __real_exchange_free(x);
}
