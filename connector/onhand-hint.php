<?php
/*
 * The OnHand hint, version 1.0.0. It tells OnHand that this shop has just sold something, so that the other shops show the
 * sale at once instead of after OnHand's next look. It is optional: if a hint gets lost, only that wait comes back.
 *
 * Copy this file next to onhand.php and onhand-key.php, and include it where the shop writes an order. The folder
 * connector/hooks of OnHand has the few lines for each cart. It can be included before the order is complete, because it acts
 * when the page has finished.
 *
 * What it does: it sends one signed POST to the address hint_url in onhand-key.php. The request does not say what was sold.
 * It waits until the answer begins, but never longer than ONHAND_HINT_SECONDS. It cannot be requested from outside.
 *
 * What it never does: it does not read the answer, writes nothing and prints nothing. If it fails, neither the shop's page nor
 * its log shows it.
 *
 * To test the connection to OnHand, run it on the shop's server: php onhand-hint.php. It needs PHP 5.6 to 8.5.
 */

define('ONHAND_HINT_VERSION', '1.0.0');
define('ONHAND_HINT_SECONDS', 0.18);      // from the connection to the answer; a little below the 0.2 that are promised
define('ONHAND_HINT_BODY', '{"hint":"sold"}');

if (!isset($_SERVER['SCRIPT_FILENAME']) || realpath($_SERVER['SCRIPT_FILENAME']) !== __FILE__) {
    register_shutdown_function('onhand_hint_at_the_end');
} elseif (PHP_SAPI === 'cli') {
    onhand_hint_tried();
}

/** The page is done: the buyer has it, where PHP can send it ahead of us. Whatever happens from here on stays here. */
function onhand_hint_at_the_end() {
    set_error_handler('onhand_hint_quiet');   // the shop's own handler would log, or print, that OnHand is down
    try {
        // An open session is stored after us, and the next page of this buyer would come too early for it.
        if (function_exists('fastcgi_finish_request') && session_status() !== PHP_SESSION_ACTIVE) {
            fastcgi_finish_request();
        }
        onhand_hint_send(microtime(true) + ONHAND_HINT_SECONDS);
    } catch (Exception $problem) {
    } catch (Throwable $problem) {        // from PHP 7 on; before, there is no such class and nothing to catch
    }
    restore_error_handler();
}

function onhand_hint_quiet() {
    return true;
}

/** For a person at the shop's machine: sends a hint and says what came of it. */
function onhand_hint_tried() {
    set_error_handler('onhand_hint_quiet');
    $began = microtime(true);
    try {
        $answer = onhand_hint_send($began + ONHAND_HINT_SECONDS);
        $took = round((microtime(true) - $began) * 1000);
        $status = preg_match('#^HTTP/1\.[01] ([0-9]{3})#', $answer, $part) ? (int) $part[1] : 0;
        $meanings = array(
            0 => 'Something else than OnHand listens at hint_url: its answer is no HTTP.',
            204 => "OnHand took the hint, in $took ms.",
            400 => "OnHand does not go by the host name in hint_url: use the name it is started with, --url or --host.",
            401 => "OnHand refuses the hint: copy this cart's onhand-key.php again, and compare the clocks of both machines.",
        );
        echo isset($meanings[$status]) ? $meanings[$status] : "Something else than OnHand answers at hint_url, with HTTP $status.", "\n";
    } catch (Exception $problem) {
        echo $problem->getMessage(), "\n";
    }
    restore_error_handler();
}

/** Sends one hint; returns how the answer begins. Throws an Exception that says what stood in the way, or that the time is up. */
function onhand_hint_send($until) {
    $key = onhand_hint_key();
    $address = parse_url($key['hint_url']);
    $encrypted = $address['scheme'] === 'https';
    $port = isset($address['port']) ? $address['port'] : ($encrypted ? 443 : 80);
    $context = stream_context_create(array('ssl' => array(
        'peer_name' => trim($address['host'], '[]'), 'SNI_enabled' => true, 'verify_peer' => true, 'verify_peer_name' => true,
    )));
    $stream = stream_socket_client("tcp://$address[host]:$port", $number, $words, onhand_hint_left($until),
        STREAM_CLIENT_CONNECT, $context);
    if (!$stream) {
        throw new Exception("No connection to $key[hint_url]: $words.");
    }
    stream_set_blocking($stream, false);
    if ($encrypted) {
        onhand_hint_encrypt($stream, $until);
    }
    $request = onhand_hint_request($address, $key);
    while ($request !== '') {
        $written = fwrite($stream, $request);
        if ($written === false) {
            throw new Exception('The connection was closed.');
        }
        $request = (string) substr($request, $written);
        if ($request !== '') {
            onhand_hint_wait($stream, $until, true);
        }
    }
    // A web server in front of OnHand, nginx for one, drops a request whose sender has gone: we stay until the answer begins.
    // What arrives before it belongs to the encryption, and reads as nothing.
    while (($answer = (string) fread($stream, 100)) === '' && !feof($stream)) {
        onhand_hint_wait($stream, $until, false);
    }
    return $answer;
}

function onhand_hint_encrypt($stream, $until) {
    // Until PHP 7.2 the name TLS_CLIENT meant TLS 1.0 alone, and this one every version of TLS.
    $method = PHP_VERSION_ID >= 70200 ? STREAM_CRYPTO_METHOD_TLS_CLIENT : STREAM_CRYPTO_METHOD_SSLv23_CLIENT;
    while (($done = stream_socket_enable_crypto($stream, true, $method)) === 0) {
        onhand_hint_wait($stream, $until, false);
    }
    if ($done !== true) {
        throw new Exception("The certificate of OnHand's address is not one that this machine trusts, or it does not speak TLS.");
    }
}

/** Until something can be read, or written; an Exception when the time is up. */
function onhand_hint_wait($stream, $until, $to_write) {
    $read = $to_write ? null : array($stream);
    $write = $to_write ? array($stream) : null;
    $except = null;
    if (!stream_select($read, $write, $except, 0, (int) (onhand_hint_left($until) * 1000000))) {
        throw new Exception('There was no answer in time.');
    }
}

/** How many seconds are left; an Exception if none are. */
function onhand_hint_left($until) {
    $left = $until - microtime(true);
    if ($left <= 0) {
        throw new Exception('There was no answer in time.');
    }
    return $left;
}

/** The request, with the same signature that OnHand's own requests to the shop carry. */
function onhand_hint_request($address, $key) {
    $path = $address['path'];
    $digest = 'sha-256=:' . base64_encode(hash('sha256', ONHAND_HINT_BODY, true)) . ':';
    $parameters = '("@method" "@path" "content-digest");created=' . time() . ';keyid="' . $key['key_id'] . '";alg="hmac-sha256"';
    $base = '"@method": POST' . "\n" . '"@path": ' . $path . "\n" . '"content-digest": ' . $digest . "\n"
        . '"@signature-params": ' . $parameters;
    $signature = base64_encode(hash_hmac('sha256', $base, pack('H*', $key['secret']), true));
    return implode("\r\n", array(
        "POST $path HTTP/1.1",
        'Host: ' . $address['host'] . (isset($address['port']) ? ':' . $address['port'] : ''),
        'User-Agent: OnHand-hint/' . ONHAND_HINT_VERSION,
        'Content-Type: application/json',
        'Content-Length: ' . strlen(ONHAND_HINT_BODY),
        'Content-Digest: ' . $digest,
        'Signature-Input: onhand=' . $parameters,
        'Signature: onhand=:' . $signature . ':',
        'Connection: close',
        '',
        ONHAND_HINT_BODY,
    ));
}

/** Our key, and where to hint. An Exception says what is missing. */
function onhand_hint_key() {
    $file = dirname(__FILE__) . '/onhand-key.php';
    ob_start();                           // a blank line after the end of the file must not reach the page
    $key = is_file($file) ? include $file : null;
    ob_end_clean();
    if (!is_array($key) || !isset($key['key_id'], $key['secret']) || !preg_match('/^[A-Za-z0-9_-]{1,40}$/D', $key['key_id'])
        || !preg_match('/^[0-9a-f]{64}$/Di', $key['secret'])) {
        throw new Exception('Copy the file onhand-key.php that OnHand made for this cart next to onhand-hint.php.');
    }
    if (!isset($key['hint_url']) || !preg_match('#^https?://[A-Za-z0-9.:\[\]-]+/hint/[0-9]{1,9}$#D', $key['hint_url'])) {
        throw new Exception('onhand-key.php has no hint_url: set the parameter HintURL in OnHand, and copy the key file again.');
    }
    return $key;
}
