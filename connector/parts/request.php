<?php
/*
 * The OnHand connector, version 1.3.0, for shops of the osCommerce family. onhand_marks() below lists the carts.
 *
 * Copy this file and onhand-key.php into the folder of the shop's index.php. That is the whole installation.
 *
 * What it does: it answers OnHand's signed requests about stock. It reads products, order lines and a few settings, and it
 * changes products_quantity by signed amounts (and products_status from off to on, when goods return to a product
 * that was sold out). It keeps one small table of its own, onhand_state. osCommerce 4 counts in another way; all that is written
 * there is in a section of its own.
 *
 * What it never does: it runs none of the shop's code (only its configuration file, for the database login), takes no
 * SQL and no file names from outside, calls no other server, and writes no other column. Only the whole numbers of a request
 * ever become part of an SQL statement.
 *
 * Read it from top to bottom: one request, the verbs, what a request may contain, the memory, the facts about each cart, the
 * family, the shop's tables, osCommerce 4, the database, the configuration, who asks, answers. In OnHand's repository each of
 * these is a file in connector/parts, and this file is put together from them. docs/protocol.md describes the protocol.
 * PHP 5.6 to 8.5.
 */

define('ONHAND_VERSION', '1.3.0');
define('ONHAND_PROTOCOL', 1);
define('ONHAND_BODY_MAX', 1048576);       // bytes in a request
define('ONHAND_PLAIN_MAX', 1000);         // bytes of an answer that is not worth compressing
define('ONHAND_ROWS_MAX', 2000);          // rows, ids or posts in one request
define('ONHAND_CELLS_MAX', 21845);        // cells in one third
define('ONHAND_SKEW_SECONDS', 300);       // how far the two clocks may differ
define('ONHAND_LOCK_SECONDS', 5);         // how long to wait for an earlier request to end
define('ONHAND_SHOP_LOCK_SECONDS', 10);   // how long to wait for a lock of the shop's own programs
define('ONHAND_WORD', '4294967296');      // 2^32, for the weights of the sums and the cells
define('ONHAND_WEIGHT', '2654435761');

onhand_serve();

// ==== One request =========================================================================================

/** Checks who asks, carries out the request and answers. The caller gets only the one JSON object. */
function onhand_serve() {
    onhand_if_allowed('ini_set', 'display_errors', '0');
    onhand_if_allowed('ini_set', 'zlib.output_compression', '0');
    onhand_if_allowed('set_time_limit', 120);
    onhand_if_allowed('ignore_user_abort', true);  // a caller who hangs up must not leave half a batch
    ob_start();                           // output of the configuration file is discarded
    onhand_require_functions();
    register_shutdown_function('onhand_last_words');
    try {
        $key = onhand_key();
        onhand_reply('key', $key);
        onhand_require_https($key);
        $request = onhand_authentic_request($key);
        onhand_answer(200, array('ok' => true) + onhand_perform($request, $key));
    } catch (OnhandRefusal $refusal) {
        $error = array('code' => $refusal->reason, 'message' => $refusal->getMessage());
        onhand_answer($refusal->status(), array('ok' => false, 'error' => $error + $refusal->members));
    } catch (Exception $problem) {
        onhand_give_up($problem);
    } catch (Throwable $problem) {        // since PHP 7; before, there is no such class and nothing to catch
        onhand_give_up($problem);
    }
}

/** Says what PHP lacks here. Without these extensions nothing can be read, signed or answered, so the answer is written by hand. */
function onhand_require_functions() {
    $lacking = array();
    foreach (array('hash', 'hash_hmac', 'json_encode', 'json_decode', 'preg_match', 'preg_match_all', 'preg_replace', 'preg_quote',
        'base64_encode', 'file_get_contents', 'register_shutdown_function', 'http_response_code', 'header_remove') as $function) {
        if (!function_exists($function)) {
            $lacking[] = $function;
        }
    }
    if (!$lacking) {
        return;
    }
    header('HTTP/1.1 500 Internal Server Error');
    header('Content-Type: application/json; charset=utf-8');
    $lacking = implode(', ', $lacking);
    echo '{"ok":false,"error":{"code":"config","lacks":"' . $lacking . '","message":"PHP in the shop lacks ' . $lacking
        . ': ask the host to allow it (disable_functions in php.ini), or to load its extension."}}';
    exit;
}

/** Calls a function that is useful but not vital: hosts switch some of them off. */
function onhand_if_allowed($function, $first, $second = null) {
    if (function_exists($function)) {
        $second === null ? $function($first) : $function($first, $second);
    }
}

/** A failure with a code of the protocol. */
class OnhandRefusal extends Exception {
    public $reason;
    public $members;

    public function __construct($reason, $message, $members = array()) {
        parent::__construct($message);
        $this->reason = $reason;
        $this->members = $members;
    }

    public function status() {
        $statuses = array('https' => 403, 'signature' => 401, 'clock' => 401, 'request' => 400, 'too_large' => 413,
            'config' => 500, 'tables' => 500, 'obstacle' => 500, 'database' => 503, 'busy' => 503, 'epoch' => 409, 'gap' => 409,
            'other' => 409);
        return isset($statuses[$this->reason]) ? $statuses[$this->reason] : 500;
    }
}

/** Opens the shop's database, waits until no other request is being served, and performs the verb. */
function onhand_perform($request, $key) {
    $verbs = array('hello', 'look', 'cells', 'listings', 'orders', 'apply');
    $verb = isset($request['verb']) ? $request['verb'] : null;
    if (!in_array($verb, $verbs, true)) {
        throw new OnhandRefusal('request', 'Name one of the verbs ' . implode(', ', $verbs) . '.');
    }
    $login = onhand_shop_login();
    $db = new OnhandDatabase($login);
    $given = $key['prefix'] !== '';       // a prefix in the key file overrides the shop's files
    $prefix = $given ? $key['prefix'] : $login['prefix'];
    $shop = onhand_is_oscommerce4() && function_exists('onhand_shop4') ? onhand_shop4($db, $prefix)
        : new OnhandShop($db, $prefix, $given ? array() : onhand_renamed_tables());
    if (!$db->lock($shop->prefix)) {
        throw new OnhandRefusal('busy', 'Another request of OnHand is still being served; try again in a few seconds.');
    }
    $obstacle = $shop->obstacle();
    if ($obstacle !== '' && $verb !== 'hello') {   // the hello reports it, so that a screen can show it
        throw new OnhandRefusal('obstacle', $obstacle);
    }
    // The lock and an open transaction end with the connection, also when this process is killed.
    $perform = 'onhand_' . $verb;
    return $perform($request, $shop, $db);
}
