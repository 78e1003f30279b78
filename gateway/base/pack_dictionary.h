/*
 * pack_dictionary.h - what stored texts look like: private to pack.c.
 *
 * Rows outlive versions: a dictionary that has been released is never changed. What is most common
 * stands last.
 */
#ifndef BASE_PACK_DICTIONARY_H
#define BASE_PACK_DICTIONARY_H

#include <stddef.h>

/* clang-format off */
static const char pack_dictionary_1[] =
    "\"status\":\"requires_action\",\"status\":\"canceled\",\"status\":\"review\",\"status\":\"unclaimed\",\"status\":\"returned\","
    "\"action\":{\"url\":\"https://\"},\"reason\":\"insufficient_funds\",\"reason\":\"do_not_honor\",\"reason\":\"provider_error\","
    "\"reason\":\"connect_refused\",\"reason\":\"timeout\",\"status\":\"unknown\",\"status\":\"pending\",\"status\":\"declined_soft\","
    "\"status\":\"declined_hard\",\"status\":\"failed\",\"status\":\"declined\",\"status\":\"processing\",\"dropped\":\"breaker_open\","
    "\"dropped\":\"no_token\",\"dropped\":\"not_in_rule\",\"dropped\":\"currency\",\"dropped\":\"limit\",\"state\":\"open\",\"state\":\"half_open\","
    "{\"sender_batch_header\":{\"sender_batch_id\":\"att_\",\"email_subject\":\"You have a payout!\"},\"items\":[{\"recipient_type\":\"PAYPAL_ID\","
    "\"recipient_type\":\"EMAIL\",\"amount\":{\"value\":\"\",\"currency\":\"USD\"},\"note\":\"\",\"sender_item_id\":\"att_\",\"receiver\":\"\"}]}/v1/payments/payouts"
    "{\"Payments\":[{\"client_reference_id\":\"att_\",\"payee_id\":\"\",\"amount\":10.00,\"currency\":\"USD\",\"description\":\"\"}]}/v4/programs//masspayouts"
    "\"object\":\"payout\",\"beneficiary\":{\"type\":\"individual\",\"name\":\"\",\"country\":\"US\",\"iban_last4\":\"\"},\"operation\":\"payout\","
    "TPR1POST/api/lists{\"transactionId\":\"att_\",\"integration\":\"PURE_NATIVE\",\"division\":\"\",\"country\":\"US\",\"customer\":{\"number\":\"pay_\"},"
    "\"payment\":{\"reference\":\"pay_\",\"amount\":10.00,\"currency\":\"EUR\",\"invoiceId\":\"pay_\"},\"callback\":{\"notificationUrl\":\"https://\"},"
    "\"preselection\":{\"direction\":\"CHARGE\",\"deferral\":\"NON_DEFERRED\"}}application/vnd.optile.payment.enterprise-v1-extensible+json/accounts/charge"
    "POST/v2/checkout/orders{\"intent\":\"AUTHORIZE\",{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"reference_id\":\"att_\",\"custom_id\":\"att_\","
    "\"invoice_id\":\"pay_\",\"description\":\"\",\"amount\":{\"currency_code\":\"USD\",\"value\":\"0.00\"}}],\"payment_source\":{\"paypal\":{\"vault_id\":\"\"}}}"
    "\"amount\":{\"currency_code\":\"EUR\",\"value\":\"10.99\"}}],\"payment_source\":{\"card\":{\"vault_id\":\"tok_\"}}}att_"
    "\x0c\0\0\0Content-Type\x10\0\0\0application/json\x11\0\0\0PayPal-Request-Id\x1e\0\0\0att_\x06\0\0\0Prefer\x15\0\0\0return=representation\x06\0\0\0Accept"
    "{\"id\":\"pay_01\",\"object\":\"payment\",\"status\":\"authorized\",\"amount\":1000,\"currency\":\"USD\",\"amount_captured\":0,\"amount_refunded\":0,"
    "\"capture\":\"manual\",\"reference\":\"order-\",\"method\":{\"type\":\"wallet\"},\"customer\":{\"country\":\"US\",\"id\":\"c-\"},\"metadata\":{\"cart\":\"\"},"
    "\"provider\":\"payoneer\",\"failure\":{\"code\":\"\",\"reason\":\"\"},\"attempts\":[{\"id\":\"att_01\",\"provider\":\"payoneer\",\"operation\":\"authorize\",\"code\":\"\","
    "{\"id\":\"pay_01\",\"object\":\"payment\",\"status\":\"succeeded\",\"amount\":1099,\"currency\":\"EUR\",\"amount_captured\":1099,\"amount_refunded\":0,"
    "\"capture\":\"automatic\",\"reference\":null,\"method\":{\"type\":\"card\"},\"customer\":{},\"metadata\":{},\"provider\":\"paypal\",\"failure\":null,"
    "\"attempts\":[{\"id\":\"att_01\",\"provider\":\"paypal\",\"account\":\"acc_01\",\"operation\":\"sale\",\"status\":\"approved\",\"reason\":\"approved\","
    "\"code\":null,\"provider_reference\":\"\",\"expected_fee\":51,\"fee\":77,\"started\":\"2026-11-22T00:00:00.000Z\",\"ended\":\"2026-11-22T00:00:00.000Z\"}],"
    "\"decision\":{\"rule\":\"default\",\"rule_set\":\"\",\"draw\":\"1\",\"order\":\"list\",\"order\":\"fee\",\"candidates\":[{\"provider\":\"paypal\","
    "\"account\":\"main\",\"kept\":false,\"dropped\":\"operation\",\"kept\":true,\"expected_fee\":51,\"health\":{\"state\":\"closed\",\"calls\":0,"
    "\"success_per_million\":1000000,\"p50_ms\":0,\"p95_ms\":0,\"p99_ms\":0}},{\"provider\":\"payoneer\",\"account\":\"main\",\"kept\":true,"
    "\"expected_fee\":115,\"health\":{\"state\":\"closed\",\"calls\":0,\"success_per_million\":1000000,\"p50_ms\":51,\"p95_ms\":54,\"p99_ms\":60}}]},"
    "\"created\":\"2026-11-22T00:00:00.000Z\",\"livemode\":false}";
/* clang-format on */
static const size_t pack_dictionary_1_len = sizeof(pack_dictionary_1) - 1;

#endif
