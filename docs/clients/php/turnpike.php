<?php
// turnpike.php - a small client of Turnpike's API for PHP 8.1 or later (64 bit, with curl), without packages: copy it into your project.
//
//   $turnpike = Turnpike::fromEnvironment();
//   $payment = $turnpike->pay(['amount' => 1099, 'currency' => 'EUR', 'method' => [...]], 'order-1001-payment');
//
// Whatever moves money takes an idempotency key of yours. Write it down with the order before the call: whoever tries
// again under the same key, in this process or after a crash, moves the money once. The client does so by itself when
// an answer is lost or says `retryable`; what it gives up on is a TurnpikeError, and the same call may be made later.
declare(strict_types=1);

// Decide by `errorCode` (docs/api.md lists them). `no_answer`: none came, so nobody knows; the same call under the same key
// finds out. `param` is the member it is about, `retryable` says that the same call may succeed later.
final class TurnpikeError extends RuntimeException
{
    public readonly string $errorCode; // `code` of the problem: an exception's own code is a number
    public readonly ?string $param;
    public readonly bool $retryable;
    public readonly ?string $paymentId;
    public readonly ?string $requestId;

    public function __construct(array $problem, public readonly int $status = 0, public readonly int $retryAfter = 0)
    {
        parent::__construct($problem['code'] . ': ' . ($problem['detail'] ?? $problem['title'] ?? ''));
        $this->errorCode = $problem['code'];
        $this->param = $problem['param'] ?? null;
        $this->retryable = ($problem['retryable'] ?? null) === true;
        $this->paymentId = $problem['payment_id'] ?? null;
        $this->requestId = $problem['request_id'] ?? null;
    }
}

final class WebhookRefused extends RuntimeException
{
}

final class Turnpike
{
    private const PAUSE_MS = 500; // before the second try; twice as long before each that follows
    private const RETRY_AFTER_MAX_S = 60; // who shall wait longer is told, and decides
    private readonly CurlHandle $curl; // kept: one connection for all requests

    // $caFile: a CA of one's own (var/tls/ca.pem); without it the well-known ones are trusted.
    public function __construct(private readonly string $url, private readonly string $key, private readonly ?string $caFile = null,
        private readonly int $tries = 6, private readonly int $answerMs = 30_000)
    {
        $this->curl = curl_init();
    }

    // TURNPIKE_URL, TURNPIKE_KEY_FILE and TURNPIKE_CA_FILE, as the command line `turnpike` has them.
    public static function fromEnvironment(): self
    {
        $url = getenv('TURNPIKE_URL');
        $keyFile = getenv('TURNPIKE_KEY_FILE');
        if (!$url || !$keyFile || !is_readable($keyFile)) {
            throw new RuntimeException('TURNPIKE_URL and TURNPIKE_KEY_FILE are not set, or cannot be read; after make run: . var/env');
        }
        return new self($url, trim(file_get_contents($keyFile)), getenv('TURNPIKE_CA_FILE') ?: null);
    }

    public function pay(array $payment, string $key): array
    {
        return $this->request('POST', '/v1/payments', $payment, $key);
    }

    // All that is left, or `amount` of it.
    public function refund(string $paymentId, array $refund, string $key): array
    {
        return $this->request('POST', '/v1/payments/' . rawurlencode($paymentId) . '/refunds', $refund, $key);
    }

    public function payOut(array $payout, string $key): array
    {
        return $this->request('POST', '/v1/payouts', $payout, $key);
    }

    // A payment, refund or payout as it is now.
    public function read(array $object): array
    {
        return $this->request('GET', "/v1/{$object['object']}s/" . rawurlencode($object['id']));
    }

    // Read it, with growing pauses, until its outcome is known or the time is over; webhooks tell it without asking.
    public function settled(array $object, int $withinSeconds = 120): array
    {
        $end = hrtime(true) + $withinSeconds * 1_000_000_000;
        for ($pause = 1; in_array($object['status'], ['processing', 'scheduled'], true) && hrtime(true) + $pause * 1_000_000_000 < $end; $pause = min(2 * $pause, 60)) {
            sleep($pause);
            $object = $this->read($object);
        }
        return $object;
    }

    // Any call of the API. It is repeated if that is safe: a GET, or what has an idempotency key.
    public function request(string $method, string $path, ?array $body = null, ?string $idempotencyKey = null): array
    {
        $text = $body === null ? null : self::json($body); // once: each try has the same bytes
        for ($tried = 1; ; $tried++) {
            try {
                return $this->once($method, $path, $text, $idempotencyKey);
            } catch (TurnpikeError $error) {
                $safe = $method === 'GET' || $idempotencyKey !== null;
                if (!$safe || !$error->retryable || $tried >= $this->tries || $error->retryAfter > self::RETRY_AFTER_MAX_S) {
                    throw $error;
                }
                $pauseMs = self::PAUSE_MS * 2 ** ($tried - 1);
                usleep($error->retryAfter * 1_000_000 + random_int(intdiv($pauseMs, 2), $pauseMs) * 1000);
            }
        }
    }

    private function once(string $method, string $path, ?string $text, ?string $idempotencyKey): array
    {
        [$status, $headers, $raw] = $this->exchange($method, $path, $text, $idempotencyKey);
        $answer = json_decode($raw, true, 64, JSON_BIGINT_AS_STRING); // null: a proxy's page, or half an answer
        if ($status >= 200 && $status < 300 && is_array($answer)) {
            return $answer;
        }
        $retryAfter = preg_match('/^\d{1,9}$/', $headers['retry-after'] ?? '') ? (int)$headers['retry-after'] : 0;
        if ($status >= 400 && isset($answer['code'])) {
            throw new TurnpikeError($answer, $status, $retryAfter);
        }
        $mayPass = $status < 300 || $status >= 500;
        throw new TurnpikeError(['code' => $mayPass ? 'no_answer' : 'not_turnpike', 'retryable' => $mayPass,
            'detail' => "HTTP $status without an answer of Turnpike's"], $status, $retryAfter);
    }

    // One request and its whole answer. Redirects are not followed.
    private function exchange(string $method, string $path, ?string $text, ?string $idempotencyKey): array
    {
        $sent = ["Authorization: Bearer {$this->key}", 'Accept: application/json'];
        if ($text !== null) {
            $sent[] = 'Content-Type: application/json';
        }
        if ($idempotencyKey !== null) {
            $sent[] = "Idempotency-Key: $idempotencyKey";
        }
        $headers = [];
        curl_reset($this->curl);
        curl_setopt_array($this->curl, [
            CURLOPT_URL => $this->url . $path, CURLOPT_CUSTOMREQUEST => $method, CURLOPT_HTTPHEADER => $sent,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTPS, CURLOPT_TIMEOUT_MS => $this->answerMs, CURLOPT_RETURNTRANSFER => true,
            CURLOPT_HEADERFUNCTION => function ($_, string $line) use (&$headers): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $headers[strtolower($name)] = trim($value);
                return strlen($line);
            },
        ] + ($text !== null ? [CURLOPT_POSTFIELDS => $text] : []) + ($this->caFile !== null ? [CURLOPT_CAINFO => $this->caFile] : []));
        $raw = curl_exec($this->curl);
        if ($raw !== false) {
            return [curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE), $headers, $raw];
        }
        $why = curl_error($this->curl);
        if (in_array(curl_errno($this->curl), [CURLE_SSL_CACERT, CURLE_SSL_PEER_CERTIFICATE, CURLE_SSL_CACERT_BADFILE], true)) {
            throw new TurnpikeError(['code' => 'certificate', 'detail' => "{$this->url} is not trusted ($why): is TURNPIKE_CA_FILE right?"]);
        }
        throw new TurnpikeError(['code' => 'no_answer', 'retryable' => true, 'detail' => "$method $path: $why"]);
    }

    // Amounts are whole numbers: a float is refused here, before it is sent.
    private static function json(array $body): string
    {
        array_walk_recursive($body, function ($value, $name): void {
            if (is_float($value)) {
                throw new InvalidArgumentException("$name is $value: amounts are whole minor units, as int (1099 is 10.99 EUR)");
            }
        });
        return json_encode($body ?: new stdClass(), JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
    }

    // The event of a webhook, once it is proven to be ours and fresh; else WebhookRefused. $rawBody is file_get_contents('php://input'):
    // what was parsed and printed again has other bytes. $headers have lower-case names. $secrets: whsec_..., several while they are rotated.
    public static function verifyWebhook(string $rawBody, array $headers, array $secrets, int $toleranceSeconds = 300, ?int $now = null): array
    {
        [$id, $timestamp, $signatures] = array_map(fn ($part) => $headers["webhook-$part"] ?? '', ['id', 'timestamp', 'signature']);
        if ($id === '' || $signatures === '' || !preg_match('/^\d{1,12}$/D', $timestamp)) {
            throw new WebhookRefused('not signed');
        }
        if (abs(($now ?? time()) - (int)$timestamp) > $toleranceSeconds) {
            throw new WebhookRefused('its timestamp is too far from now: old, or sent again by a stranger');
        }
        foreach ($secrets as $secret) {
            $wanted = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$rawBody", self::secretBytes($secret), true));
            foreach (explode(' ', $signatures) as $one) {
                if (hash_equals($wanted, $one)) {
                    return json_decode($rawBody, true, 64, JSON_THROW_ON_ERROR | JSON_BIGINT_AS_STRING);
                }
            }
        }
        throw new WebhookRefused('no signature fits: altered, or signed with another secret');
    }

    // An empty or mistyped secret would be one that everybody knows.
    private static function secretBytes(string $secret): string
    {
        $bytes = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6), true) : false;
        if ($bytes === false || strlen($bytes) < 24) {
            throw new InvalidArgumentException('the webhook secret is not whsec_... of 24 bytes or more');
        }
        return $bytes;
    }
}
