/*
 * list.h - intrusive doubly linked lists: the link lives in the object, nothing is allocated.
 * An initialised link that is in no list points at itself, so remove is always safe.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev;
    struct link *next;
};

#define LIST_OWNER(link_pointer, type, member)                                                     \
    ((type *)(void *)((char *)(link_pointer)-offsetof(type, member)))

static inline void list_init(struct link *head)
{
    head->prev = head;
    head->next = head;
}

static inline bool list_is_empty(const struct link *head)
{
    return head->next == head;
}

static inline void list_add_last(struct link *head, struct link *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

static inline void list_add_first(struct link *head, struct link *item)
{
    list_add_last(head->next, item);
}

static inline void list_remove(struct link *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

/* Remove and return the first of a list that is not empty. */
static inline struct link *list_take_first(struct link *head)
{
    struct link *first = head->next;

    head->next = first->next;
    first->next->prev = head;
    list_init(first);
    return first;
}

#endif
