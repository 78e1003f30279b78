#include "payment/driver.h"

#include "base/log.h"
#include "payment/status.h"

static enum status_kind kind_of(const struct store_payment *row)
{
    if (row->operation != OPERATION_NONE)
        return STATUS_OF_OPERATION;
    return row->is_payout ? STATUS_OF_PAYOUT : STATUS_OF_PAYMENT;
}

bool drive_move_status(struct drive *drive, enum payment_status to)
{
    char id[ID_TEXT_SIZE];
    struct store_payment_view *view = &drive->planned.payment;
    enum payment_status from = drive->committed.payment.status;
    if (!status_may_follow(kind_of(&view->row), from, to)) {
        log_error(
            "payment", "a status does not follow from the one before; it stays",
            LOG_STR("payment_id", id_format(drive_id_kind(&view->row), &view->row.payment_id, id)),
            LOG_CSTR("from", payment_status_name(from)), LOG_CSTR("to", payment_status_name(to)),
            LOG_STR("request_id", drive->request_id));
        return false;
    }
    view->status = to;
    return true;
}
