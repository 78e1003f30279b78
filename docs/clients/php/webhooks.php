<?php
// webhooks.php - a receiver of webhooks that verifies each, and works on each event once:
//
//   php docs/clients/php/webhooks.php [PORT]
//
// PHP's own web server runs this file once for each webhook; in production yours does, with TURNPIKE_WEBHOOK_SECRET (whsec_...;
// two with a space between while you rotate) in its environment. Without that, http://127.0.0.1:PORT/ is registered as an
// endpoint of your merchant first, and deleted when you end it.
declare(strict_types=1);
require __DIR__ . '/turnpike.php';

function work(array $event): void
{
    note(rtrim("{$event['type']}: " . ($event['data']['id'] ?? '') . ' ' . ($event['data']['status'] ?? '')));
}

function note(string $line): void
{
    file_put_contents('php://stdout', "$line\n");
}

// Whether this event was not seen before. In production a table with a unique column, written in the transaction that does the work.
function is_new(string $id): bool
{
    $file = fopen(getenv('WEBHOOKS_SEEN'), 'c+');
    flock($file, LOCK_EX);
    $new = !in_array($id, explode("\n", stream_get_contents($file)), true);
    if ($new) {
        fwrite($file, "$id\n");
    }
    fclose($file);
    return $new;
}

function receive(): int // the status to answer with
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return 405;
    }
    $headers = array_change_key_case(getallheaders());
    try {
        $event = Turnpike::verifyWebhook(file_get_contents('php://input'), $headers, preg_split('/ +/', getenv('TURNPIKE_WEBHOOK_SECRET')));
    } catch (WebhookRefused $refused) {
        note("refused: {$refused->getMessage()}");
        return 400;
    }
    if (is_new($event['id'])) {
        work($event);
    } else {
        note("again: {$event['id']}"); // your first answer was lost: say yes, do nothing
    }
    return 204;
}

if (PHP_SAPI !== 'cli') {
    http_response_code(receive());
    return;
}

// From the command line: register, and let PHP's own web server receive.
$port = (int)($argv[1] ?? 3000);
$url = "http://127.0.0.1:$port/";
$probe = @stream_socket_server("tcp://127.0.0.1:$port", $number, $why);
if ($probe === false) {
    fwrite(STDERR, "cannot listen on port $port ($why); name another: php docs/clients/php/webhooks.php PORT\n");
    exit(1);
}
fclose($probe);
$secret = getenv('TURNPIKE_WEBHOOK_SECRET') ?: null;
$turnpike = $endpoint = null;
if ($secret === null) {
    $turnpike = Turnpike::fromEnvironment();
    foreach ($turnpike->request('GET', '/v1/webhook-endpoints')['data'] as $left) { // by a run that was killed
        if ($left['url'] === $url) {
            $turnpike->request('DELETE', "/v1/webhook-endpoints/{$left['id']}");
        }
    }
    $endpoint = $turnpike->request('POST', '/v1/webhook-endpoints', ['url' => $url]);
    $secret = $endpoint['secret'];
}
$seen = tempnam(sys_get_temp_dir(), 'webhooks');
pcntl_async_signals(true);
$server = proc_open([PHP_BINARY, '-S', "127.0.0.1:$port", __FILE__], [2 => ['file', '/dev/null', 'w']], $pipes, null,
    ['TURNPIKE_WEBHOOK_SECRET' => $secret, 'WEBHOOKS_SEEN' => $seen] + getenv());
$end = fn () => proc_terminate($server);
pcntl_signal(SIGINT, $end);
pcntl_signal(SIGTERM, $end);
while (($running = proc_get_status($server)['running']) && !@fsockopen('127.0.0.1', $port)) {
    usleep(10_000);
}
note($running ? "receiving at $url; Ctrl-C ends it" : "PHP's web server did not start: php -S 127.0.0.1:$port says why");
while (proc_get_status($server)['running']) {
    usleep(100_000);
}
unlink($seen);
if ($endpoint !== null) {
    $turnpike->request('DELETE', "/v1/webhook-endpoints/{$endpoint['id']}");
}
exit($running ? 0 : 1);
