"""A payment, a refund of a part of it, an error told apart by its code, and a payout:

    python3 docs/clients/python/example.py [ORDER]

With the ORDER of an earlier run, whatever became of that run, the same answers come back and no money moves again.
"""

import sys
import time

from turnpike import Turnpike, TurnpikeError


def show(what, thing):
    print(f"{what}: {thing['id']} {thing['status']} {thing['amount']} {thing['currency']} {thing['provider'] or '-'}")


turnpike = Turnpike.from_environment()
order = sys.argv[1] if len(sys.argv) > 1 else f"order-{time.time_ns() // 1000000}"  # yours, from your database; the keys are made of it
print(f"order: {order}")

# 10.99 EUR. On test keys the method `test` needs no token of a provider; outcome declined_hard, requires_action, ... end otherwise.
payment = turnpike.settled(turnpike.pay({
    "amount": 1099, "currency": "EUR", "reference": order, "method": {"type": "test", "outcome": "approved"},
}, f"{order}-payment"))
show("payment", payment)
if payment["status"] != "succeeded":
    # declined, failed: ask for another method, under a new key. processing, review: do not pay again; the webhook tells.
    sys.exit(1)

refund = turnpike.settled(turnpike.refund(payment["id"], {"amount": 500}, f"{order}-refund-1"))
show("refund", refund)

try:
    turnpike.refund(payment["id"], {"amount": 5000}, f"{order}-refund-2")
except TurnpikeError as error:
    if error.code != "amount_exceeds_remaining":
        raise
    print(f"refused: {error.code} ({error.request_id})")

payout = turnpike.settled(turnpike.pay_out({
    "amount": 12500, "currency": "EUR", "reference": f"{order}-payout",
    "beneficiary": {"type": "individual", "first_name": "Ada", "last_name": "Lovelace"},
    "payees": {"paypal": "ada@example.com", "payoneer": "ada-1815"},
}, f"{order}-payout"))
show("payout", payout)
sys.exit(0 if payout["status"] == "succeeded" else 1)
