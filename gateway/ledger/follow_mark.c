#include "ledger/follow_mark.h"

#include <string.h>

#include "base/crypto.h"

enum {
    MARK_VERSION = 1,
    VARINT_BYTES_MAX = 9,
    HOLE_LENGTH_MAX = 1024, /* in a text */
};

/* ---- writers and holes ------------------------------------------------------------------------- */

static struct follow_writer *find_writer(const struct follow_mark *mark, int32_t number)
{
    for (size_t i = 0; i < mark->writer_count; i++) {
        if (mark->writer[i].number == number)
            return (struct follow_writer *)(uintptr_t)&mark->writer[i];
    }
    return NULL;
}

bool follow_mark_meet(struct follow_mark *mark, int32_t number)
{
    if (find_writer(mark, number) != NULL)
        return true;
    if (mark->writer_count == FOLLOW_WRITER_MAX)
        return false;
    size_t at = mark->writer_count++;
    for (; at > 0 && mark->writer[at - 1].number > number; at--)
        mark->writer[at] = mark->writer[at - 1];
    mark->writer[at] = (struct follow_writer){.number = number};
    return true;
}

void follow_mark_drop(struct follow_mark *mark, int32_t number)
{
    const struct follow_writer *writer = find_writer(mark, number);
    for (size_t i = 0; i < mark->hole_count; i++) {
        if (mark->hole[i].number == number)
            return;
    }
    if (writer == NULL || mark->part_number == number)
        return;
    size_t at = (size_t)(writer - mark->writer);
    memmove(&mark->writer[at], &mark->writer[at + 1],
            (--mark->writer_count - at) * sizeof(mark->writer[0]));
}

static bool add_hole(struct follow_mark *mark, int32_t number, int64_t least, int64_t most,
                     int64_t noticed_us)
{
    if (least > most)
        return true;
    if (mark->hole_count == FOLLOW_HOLE_MAX)
        return false;
    mark->hole[mark->hole_count++] = (struct follow_hole){number, least, most, noticed_us};
    return true;
}

static struct follow_hole *find_hole(const struct follow_mark *mark, int32_t number,
                                     int64_t batch_no)
{
    for (size_t i = 0; i < mark->hole_count; i++) {
        const struct follow_hole *hole = &mark->hole[i];
        if (hole->number == number && hole->least <= batch_no && batch_no <= hole->most)
            return (struct follow_hole *)(uintptr_t)hole;
    }
    return NULL;
}

/* What is left of the hole: nothing, one side, or both. */
static bool fill(struct follow_mark *mark, struct follow_hole *hole, int64_t batch_no)
{
    struct follow_hole was = *hole;
    if (was.least == was.most) {
        *hole = mark->hole[--mark->hole_count];
        return true;
    }
    if (batch_no > was.least && batch_no < was.most) {
        if (!add_hole(mark, was.number, batch_no + 1, was.most, was.noticed_us))
            return false;
        hole->most = batch_no - 1;
    } else if (batch_no == was.least) {
        hole->least++;
    } else {
        hole->most--;
    }
    return true;
}

bool follow_mark_read(struct follow_mark *mark, int32_t number, int64_t batch_no, int64_t now_us)
{
    struct follow_writer *writer = find_writer(mark, number);
    CHECK(writer != NULL);
    struct follow_hole *hole = find_hole(mark, number, batch_no);
    if (hole != NULL) {
        if (!fill(mark, hole, batch_no))
            return false;
    } else if (batch_no > writer->high) {
        if (!add_hole(mark, number, writer->high + 1, batch_no - 1, now_us))
            return false;
        writer->high = batch_no;
    }
    if (mark->part_number == number && mark->part_batch == batch_no)
        mark->part_number = 0;
    return true;
}

bool follow_mark_has(const struct follow_mark *mark, int32_t number, int64_t batch_no)
{
    const struct follow_writer *writer = find_writer(mark, number);
    if (writer == NULL)
        return number <= mark->newest;
    return batch_no <= writer->high && find_hole(mark, number, batch_no) == NULL;
}

/* Of what is missing here, has the other nothing? */
static bool misses_it(const struct follow_mark *other, const struct follow_hole *hole)
{
    const struct follow_writer *writer = find_writer(other, hole->number);
    if (writer == NULL)
        return hole->number > other->newest;
    int64_t at = hole->least;
    while (at <= hole->most && at <= writer->high) {
        const struct follow_hole *same = find_hole(other, hole->number, at);
        if (same == NULL)
            return false;
        at = same->most + 1;
    }
    return true;
}

bool follow_mark_covers(const struct follow_mark *mark, const struct follow_mark *other)
{
    if (mark->newest < other->newest)
        return false;
    for (size_t i = 0; i < mark->writer_count; i++) { /* the other may know that it is over */
        const struct follow_writer *own = &mark->writer[i];
        if (own->number <= other->newest && find_writer(other, own->number) == NULL)
            return false;
    }
    for (size_t i = 0; i < other->writer_count; i++) {
        const struct follow_writer *own = find_writer(mark, other->writer[i].number);
        if (own != NULL && own->high < other->writer[i].high)
            return false;
    }
    for (size_t i = 0; i < mark->hole_count; i++) {
        if (!misses_it(other, &mark->hole[i]))
            return false;
    }
    if (other->part_number == 0)
        return true;
    return follow_mark_has(mark, other->part_number, other->part_batch);
}

/* ---- text -------------------------------------------------------------------------------------- */

static void put_number(struct buf *out, int64_t value)
{
    uint64_t rest = (uint64_t)value;
    while (rest >= 0x80) {
        buf_add_char(out, (char)(rest | 0x80));
        rest >>= 7;
    }
    buf_add_char(out, (char)rest);
}

static bool take_number(struct str *rest, int64_t most, int64_t *value)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX && i < rest->len; i++) {
        uint8_t byte = (uint8_t)rest->at[i];
        number |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *rest = str_sub(*rest, i + 1, SIZE_MAX);
            *value = (int64_t)number;
            return number <= (uint64_t)most;
        }
    }
    return false;
}

static void put_holes(const struct follow_mark *mark, struct buf *out)
{
    put_number(out, (int64_t)mark->hole_count);
    for (size_t i = 0; i < mark->hole_count; i++) {
        put_number(out, mark->hole[i].number);
        put_number(out, mark->hole[i].least);
        put_number(out, mark->hole[i].most - mark->hole[i].least);
    }
}

/* base64url without padding: fit for a query and a header. */
static void put_url(struct str bytes, struct buf *out)
{
    size_t from = out->len;
    crypto_base64(bytes, out);
    for (size_t i = from; i < out->len; i++) {
        if (out->at[i] == '+')
            out->at[i] = '-';
        else if (out->at[i] == '/')
            out->at[i] = '_';
    }
    while (out->len > from && out->at[out->len - 1] == '=')
        out->len--;
}

void follow_mark_print(const struct follow_mark *mark, struct buf *out)
{
    struct buf bytes;
    buf_init(&bytes, FOLLOW_TEXT_MAX);
    buf_add_char(&bytes, MARK_VERSION);
    put_number(&bytes, mark->newest);
    put_number(&bytes, mark->made_us);
    put_number(&bytes, (int64_t)mark->writer_count);
    for (size_t i = 0; i < mark->writer_count; i++) {
        put_number(&bytes, mark->writer[i].number);
        put_number(&bytes, mark->writer[i].high);
    }
    put_holes(mark, &bytes);
    put_number(&bytes, mark->part_number);
    if (mark->part_number > 0) {
        put_number(&bytes, mark->part_batch);
        buf_add(&bytes, mark->part_event.byte, sizeof(mark->part_event.byte));
    }
    put_url(buf_str(&bytes), out);
    buf_release(&bytes);
}

static bool take_writers(struct str *rest, struct follow_mark *mark)
{
    int64_t count;
    if (!take_number(rest, FOLLOW_WRITER_MAX, &count))
        return false;
    for (int64_t i = 0; i < count; i++) {
        int64_t number;
        int64_t high;
        if (!take_number(rest, mark->newest, &number) || number == 0 ||
            !take_number(rest, INT64_MAX / 2, &high) || !follow_mark_meet(mark, (int32_t)number))
            return false;
        struct follow_writer *writer = find_writer(mark, (int32_t)number);
        CHECK(writer != NULL);
        writer->high = high;
    }
    return mark->writer_count == (size_t)count;
}

static bool take_holes(struct str *rest, struct follow_mark *mark)
{
    int64_t count;
    if (!take_number(rest, FOLLOW_HOLE_MAX, &count))
        return false;
    for (int64_t i = 0; i < count; i++) {
        int64_t number;
        int64_t least;
        int64_t more;
        if (!take_number(rest, INT32_MAX, &number) || !take_number(rest, INT64_MAX / 2, &least) ||
            !take_number(rest, HOLE_LENGTH_MAX, &more))
            return false;
        const struct follow_writer *writer = find_writer(mark, (int32_t)number);
        if (writer == NULL || least == 0 || least + more > writer->high ||
            !add_hole(mark, (int32_t)number, least, least + more, 0))
            return false;
    }
    return true;
}

static bool take_part(struct str *rest, struct follow_mark *mark)
{
    int64_t number;
    if (!take_number(rest, INT32_MAX, &number))
        return false;
    mark->part_number = (int32_t)number;
    if (number == 0)
        return rest->len == 0;
    if (!take_number(rest, INT64_MAX / 2, &mark->part_batch) ||
        rest->len != sizeof(mark->part_event.byte))
        return false;
    memcpy(mark->part_event.byte, rest->at, rest->len);
    return true;
}

static bool take_mark(struct str rest, struct follow_mark *mark)
{
    int64_t newest;
    if (rest.len == 0 || rest.at[0] != MARK_VERSION)
        return false;
    rest = str_sub(rest, 1, SIZE_MAX);
    if (!take_number(&rest, INT32_MAX, &newest) ||
        !take_number(&rest, INT64_MAX / 2, &mark->made_us))
        return false;
    mark->newest = (int32_t)newest;
    return take_writers(&rest, mark) && take_holes(&rest, mark) && take_part(&rest, mark);
}

bool follow_mark_parse(struct str text, struct follow_mark *mark, struct error *err)
{
    struct buf padded;
    struct buf bytes;
    *mark = (struct follow_mark){0};
    buf_init(&padded, FOLLOW_TEXT_MAX + 4);
    buf_init(&bytes, FOLLOW_TEXT_MAX);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        buf_add_char(&padded, c == '-' ? '+' : c == '_' ? '/' : c == '+' || c == '/' ? '!' : c);
    }
    while (padded.len % 4 != 0 && buf_is_ok(&padded))
        buf_add_char(&padded, '=');
    bool ok = buf_is_ok(&padded) && crypto_unbase64(buf_str(&padded), &bytes) &&
              buf_is_ok(&bytes) && take_mark(buf_str(&bytes), mark);
    buf_release(&padded);
    buf_release(&bytes);
    return ok || fail(err, ERROR_INVALID, "cannot read position: it was not made here");
}
