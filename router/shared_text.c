#include "router/shared_text.h"

#include <string.h>

void shared_text_write(struct shared_text *text, struct str value)
{
    char bytes[SHARED_TEXT_SIZE] = "";
    size_t len = value.len < sizeof(bytes) - 1 ? value.len : sizeof(bytes) - 1;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = value.at[i] >= 0x20 && value.at[i] < 0x7F ? value.at[i] : '?';
    }
    for (size_t i = 0; i < SHARED_TEXT_WORDS; i++) {
        uint64_t word = 0;
        memcpy(&word, bytes + i * sizeof(word), sizeof(word));
        atomic_store_explicit(&text->word[i], word, memory_order_relaxed);
    }
}

void shared_text_read(const struct shared_text *text, char out[SHARED_TEXT_SIZE])
{
    for (size_t i = 0; i < SHARED_TEXT_WORDS; i++) {
        uint64_t word = atomic_load_explicit(&text->word[i], memory_order_relaxed);
        memcpy(out + i * sizeof(word), &word, sizeof(word));
    }
    out[SHARED_TEXT_SIZE - 1] = '\0';
}
