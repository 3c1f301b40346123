<?php
// ==== Answers =============================================================================================

/** Keeps what the answer needs: `key`, to sign with, and `sent`, whether it was sent. */
function onhand_reply($name, $value = false) {
    static $known = array('key' => null, 'sent' => null);
    if ($value !== false) {
        $known[$name] = $value;
    }
    return $known[$name];
}

/** Sends the one JSON object, signed for the request it answers, and ends. */
function onhand_answer($status, $answer) {
    onhand_reply('sent', true);
    $body = json_encode($answer, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    while (ob_get_level() > 0 && @ob_end_clean()) {
        continue;
    }
    http_response_code($status);
    header_remove('X-Powered-By');
    header('Content-Type: application/json; charset=utf-8');
    header('Cache-Control: no-store');
    $key = onhand_reply('key');
    $digest = onhand_digest($body);
    $short = onhand_server('HTTP_ONHAND') !== '';     // a short signature is answered with one
    if (!$short) {
        header('Content-Digest: ' . $digest);
    }
    if ($key && preg_match('/^onhand=(:[A-Za-z0-9+\/=]{1,100}:)$/D', onhand_server('HTTP_SIGNATURE'), $part)) {
        $covered = '"@status" "content-digest" "signature";req;key="onhand"';
        $now = time();
        $input = "($covered);created=" . $now . ';keyid="' . $key['key_id'] . '";alg="hmac-sha256"';
        $base = '"@status": ' . $status . "\n" . '"content-digest": ' . $digest . "\n"
            . '"signature";req;key="onhand": ' . $part[1] . "\n" . '"@signature-params": ' . $input;
        $signature = onhand_signature($base, $key);
        if ($short) {
            header('OnHand: ' . $now . ' ' . trim($signature, ':'));
        } else {
            header('Signature-Input: onhand=' . $input);
            header('Signature: onhand=' . $signature);
            header('OnHand: short');                  // says that the next request may have a short signature
        }
    }
    if (strlen($body) > ONHAND_PLAIN_MAX && function_exists('gzencode')
        && stripos(onhand_server('HTTP_ACCEPT_ENCODING'), 'gzip') !== false) {
        $body = gzencode($body, 1);                   // what is signed is the text, as some hosts compress by themselves
        header('Content-Encoding: gzip');
    }
    header('Content-Length: ' . strlen($body));
    echo $body;
    exit;
}

/** Answers an unforeseen error: the details go to the server's error log, and the caller learns only that it happened. */
function onhand_give_up($problem) {
    onhand_if_allowed('error_log', 'OnHand connector: ' . $problem->getMessage() . ' in ' . $problem->getFile()
        . ' line ' . $problem->getLine());
    onhand_answer(500, array('ok' => false, 'error' => array('code' => 'internal',
        'message' => "The connector failed; the details are in the web server's error log.")));
}

/** Answers when PHP itself stops the script, out of memory or time. */
function onhand_last_words() {
    if (!onhand_reply('sent')) {
        $error = error_get_last();
        onhand_give_up(new Exception($error ? $error['message'] : 'the script ended by itself'));
    }
}

/** Returns a whole number from the database, or its digits where this PHP has 32 bits and cannot hold it. */
function onhand_number($digits) {
    return (float) (int) $digits === (float) $digits ? (int) $digits : (string) $digits;
}

/** Returns text as valid UTF-8; invalid bytes become U+FFFD. Null stays null. */
function onhand_text($text) {
    if ($text === null || preg_match('//u', $text)) {
        return $text;
    }
    $valid = '[\x00-\x7F]|[\xC2-\xDF][\x80-\xBF]|\xE0[\xA0-\xBF][\x80-\xBF]|[\xE1-\xEC\xEE\xEF][\x80-\xBF]{2}'
        . '|\xED[\x80-\x9F][\x80-\xBF]|\xF0[\x90-\xBF][\x80-\xBF]{2}|[\xF1-\xF3][\x80-\xBF]{3}|\xF4[\x80-\x8F][\x80-\xBF]{2}';
    preg_match_all('/(?:' . $valid . ')|./s', $text, $pieces);
    foreach ($pieces[0] as $n => $piece) {
        $pieces[0][$n] = strlen($piece) === 1 && ord($piece) > 127 ? "\xEF\xBF\xBD" : $piece;
    }
    return implode('', $pieces[0]);
}
