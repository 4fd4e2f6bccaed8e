<?php
// A backend that takes Tallybus's requests, by PHP alone (pdo_sqlite comes with it).
//
//     TALLYBUS_SECRET=whsec_… DATABASE=streams.db php -S 127.0.0.1:8081 receiver.php
//
// It proves who sent a request, keeps the newest status of each stream in SQLite, and answers: 204
// to what it has now or had before, 401 to what it cannot prove, 400 to what is no event, 503 where
// it cannot keep it. It reads one event a request, `format: wcs`, and answers 415 to batches and
// CloudEvents. docs/receiving.md says why.
declare(strict_types=1);

const MOST_BYTES = 2 << 20;
const TOLERANCE_S = 300;

const TABLE = <<<'SQL'
CREATE TABLE IF NOT EXISTS streams (
  lane     TEXT PRIMARY KEY,
  sequence BIGINT NOT NULL,
  time     TEXT NOT NULL,
  again    INTEGER NOT NULL,
  status   TEXT NOT NULL,
  event    TEXT NOT NULL
)
SQL;
const UPSERT = <<<'SQL'
INSERT INTO streams (lane, sequence, time, again, status, event)
VALUES (:lane, :sequence, :time, :again, :status, :event)
ON CONFLICT (lane) DO UPDATE SET
  sequence = excluded.sequence, time = excluded.time, again = excluded.again,
  status = excluded.status, event = excluded.event
WHERE excluded.time > streams.time
   OR (excluded.sequence > streams.sequence
       AND (excluded.again = 0 OR excluded.time = streams.time))
SQL;

function answer(int $status, string $why): never {
    error_log($why);
    http_response_code($status);
    exit;
}

function field(string $name): string {
    return $_SERVER['HTTP_' . strtoupper(strtr($name, '-', '_'))] ?? '';
}

function body(): string {
    $sent = file_get_contents('php://input', length: MOST_BYTES + 1);
    if (strlen($sent) > MOST_BYTES) answer(413, 'refused 413 larger than any event');
    if (field('content-encoding') !== 'gzip') return $sent;
    $text = @gzdecode($sent, MOST_BYTES);
    if ($text === false) answer(400, 'refused 400 cannot be inflated');
    return $text;
}

// Who knows the secret signed these very bytes, just now.
function prove(string $body): void {
    $stamp = field('webhook-timestamp');
    if (!ctype_digit($stamp) || abs(time() - (int)$stamp) > TOLERANCE_S) {
        answer(401, 'refused 401 the time of the signature is missing, or too far off');
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', getenv('TALLYBUS_SECRET') ?: ''));
    if (strlen($key) < 24) {  // anybody can sign with an empty one
        answer(500, 'TALLYBUS_SECRET is no whsec_ key');
    }
    $content = field('webhook-id') . ".$stamp.$body";
    $wanted = 'v1,' . base64_encode(hash_hmac('sha256', $content, $key, binary: true));
    foreach (explode(' ', field('webhook-signature')) as $entry) {
        if (hash_equals($wanted, $entry)) return;
    }
    answer(401, 'refused 401 not signed with this secret');
}

function read_form(): void {
    [$type] = explode(';', $_SERVER['CONTENT_TYPE'] ?? '');
    if (strtolower(trim($type)) !== 'application/json' || field('tallybus-batch') !== '') {
        answer(415, 'refused 415 neither batches nor CloudEvents are read here, only format: wcs');
    }
}

// True where the event is newer than what is known.
function apply(string $body): bool {
    $event = json_decode($body);
    $status = $event->status ?? '';
    if (!is_object($event) || !is_string($status)) {
        answer(400, 'refused 400 no event: no JSON object, or its status is no text');
    }
    [$lane, $time] = [rawurldecode(field('tallybus-lane')), field('tallybus-time')];
    $sequence = field('tallybus-sequence');
    if ($lane === '' || $time === '' || !preg_match('/^[0-9]{1,18}$/D', $sequence)) {
        answer(400, 'refused 400 no event: its place in a lane is missing');
    }
    try {
        $database = new PDO('sqlite:' . (getenv('DATABASE') ?: 'streams.db'));
        $database->exec(TABLE);
        $upsert = $database->prepare(UPSERT);
        $upsert->bindValue('sequence', (int)$sequence, PDO::PARAM_INT);
        $upsert->bindValue('again', (int)(field('tallybus-redelivery') === '1'), PDO::PARAM_INT);
        foreach (['lane' => $lane, 'time' => $time, 'status' => $status, 'event' => $body]
                 as $name => $text) {
            $upsert->bindValue($name, $text);
        }
        $upsert->execute();
        return $upsert->rowCount() > 0;
    } catch (PDOException $error) {
        answer(503, 'refused 503 cannot be kept: ' . $error->getMessage());
    }
}

$body = body();
prove($body);
read_form();
$method = basename((string)parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
if ($method === 'connect') answer(403, 'refused 403 no session is let in here');
$lane = field('tallybus-lane');
$sequence = field('tallybus-sequence');
if (!str_ends_with($method, 'StatusEvent')) {
    answer(204, "no status: $lane $sequence");  // a keep-alive, an alert, a test
}
answer(204, apply($body) ? "new $lane $sequence" : "old $lane $sequence");
