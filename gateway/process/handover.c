#include "process/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    HANDOVER_BYTES_MAX = 1 << 20,
};

static void print_lines(const char *word, struct str lines, struct buf *out)
{
    while (lines.len > 0) {
        struct str line = str_cut(&lines, '\n');
        buf_printf(out, "%s " STR_FMT "\n", word, STR_ARG(line));
    }
}

static void print_settings(const struct handover *handover, struct buf *out)
{
    struct buf lines;
    buf_init(&lines, HANDOVER_BYTES_MAX);
    config_print_kept(&handover->kept, &lines);
    print_lines("set", buf_str(&lines), out);
    buf_release(&lines);
    buf_init(&lines, HANDOVER_BYTES_MAX);
    config_print(&handover->kept, false, &lines);
    print_lines("was", buf_str(&lines), out);
    buf_release(&lines);
    for (size_t i = 0; i < SNAPSHOT_FILE_COUNT; i++) {
        if (handover->file[i] >= 0) {
            buf_printf(out, "file %s %d\n", snapshot_file_name(i), handover->file[i]);
        }
    }
}

void handover_print(const struct handover *handover, struct buf *out)
{
    char text[UUID_TEXT_SIZE];
    buf_printf(out, "turnpike-handover 2\nboot " STR_FMT "\n",
               STR_ARG(uuid_format(&handover->boot_id, text)));
    buf_printf(out, "instance " STR_FMT "\nlock %d\ngeneration %u\n",
               STR_ARG(uuid_format(&handover->instance_id, text)), handover->lock_fd,
               handover->generation);
    print_settings(handover, out);
    for (unsigned seat = 1; seat <= handover->seat_count; seat++) {
        buf_printf(out, "seat %u %d %d\n", seat, handover->seat[seat].api_fd,
                   handover->seat[seat].ops_fd);
    }
    for (size_t i = 0; i < handover->member_count; i++) {
        const struct handover_member *member = &handover->member[i];
        buf_printf(out, "member %ld %u " STR_FMT " %" PRId64 "\n", (long)member->pid, member->seat,
                   STR_ARG(uuid_format(&member->writer_id, text)), member->drain_left_ms);
    }
    for (size_t i = 0; i < handover->dead_count; i++) {
        buf_printf(out, "dead " STR_FMT "\n", STR_ARG(uuid_format(&handover->dead[i], text)));
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool take_number(struct str *rest, int64_t least, int64_t most, int64_t *out)
{
    return str_to_int64(str_cut(rest, ' '), out) && *out >= least && *out <= most;
}

static bool take_uuid(struct str *rest, struct uuid *id)
{
    struct error ignored;
    return uuid_parse(str_cut(rest, ' '), id, &ignored);
}

static bool parse_seat(struct str rest, struct handover *handover)
{
    int64_t seat = 0;
    int64_t api_fd = 0;
    int64_t ops_fd = 0;
    if (!take_number(&rest, handover->seat_count + 1, handover->seat_count + 1, &seat) ||
        seat >= SHM_SLOT_MAX / 2 || !take_number(&rest, 3, INT32_MAX, &api_fd) ||
        !take_number(&rest, 3, INT32_MAX, &ops_fd)) {
        return false;
    }
    handover->seat_count++;
    handover->seat[seat] = (struct handover_seat){.api_fd = (int)api_fd, .ops_fd = (int)ops_fd};
    return true;
}

static bool parse_member(struct str rest, struct handover *handover)
{
    struct handover_member member = {0};
    int64_t pid = 0;
    int64_t seat = 0;
    if (handover->member_count >= SHM_SLOT_MAX || !take_number(&rest, 2, INT32_MAX, &pid) ||
        !take_number(&rest, 1, SHM_SLOT_MAX - 1, &seat) || !take_uuid(&rest, &member.writer_id) ||
        !take_number(&rest, -1, INT32_MAX, &member.drain_left_ms)) {
        return false;
    }
    member.pid = (pid_t)pid;
    member.seat = (unsigned)seat;
    handover->member[handover->member_count++] = member;
    return true;
}

static bool parse_file(struct str rest, struct handover *handover)
{
    int64_t fd = -1;
    struct str name = str_cut(&rest, ' ');
    if (!take_number(&rest, 3, INT32_MAX, &fd)) {
        return false;
    }
    for (size_t i = 0; i < SNAPSHOT_FILE_COUNT; i++) {
        if (str_eq(name, str_of(snapshot_file_name(i)))) {
            handover->file[i] = (int)fd;
        }
    }
    return true; /* one that we do not know serves nobody here */
}

static bool parse_dead(struct str rest, struct handover *handover)
{
    return handover->dead_count < SHARED_DEAD_MAX &&
           take_uuid(&rest, &handover->dead[handover->dead_count++]);
}

static bool parse_line(struct str line, struct handover *handover)
{
    struct error ignored;
    struct str rest = line;
    struct str word = str_cut(&rest, ' ');
    int64_t number = 0;
    if (str_eq(word, STR("boot"))) {
        return take_uuid(&rest, &handover->boot_id);
    }
    if (str_eq(word, STR("instance"))) {
        return take_uuid(&rest, &handover->instance_id);
    }
    if (str_eq(word, STR("lock"))) {
        bool ok = take_number(&rest, 3, INT32_MAX, &number);
        handover->lock_fd = (int)number;
        return ok;
    }
    if (str_eq(word, STR("generation"))) {
        bool ok = take_number(&rest, 1, INT32_MAX, &number);
        handover->generation = (unsigned)number;
        return ok;
    }
    if (str_eq(word, STR("set"))) {
        return config_set(&handover->kept, rest, &ignored);
    }
    if (str_eq(word, STR("was"))) {
        (void)!config_set(&handover->kept, rest, &ignored); /* else our default */
        return true;
    }
    if (str_eq(word, STR("file"))) {
        return parse_file(rest, handover);
    }
    if (str_eq(word, STR("seat"))) {
        return parse_seat(rest, handover);
    }
    if (str_eq(word, STR("member"))) {
        return parse_member(rest, handover);
    }
    return str_eq(word, STR("dead")) && parse_dead(rest, handover);
}

bool handover_parse(struct str text, struct handover *handover, struct error *err)
{
    memset(handover, 0, sizeof(*handover));
    config_init(&handover->kept);
    for (size_t i = 0; i < SNAPSHOT_FILE_COUNT; i++) {
        handover->file[i] = -1;
    }
    struct str first = str_cut(&text, '\n');
    if (!str_eq(first, STR("turnpike-handover 2"))) {
        return fail(err, ERROR_INVALID,
                    "cannot take over from a master that speaks \"" STR_FMT
                    "\": restart the gateway instead",
                    STR_ARG(first));
    }
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');
        if (!parse_line(line, handover)) {
            return fail(err, ERROR_INVALID, "cannot take over: line \"" STR_FMT "\"",
                        STR_ARG(line));
        }
    }
    config_finish(&handover->kept);
    if (uuid_is_zero(&handover->boot_id) || uuid_is_zero(&handover->instance_id) ||
        handover->lock_fd == 0 || handover->generation == 0 || handover->seat_count == 0) {
        return fail(err, ERROR_INVALID,
                    "cannot take over: boot, instance, lock, generation or seat lacks");
    }
    return true;
}

/* ---- the anonymous file ---------------------------------------------------------------------- */

bool handover_write(const struct handover *handover, int *fd, struct error *err)
{
    struct buf text;
    buf_init(&text, HANDOVER_BYTES_MAX);
    handover_print(handover, &text);
    *fd = memfd_create("turnpike-handover", 0);
    bool ok = buf_is_ok(&text) && *fd >= 0 && write(*fd, text.at, text.len) == (ssize_t)text.len;
    buf_release(&text);
    if (!ok) {
        (void)fail(err, ERROR_IO, "cannot write the handover: %s", strerror(errno));
        if (*fd >= 0) {
            (void)close(*fd);
        }
    }
    return ok;
}

bool handover_read(const char *text, struct handover *handover, struct error *err)
{
    int64_t fd = -1;
    if (!str_to_int64(str_of(text), &fd) || fd < 3 || fd > INT32_MAX) {
        return fail(err, ERROR_INVALID,
                    HANDOVER_VARIABLE " is set by the gateway itself; unset it");
    }
    char *bytes = malloc(HANDOVER_BYTES_MAX);
    CHECK(bytes != NULL);
    ssize_t got = pread((int)fd, bytes, HANDOVER_BYTES_MAX, 0);
    (void)close((int)fd);
    bool ok = got > 0 ? handover_parse((struct str){bytes, (size_t)got}, handover, err)
                      : fail(err, ERROR_INVALID,
                             HANDOVER_VARIABLE " is set by the gateway itself; unset it");
    free(bytes);
    return ok;
}
