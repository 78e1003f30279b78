<?php
// example.php - a payment, a refund of a part of it, an error told apart by its code, and a payout:
//
//   php docs/clients/php/example.php [ORDER]
//
// With the ORDER of an earlier run, whatever became of that run, the same answers come back and no money moves again.
declare(strict_types=1);
require __DIR__ . '/turnpike.php';

function show(string $what, array $object): void
{
    echo "$what: {$object['id']} {$object['status']} {$object['amount']} {$object['currency']} " . ($object['provider'] ?? '-') . "\n";
}

$turnpike = Turnpike::fromEnvironment();
$order = $argv[1] ?? 'order-' . time() . '-' . getmypid(); // yours, from your database; the keys are made of it
echo "order: $order\n";

// 10.99 EUR. On test keys the method `test` needs no token of a provider; outcome declined_hard, requires_action, ... end otherwise.
$payment = $turnpike->settled($turnpike->pay([
    'amount' => 1099, 'currency' => 'EUR', 'reference' => $order, 'method' => ['type' => 'test', 'outcome' => 'approved'],
], "$order-payment"));
show('payment', $payment);
if ($payment['status'] !== 'succeeded') {
    // declined, failed: ask for another method, under a new key. processing, review: do not pay again; the webhook tells.
    exit(1);
}

$refund = $turnpike->settled($turnpike->refund($payment['id'], ['amount' => 500], "$order-refund-1"));
show('refund', $refund);

try {
    $turnpike->refund($payment['id'], ['amount' => 5000], "$order-refund-2");
} catch (TurnpikeError $error) {
    if ($error->errorCode !== 'amount_exceeds_remaining') {
        throw $error;
    }
    echo "refused: {$error->errorCode} ({$error->requestId})\n";
}

$payout = $turnpike->settled($turnpike->payOut([
    'amount' => 12500, 'currency' => 'EUR', 'reference' => "$order-payout",
    'beneficiary' => ['type' => 'individual', 'first_name' => 'Ada', 'last_name' => 'Lovelace'],
    'payees' => ['paypal' => 'ada@example.com', 'payoneer' => 'ada-1815'],
], "$order-payout"));
show('payout', $payout);
exit($payout['status'] === 'succeeded' ? 0 : 1);
