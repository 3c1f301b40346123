<?php
// ==== Who asks: HTTPS, signature, clock ===================================================================

function onhand_require_https($key) {
    $encrypted = (onhand_server('HTTPS') !== '' && strtolower(onhand_server('HTTPS')) !== 'off')
        || strtolower(onhand_server('HTTP_X_FORWARDED_PROTO')) === 'https' || onhand_server('SERVER_PORT') === '443';
    // A caller behind a proxy on this machine is not local, although their address looks so.
    $local = preg_match('/^(127\.|::1$|::ffff:127\.)/', onhand_server('REMOTE_ADDR')) && onhand_server('HTTP_X_FORWARDED_FOR') === '';
    if (!$encrypted && !$local && $key['allow_http'] !== true) {
        throw new OnhandRefusal('https', 'Use the https address of this shop, or set allow_http to true in onhand-key.php.');
    }
}

/** Returns the request, if it was signed with our key for this address a short while ago. */
function onhand_authentic_request($key) {
    if ((float) onhand_server('CONTENT_LENGTH') > ONHAND_BODY_MAX) {
        throw new OnhandRefusal('too_large', 'A request may have at most ' . ONHAND_BODY_MAX . ' bytes.');
    }
    $body = file_get_contents('php://input', false, null, 0, ONHAND_BODY_MAX + 1);
    if (strlen($body) > ONHAND_BODY_MAX) {
        throw new OnhandRefusal('too_large', 'A request may have at most ' . ONHAND_BODY_MAX . ' bytes.');
    }
    onhand_spell_out($body);
    $input = onhand_server('HTTP_SIGNATURE_INPUT');
    $components = '("@method" "@path" "content-digest")';
    $shape = '/^onhand=(' . preg_quote($components, '/') . ';created=([0-9]{1,12});keyid="([A-Za-z0-9_-]{1,40})";alg="hmac-sha256")$/D';
    $well_formed = preg_match($shape, $input, $part);
    if (!$well_formed) {
        $part = array('', '', '0', '');
    }
    $path = preg_replace('#^[a-z]+://[^/]*#i', '', onhand_server('REQUEST_URI'));
    $base = '"@method": ' . onhand_server('REQUEST_METHOD') . "\n" . '"@path": ' . strtok($path, '?') . "\n"
        . '"content-digest": ' . onhand_server('HTTP_CONTENT_DIGEST') . "\n" . '"@signature-params": ' . $part[1];
    $right_signature = onhand_same('onhand=' . onhand_signature($base, $key), onhand_server('HTTP_SIGNATURE'));
    $right_body = onhand_same(onhand_digest($body), onhand_server('HTTP_CONTENT_DIGEST'));
    $right_key = onhand_same($key['key_id'], $part[3]);
    if (!$well_formed || !$right_signature || !$right_body || !$right_key || onhand_server('REQUEST_METHOD') !== 'POST') {
        onhand_reply('key', null);        // this refusal is the only unsigned answer
        $bare = $input === '' && onhand_server('HTTP_SIGNATURE') === '' && onhand_server('HTTP_CONTENT_DIGEST') === '';
        throw new OnhandRefusal('signature', 'Only requests that are signed with the key of this shop are served.',
            array('arrived' => $bare ? 'bare' : ($right_body ? 'whole' : 'changed')));
    }
    if (abs(time() - (int) $part[2]) > ONHAND_SKEW_SECONDS) {
        throw new OnhandRefusal('clock', 'The clock of this shop and that of OnHand differ by more than '
            . ONHAND_SKEW_SECONDS . ' seconds: set the wrong one right.', array('clock' => time()));
    }
    $request = json_decode($body, true, 16, defined('JSON_BIGINT_AS_STRING') ? JSON_BIGINT_AS_STRING : 0);
    if (!is_array($request) || substr(ltrim($body), 0, 1) !== '{') {
        throw new OnhandRefusal('request', 'The body of a request is one JSON object.');
    }
    return $request;
}

/** Writes the headers that a short signature stands for. It leaves out what is known here: the digest, and what every request covers. */
function onhand_spell_out($body) {
    $short = '/^([0-9]{1,12}) ([A-Za-z0-9_-]{1,40}) ([A-Za-z0-9+\/=]{1,100})$/D';
    if (onhand_server('HTTP_SIGNATURE') === '' && preg_match($short, onhand_server('HTTP_ONHAND'), $part)) {
        $_SERVER['HTTP_CONTENT_DIGEST'] = onhand_digest($body);
        $_SERVER['HTTP_SIGNATURE_INPUT'] = 'onhand=("@method" "@path" "content-digest");created=' . $part[1] . ';keyid="' . $part[2]
            . '";alg="hmac-sha256"';
        $_SERVER['HTTP_SIGNATURE'] = 'onhand=:' . $part[3] . ':';
    }
}

/** Returns what the web server says about the request; '' if it says nothing. */
function onhand_server($name) {
    return isset($_SERVER[$name]) ? trim((string) $_SERVER[$name]) : '';
}

function onhand_digest($body) {
    return 'sha-256=:' . base64_encode(hash('sha256', $body, true)) . ':';
}

function onhand_signature($base, $key) {
    return ':' . base64_encode(hash_hmac('sha256', $base, $key['secret'], true)) . ':';
}

/** Compares two texts in a time that does not show where they differ. */
function onhand_same($known, $given) {
    if (function_exists('hash_equals')) {
        return hash_equals($known, $given);
    }
    $difference = strlen($known) ^ strlen($given);
    for ($at = 0; $at < strlen($known) && $at < strlen($given); $at++) {
        $difference |= ord($known[$at]) ^ ord($given[$at]);
    }
    return $difference === 0;
}
