/*
 * crash.h - named places where a process can be told to die.
 *
 *     CRASH_AT("reply_before");             the place has a name of its own
 *     CRASH_PART(write_name, "committed");  it is a part of something that has one
 *
 * In the product these are nothing at all. A build with CRASH_POINTS (`make crash` makes one) looks
 * at the file that TURNPIKE_CRASH names, which processes share: it says which point strikes, at
 * which pass, and what happens then, and counts every pass. The names are those of the simulator
 * (tests/sim/faults.c) where it has the place, too; `make lint` compares.
 *
 *     offset  bytes
 *          0      4  which point strikes, from 1 in the order of crash_name(); 0: none
 *          4      4  passes until then: 1 is the next one
 *          8      4  enum crash_act
 *         12      4  the process that was struck; 0: none yet
 *         16      4  the master's process
 *         20    4 n  of each point, how often it was passed
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#ifdef CRASH_POINTS
enum crash_act {
    CRASH_KILL = 1, /* SIGKILL to itself */
    CRASH_STOP,     /* SIGSTOP to itself: someone lets it go on */
    CRASH_KILL_ALL, /* SIGKILL to the master first, with whom all of the gateway dies */
    CRASH_ACT_COUNT,
};

/* Before any fork, with the value of TURNPIKE_CRASH; NULL: nothing ever strikes. */
void crash_open(const char *path);
/* Pass the point of that name; one that is not in the list ends the process with a word. */
void crash_at(const char *name);
void crash_part(const char *kind, const char *part);
/* From 1 on; NULL behind the last. */
const char *crash_name(int number);

#define CRASH_OPEN(path)       crash_open(path)
#define CRASH_AT(name)         crash_at(name)
#define CRASH_PART(kind, part) crash_part((kind), (part))
#else
#define CRASH_OPEN(path)       ((void)0)
#define CRASH_AT(name)         ((void)0)
#define CRASH_PART(kind, part) ((void)(kind), (void)(part))
#endif

#endif
