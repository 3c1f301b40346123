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

// ==== The verbs ===========================================================================================

function onhand_hello($request, $shop, $db) {
    $state = onhand_state($shop, $db);
    if (isset($request['fresh_epoch_after']) && $request['fresh_epoch_after'] === $state['epoch']) {
        $db->run("UPDATE $shop->state SET epoch = '" . onhand_new_epoch() . "', last_seq = 0, begun_first = NULL,"
            . " begun_last = NULL, last_first = NULL, last_answer = NULL WHERE id = 1");
        $state = onhand_state($shop, $db);
    }
    $version = $db->row('SELECT VERSION()');
    $count = $db->row("SELECT COUNT(*) FROM $shop->products");
    $columns = $shop->columns(onhand_telling_tables());
    $types = array();
    foreach (onhand_bearing_columns() as $place) {
        $types[$place] = isset($columns[$place]) ? $columns[$place]['shape'] : '';
    }
    return array(
        'protocol' => ONHAND_PROTOCOL,
        'connector' => ONHAND_VERSION,
        'runtime' => 'PHP ' . PHP_VERSION,
        'database' => onhand_text($version[0]),
        'family' => onhand_family($columns),
        'version' => onhand_version($shop, $db, $columns),
        'engine' => $shop->engine(),
        'prefix' => $shop->prefix,
        'tables' => (object) $shop->renamed,
        'collation' => (string) $columns['products.products_model']['collation'],
        'sku_length' => $columns['products.products_model']['length'],
        'quantity_type' => $columns['products.products_quantity']['type'],
        'columns' => $types,
        'stock_elsewhere' => $shop->stock_elsewhere(),
        'obstacle' => $shop->obstacle(),
        'switches' => (object) $shop->selling(),
        'products' => (int) $count[0],
        'epoch' => $state['epoch'],
        'last_seq' => $state['last_seq'],
        'clock' => time(),
    );
}

/** Returns what is new: order lines above a cursor, and sums that show whether any counter moved. */
function onhand_look($request, $shop, $db) {
    $after = onhand_whole($request, 'after', 0);
    $low = onhand_whole($request, 'low', 0);
    $limit = onhand_limit($request);
    if ($low > $after) {
        throw new OnhandRefusal('request', 'In a look, low must not be above after.');
    }
    $state = onhand_state($shop, $db);
    $q = $shop->quantity('p');
    $o = $shop->ordered('p');
    $h = $shop->weight('p');

    $db->snapshot();
    $sums = null;
    $sums_ms = 0.0;
    if (!empty($request['sums'])) {
        $started = microtime(true);
        $sums = $db->row("SELECT COUNT(*), IFNULL(SUM($q[value]), 0), IFNULL(SUM($o[value]), 0),"
            . " IFNULL(SUM($q[wide] * $h), 0), IFNULL(SUM($o[wide] * $h), 0) FROM " . $shop->stock() . ' p');
        $sums = array_map('strval', $sums);
        $sums_ms = round((microtime(true) - $started) * 1000, 1);
    }
    $catalogue = null;
    if (!empty($request['catalogue'])) {
        $catalogue = $db->row("SELECT IFNULL(SUM(CRC32(CONCAT(p.products_id, '|', IFNULL(p.products_model, ''), '|',"
            . " IFNULL(p.products_status, 0), '|', ($q[fraction] OR $o[fraction])))), 0) + " . $shop->apart() . " FROM $shop->products p");
        $catalogue = (string) $catalogue[0];
    }
    $lines = onhand_lines($shop, $db, "l.orders_products_id > $after", $limit + 1);
    $more = count($lines) > $limit;
    $line = $shop->line('l');
    $window = $db->row("SELECT (SELECT MAX(orders_products_id) FROM $shop->lines), COUNT(*),"
        . " IFNULL(SUM(l.orders_products_id), 0), IFNULL(SUM(($line[units]) * (CAST(l.orders_products_id AS SIGNED) % 65521 + 1)), 0) FROM $shop->lines l"
        . " WHERE l.orders_products_id > $low AND l.orders_products_id <= $after AND $line[there]");
    return array(
        'epoch' => $state['epoch'],
        'last_seq' => $state['last_seq'],
        'begun' => $state['begun_first'] !== null,
        'lines' => $more ? array_slice($lines, 0, $limit) : $lines,
        'more' => $more,
        'last_line' => (int) $window[0],
        'window' => array((int) $window[1], (string) $window[2], (string) $window[3]),
        'sums' => $sums,
        'sums_ms' => $sums_ms,
        'catalogue' => $catalogue,
    );
}

/** Returns the same sums in 3 * size groups, from which OnHand works out the few products that differ. */
function onhand_cells($request, $shop, $db) {
    $size = onhand_whole($request, 'size', 1);
    if ($size > ONHAND_CELLS_MAX) {
        throw new OnhandRefusal('too_large', 'Ask for at most ' . ONHAND_CELLS_MAX . ' cells in each third.');
    }
    $state = onhand_state($shop, $db);
    $q = $shop->quantity('p');
    $o = $shop->ordered('p');
    $h = $shop->weight('p');
    $cells = array_fill(0, 3 * $size, array('0', '0', '0', '0'));
    $x = '(p.products_id * t.multiplier % ' . ONHAND_WORD . ')';
    $rows = $db->rows("SELECT t.third * $size + (($x DIV 65536) * ($x DIV 65536) + $x) % $size AS cell,"
        . " SUM($q[value]), SUM($o[value]), SUM($q[wide] * $h), SUM($o[wide] * $h)"
        . ' FROM ' . $shop->stock() . " p JOIN (SELECT 0 AS third, 2246822519 AS multiplier UNION ALL SELECT 1, 3266489917"
        . " UNION ALL SELECT 2, 668265263) t GROUP BY cell ORDER BY NULL");
    foreach ($rows as $row) {
        $cells[(int) $row[0]] = array((string) $row[1], (string) $row[2], (string) $row[3], (string) $row[4]);
    }
    return array('epoch' => $state['epoch'], 'last_seq' => $state['last_seq'], 'size' => $size, 'cells' => $cells);
}

/** Returns products: a page of them in id order, or those named. */
function onhand_listings($request, $shop, $db) {
    if (isset($request['ids'])) {
        $ids = onhand_ids($request, 'ids');
        $more = false;
    } else {
        $limit = onhand_limit($request);
        $after = onhand_whole($request, 'after', 0);
        $ids = array();
        foreach ($db->rows("SELECT products_id FROM $shop->products WHERE products_id > $after ORDER BY products_id LIMIT " . ($limit + 1)) as $row) {
            $ids[] = (int) $row[0];
        }
        $more = count($ids) > $limit;
        $ids = array_slice($ids, 0, $limit);
    }
    $state = onhand_state($shop, $db);
    $q = $shop->quantity('p');
    $o = $shop->ordered('p');
    $download = $shop->download();
    $rows = $ids ? $db->rows("SELECT p.products_id, p.products_model,"
        . " (SELECT d.products_name FROM $shop->descriptions d WHERE d.products_id = p.products_id ORDER BY " . $shop->best_name('d') . " LIMIT 1),"
        . " $q[value], $o[value], p.products_status, p.products_last_modified,"
        . " TIMESTAMPDIFF(SECOND, p.products_last_modified, NOW()), ($q[fraction] OR $o[fraction]) + 2 * ($download)"
        . ' FROM ' . $shop->stock($ids) . ' p WHERE p.products_id IN (' . implode(',', $ids) . ') ORDER BY p.products_id') : array();
    $derived = $ids ? $shop->derived($ids) : array();
    $columns = $shop->columns();
    $stamped = $columns['products.products_last_modified']['stamped'];   // dates every write, not only an admin's
    foreach ($rows as $n => $row) {
        $dated = $row[6] !== null && strncmp($row[6], '0000', 4) !== 0;
        $rows[$n] = array((int) $row[0], onhand_text($row[1]), (string) onhand_text($row[2]), onhand_number($row[3]),
            onhand_number($row[4]), (int) $row[5], $dated && !$stamped ? $row[6] : null, $dated ? (int) $row[7] : null,
            (int) $row[8] + (isset($derived[(int) $row[0]]) ? 4 : 0));
    }
    return array('epoch' => $state['epoch'], 'last_seq' => $state['last_seq'], 'more' => $more, 'rows' => $rows);
}

/** Returns those of the named order lines that still exist. */
function onhand_orders($request, $shop, $db) {
    $ids = onhand_ids($request, 'lines');
    $db->snapshot();
    $which = 'l.orders_products_id IN (' . implode(',', $ids) . ')';
    return array('lines' => $ids ? onhand_lines($shop, $db, $which, ONHAND_ROWS_MAX) : array());
}

/** Returns order lines in id order, each with its order's status and whether it is paid: by its own value, or by its order's history. */
function onhand_lines($shop, $db, $which, $limit) {
    $line = $shop->line('l');
    $rows = $db->rows("SELECT l.orders_products_id, l.orders_id, l.products_id, l.products_model, $line[units], o.orders_status, $line[paid]"
        . " FROM $shop->lines l LEFT JOIN $shop->orders o ON o.orders_id = l.orders_id"
        . " WHERE $which AND $line[there] ORDER BY l.orders_products_id LIMIT $limit");
    $orders = array();
    foreach ($rows as $row) {
        if ($row[6] === null) {
            $orders[(int) $row[1]] = 0;
        }
    }
    if ($orders) {
        // One query for all orders: very old shops have no index on this column.
        foreach ($db->rows("SELECT DISTINCT orders_id FROM $shop->history WHERE orders_id IN ("
            . implode(',', array_keys($orders)) . ')') as $row) {
            $orders[(int) $row[0]] = 1;
        }
    }
    foreach ($rows as $n => $row) {
        $rows[$n] = array((int) $row[0], (int) $row[1], (int) $row[2], onhand_text($row[3]), onhand_number($row[4]),
            $row[5] === null ? null : (int) $row[5], $row[6] === null ? $orders[(int) $row[1]] : (int) $row[6]);
    }
    return $rows;
}

/** Applies one numbered batch of posts exactly once, or says what became of it. */
function onhand_apply($request, $shop, $db) {
    $first = onhand_whole($request, 'first', 1);
    $posts = onhand_posts($request);
    $last = $first + count($posts) - 1;
    $close = !empty($request['close']);
    $digest = onhand_posts_digest($posts);
    $holder = isset($request['holder']) ? onhand_holder($request['holder']) : null;
    $transactional = $shop->transactional();

    onhand_state($shop, $db);             // makes the table if need be, which would end a transaction
    $db->run('START TRANSACTION');
    $state = onhand_state($shop, $db, 'FOR UPDATE');
    if (!isset($request['epoch']) || $request['epoch'] !== $state['epoch']) {
        throw new OnhandRefusal('epoch', 'The shop is in another epoch: compare everything, then go on from there.',
            array('epoch' => $state['epoch']));
    }
    $begun = $state['begun_first'] !== null;
    $outcome = null;
    $results = array();
    if ($state['last_first'] === $first && $state['last_seq'] === $last) {
        $noted = onhand_noted($state['last_answer']);
        if ($noted['digest'] !== null && $noted['digest'] !== $digest) {
            throw new OnhandRefusal('other', "Another batch has the numbers $first to $last: look for a second OnHand with a copy of this store.",
                array('last_seq' => $state['last_seq']));
        }
        $outcome = 'already';
        $results = $noted['results'];
        $holder = $noted['holder'];
    } elseif ($begun && $state['begun_first'] === $first && $state['begun_last'] === $last) {
        $outcome = $close ? 'closed' : 'unfinished';
    } elseif (!$begun && !$close && $state['last_seq'] + 1 === $first) {
        $outcome = 'applied';
    } else {
        throw new OnhandRefusal('gap', 'The shop expects another batch: its last post was number ' . $state['last_seq'] . '.',
            array('last_seq' => $state['last_seq']));
    }
    if ($outcome === 'applied') {
        if ($transactional) {
            $results = $shop->post($posts);
        } else {
            $sorted = onhand_sorted_posts($posts, $shop, $db, '');
            $results = $sorted['results'];
            onhand_write_noted($sorted['possible'], $first, $last, $shop, $db);
        }
    }
    if ($outcome === 'applied' || $outcome === 'closed') {
        $noted = json_encode(array('results' => $results, 'digest' => $digest, 'holder' => $holder));
        $db->run("UPDATE $shop->state SET last_seq = $last, begun_first = NULL, begun_last = NULL, last_first = $first,"
            . " last_answer = '$noted' WHERE id = 1");
        $state['last_seq'] = $last;
    }
    $db->run('COMMIT');
    return array('outcome' => $outcome, 'epoch' => $state['epoch'], 'last_seq' => $state['last_seq'], 'results' => $results,
        'holder' => $holder);
}

/** Returns the digest that tells a batch from another with the same numbers. */
function onhand_posts_digest($posts) {
    $texts = array();
    foreach ($posts as $post) {
        $texts[] = "$post[product]:$post[delta]:$post[reactivate]";
    }
    return hash('sha256', implode(';', $texts));
}

/** Returns the name of the run of OnHand that sends a batch. */
function onhand_holder($holder) {
    if (!is_string($holder) || !preg_match('/^[0-9a-f]{16}$/D', $holder)) {
        throw new OnhandRefusal('request', 'The member holder must be 16 hexadecimal digits.');
    }
    return $holder;
}

/** Returns the note on the batch that was settled last. Connectors before 1.2 noted only the results. */
function onhand_noted($text) {
    $noted = json_decode($text, true);
    $noted = is_array($noted) ? $noted : array();
    return (array_key_exists('results', $noted) ? $noted : array('results' => $noted)) + array('digest' => null, 'holder' => null);
}

/** Separates the posts that can take effect: `possible`, these posts; `results`, the reason for each of the others. */
function onhand_sorted_posts($posts, $shop, $db, $for_update) {
    $seen = array();
    $q = $shop->quantity('p');
    foreach ($db->rows("SELECT p.products_id, $q[value] FROM $shop->products p FORCE INDEX (PRIMARY) WHERE p.products_id IN ("
        . implode(',', array_keys($posts)) . ") ORDER BY p.products_id $for_update") as $row) {
        $seen[(int) $row[0]] = $row[1];
    }
    $results = array();
    foreach ($posts as $product => $post) {
        if (!array_key_exists($product, $seen)) {
            $results[] = array($product, 'missing');
            unset($posts[$product]);
        } elseif ($seen[$product] + $post['delta'] < $q['min'] || $seen[$product] + $post['delta'] > $q['max']) {
            $results[] = array($product, 'range');
            unset($posts[$product]);
        }
    }
    ksort($posts);                        // rows are locked and written in id order
    return array('possible' => $posts, 'results' => $results);
}

/**
 * Runs the one statement that changes the shop. It is always relative: it cannot undo a sale that happens at the same time.
 * The derived table drives the join, so that only the named rows are locked. Status comes before quantity because MySQL
 * evaluates assignments from left to right, and the condition means the old quantity. Returns how many rows it changed.
 */
function onhand_write($posts, $shop, $db) {
    if (!$posts) {
        return 0;
    }
    $q = $shop->quantity('p');
    $selects = array();
    $reactivate = false;
    foreach ($posts as $post) {
        $selects[] = $selects ? "SELECT $post[product],$post[delta],$post[reactivate]"
            : "SELECT $post[product] AS product, $post[delta] AS delta, $post[reactivate] AS reactivate";
        $reactivate = $reactivate || $post['reactivate'];
    }
    $status = $reactivate ? "p.products_status = IF(d.reactivate = 1 AND $q[sum] > 0, 1, p.products_status)," : '';
    return $db->change('UPDATE (' . implode(' UNION ALL ', $selects) . ") d STRAIGHT_JOIN $shop->products p ON p.products_id = d.product"
        . " SET $status p.products_quantity = $q[plain] + d.delta"
        . " WHERE $q[sum] BETWEEN $q[min] AND $q[max]");
}

/**
 * Writes the same in a transaction. Usually every post takes effect, which the number of changed rows shows. Only otherwise
 * is it found out which did not, and the rest is written again. Returns the results.
 */
function onhand_write_at_once($posts, $shop, $db) {
    ksort($posts);                        // rows are locked and written in id order
    $db->run('SAVEPOINT posts');
    if (onhand_write($posts, $shop, $db) === count($posts)) {
        return array();
    }
    $db->run('ROLLBACK TO SAVEPOINT posts');
    $sorted = onhand_sorted_posts($posts, $shop, $db, 'FOR UPDATE');
    onhand_write($sorted['possible'], $shop, $db);
    return $sorted['results'];
}

/** Writes the same on an engine without transactions: it first notes that the batch has begun, so that a crash shows. */
function onhand_write_noted($posts, $first, $last, $shop, $db) {
    $db->run("UPDATE $shop->state SET begun_first = $first, begun_last = $last WHERE id = 1");
    $db->run('COMMIT');
    onhand_write($posts, $shop, $db);     // if this fails, it is unknown how far it came: the note stays
    $db->run('START TRANSACTION');
}

// ==== What a request may contain ==========================================================================

/** Returns a whole number, given as a number or as digits. */
function onhand_whole($values, $name, $least) {
    $value = isset($values[$name]) ? $values[$name] : null;
    if (is_string($value) && preg_match('/^-?[0-9]{1,15}$/D', $value)) {
        // A PHP of 32 bits would turn a number that it cannot hold into the largest that it can.
        $value = (float) (int) $value === (float) $value ? (int) $value : null;
    }
    if (!is_int($value) || $value < $least || abs($value) > 999999999999999) {
        throw new OnhandRefusal('request', "The member $name must be a whole number from $least up.");
    }
    return $value;
}

function onhand_limit($request) {
    $limit = onhand_whole($request, 'limit', 1);
    if ($limit > ONHAND_ROWS_MAX) {
        throw new OnhandRefusal('too_large', 'Ask for at most ' . ONHAND_ROWS_MAX . ' rows at once.');
    }
    return $limit;
}

/** Returns a list, if it is short enough. */
function onhand_list($request, $name) {
    if (!isset($request[$name]) || !is_array($request[$name])) {
        throw new OnhandRefusal('request', "The member $name must be a list.");
    }
    if (count($request[$name]) > ONHAND_ROWS_MAX) {
        throw new OnhandRefusal('too_large', 'Send at most ' . ONHAND_ROWS_MAX . " $name at once.");
    }
    return array_values($request[$name]);
}

function onhand_ids($request, $name) {
    $ids = onhand_list($request, $name);
    foreach ($ids as $n => $id) {
        $ids[$n] = onhand_whole($ids, $n, 0);
    }
    return $ids;
}

/** Returns the posts of a batch, by product: each has a `product`, a `delta` and `reactivate`. */
function onhand_posts($request) {
    $posts = array();
    foreach (onhand_list($request, 'posts') as $post) {
        if (!is_array($post) || count($post) !== 3) {
            throw new OnhandRefusal('request', 'A post is a list of product, delta and reactivate.');
        }
        $product = onhand_whole($post, 0, 0);
        if (isset($posts[$product])) {
            throw new OnhandRefusal('request', "Product $product is in this batch twice.");
        }
        $posts[$product] = array('product' => $product, 'delta' => onhand_whole($post, 1, -999999999999999),
            'reactivate' => empty($post[2]) ? 0 : 1);
    }
    if (!$posts) {
        throw new OnhandRefusal('request', 'A batch needs at least one post.');
    }
    return $posts;
}

// ==== The memory ==========================================================================================

/** Returns the one row of our own table. Makes the table and the row if they are missing. */
function onhand_state($shop, $db, $for_update = '') {
    $select = "SELECT epoch, last_seq, begun_first, begun_last, last_first, last_answer FROM $shop->state WHERE id = 1 $for_update";
    $db->forgiving = true;                // before the first request the table is missing, which is no error
    try {
        $row = $db->row($select);
    } catch (OnhandRefusal $refusal) {
        if ($refusal->reason !== 'tables') {
            throw $refusal;
        }
        $row = null;
    }
    $db->forgiving = false;
    if ($row === null) {
        $shop->columns();                 // without a shop, no table of ours is made
        $db->run("CREATE TABLE IF NOT EXISTS $shop->state (id TINYINT NOT NULL PRIMARY KEY, epoch CHAR(16) NOT NULL,"
            . " last_seq BIGINT NOT NULL, begun_first BIGINT NULL, begun_last BIGINT NULL, last_first BIGINT NULL,"
            . " last_answer MEDIUMTEXT NULL) ENGINE=InnoDB DEFAULT CHARSET=ascii");
        $db->run("INSERT IGNORE INTO $shop->state (id, epoch, last_seq) VALUES (1, '" . onhand_new_epoch() . "', 0)");
        $row = $db->row($select);
    }
    $state = array('epoch' => $row[0], 'last_answer' => (string) $row[5]);
    foreach (array('last_seq' => 1, 'begun_first' => 2, 'begun_last' => 3, 'last_first' => 4) as $name => $at) {
        $state[$name] = $row[$at] === null ? null : (int) $row[$at];
    }
    return $state;
}

/** Returns 16 random hexadecimal digits. They need to be new, not secret. */
function onhand_new_epoch() {
    if (function_exists('random_bytes')) {
        return bin2hex(random_bytes(8));
    }
    return substr(hash('sha256', uniqid('', true) . mt_rand()), 0, 16);
}

// ==== The facts about each cart ===========================================================================
// Generated from src/onhand/domain/families.py, where each fact is explained. Change them there and run `make connector`.

/** Columns by which each cart is recognised. */
function onhand_marks() {
    return array(
        'oscommerce4' => array('products.warehouse_stock_quantity', 'warehouses_products.products_id'),
        'commerceseo' => array('products.products_buyable', 'products_attributes.attributes_stock'),
        'gambio' => array('products_properties_combis.combi_quantity'),
        'zencart' => array('products.products_quantity_order_min', 'products.master_categories_id'),
        'loaded' => array('products.products_parent_id', 'products.products_qty_blocks'),
        'oscmax' => array('products.products_msrp', 'products_stock.products_stock_quantity'),
        'modified' => array('products.products_shippingtime', 'products_attributes.attributes_stock'),
        'oscommerce24' => array('products.products_gtin', 'languages_definitions.content_group'),
        'phoenix' => array('products.products_gtin', 'configuration.configuration_title'),
        'oscommerce' => array('configuration.configuration_title', 'orders_total.sort_order', 'products_to_categories.categories_id'),
    );
}

/** Columns of products that only shops with a part of their own here have, and their titles. */
function onhand_own_parts() {
    return array('products.warehouse_stock_quantity' => 'osCommerce 4');
}

/** Without these nothing is a shop. */
function onhand_needed_columns() {
    return array(
        'products.products_id',
        'products.products_quantity',
        'products.products_model',
        'products.products_status',
        'products.products_ordered',
        'products.products_last_modified',
    );
}

/** Columns whose types go into the hello. */
function onhand_bearing_columns() {
    return array(
        'products.products_model',
        'products.products_quantity',
        'products.products_ordered',
        'orders_products.products_model',
        'orders_products.products_quantity',
    );
}

/** Tables, by their usual names, that tell the family and what it keeps where. */
function onhand_telling_tables() {
    return array(
        'products',
        'orders_products',
        'warehouses_products',
        'products_attributes',
        'products_properties_combis',
        'products_stock',
        'languages_definitions',
        'configuration',
        'orders_total',
        'products_to_categories',
        'gx_configurations',
        'products_options_stock',
        'products_with_attributes_stock',
        'database_version',
        'version_history',
        'project_version',
    );
}

/** Columns with the ids of products whose quantity the shop works out from others, and on which condition. */
function onhand_other_stock() {
    return array(
        'products_properties_combis.products_id' => 'p.use_properties_combis_quantity IN (2, 3) OR (p.use_properties_combis_quantity = 0 AND {STOCK_CHECK} AND {ATTRIBUTE_STOCK_CHECK})',
        'products.products_parent_id' => '',
        'products_stock.products_id' => '',
        'products_options_stock.products_id' => '',
        'products_with_attributes_stock.products_id' => '',
    );
}

/** Tables of settings, of which the first that is there counts. `before` comes before the name of each setting. */
function onhand_settings_tables() {
    return array(
        array('table' => 'gx_configurations', 'name' => 'key', 'value' => 'value', 'order' => 'id', 'before' => 'configuration/'),
        array(
            'table' => 'configuration',
            'name' => 'configuration_key',
            'value' => 'configuration_value',
            'order' => 'configuration_id',
            'before' => '',
        ),
    );
}

/** Settings that decide how a shop sells: those of most carts, or of one with a part of its own. */
function onhand_switches($which) {
    $switches = array(
        'usual' => array(
            'STOCK_CHECK',
            'STOCK_LIMITED',
            'STOCK_ALLOW_CHECKOUT',
            'DOWNLOAD_ENABLED',
            'STOCK_LIMITED_DOWNLOADS',
            'DOWNLOAD_STOCK_CHECK',
            'STOCK_ALLOW_CHECKOUT_DEACTIVATE',
            'STOCK_DISABLE_PRODUCT',
            'ATTRIBUTE_STOCK_CHECK',
            'GM_SET_OUT_OF_STOCK_PRODUCTS',
            'SHOW_PRODUCTS_SOLD_OUT',
            'STOCK_SET_INACTIVE',
            'STOCK_CHECKOUT_UPDATE_PRODUCTS_STATUS',
            'gm_configuration/GM_ORDER_STATUS_CANCEL_ID',
        ),
        'oscommerce4' => array('STOCK_LIMITED', 'PURCHASE_OFF_STOCK', 'TEMPORARY_STOCK_ENABLE', 'DOWNLOAD_ENABLED', 'LISTING_SUB_PRODUCT'),
    );
    return $switches[$which];
}

/** Settings with which a shop subtracts what it sells as a download like anything else. */
function onhand_downloads_subtracted() {
    return array('STOCK_LIMITED_DOWNLOADS', 'DOWNLOAD_STOCK_CHECK');
}

/** Columns that say of a product with a file that goods are sent as well, and when. */
function onhand_sent_as_well() {
    return array('products.product_is_always_free_shipping' => 'p.product_is_always_free_shipping = 2');
}

/** Places that have a version, and the question that reads it. */
function onhand_version_tables() {
    return array(
        array(
            'place' => 'database_version.version',
            'question' => 'SELECT SUBSTRING(version, 14) FROM {table} WHERE version LIKE \'commerce:seo %\' LIMIT 1',
        ),
        array(
            'place' => 'version_history.version',
            'question' => 'SELECT TRIM(LEADING \'v\' FROM version) FROM {table} WHERE type IN (\'master_update\', \'service_pack\') ORDER BY history_id DESC LIMIT 1',
        ),
        array(
            'place' => 'project_version.project_version_major',
            'question' => 'SELECT CONCAT(project_version_major, \'.\', project_version_minor) FROM {table} WHERE project_version_key = \'Zen-Cart Main\'',
        ),
        array(
            'place' => 'database_version.version',
            'question' => 'SELECT REPLACE(version, \'MOD_\', \'\') FROM {table} WHERE version <> \'3.0.4.0\' LIMIT 1',
        ),
    );
}

/** Files that have a version, and what it looks like there. */
function onhand_version_files() {
    return array(
        array(
            'file' => 'includes/version.php',
            'pattern' => 'PROJECT_VERSION_MAJOR[\'\"]\s*,\s*[\'\"]([0-9A-Za-z.]{1,12})[\'\"].*?PROJECT_VERSION_MINOR[\'\"]\s*,\s*[\'\"]([0-9A-Za-z.]{1,12})[\'\"](?:.*?PROJECT_VERSION_PATCH[\'\"]\s*,\s*[\'\"]([0-9A-Za-z.]{1,12})[\'\"])?',
        ),
        array('file' => 'release_info.php', 'pattern' => '\$gx_version\s*=\s*[\'\"]v?([0-9][0-9.]{0,38})'),
        array(
            'file' => 'GambioCore/Application/Application.php',
            'pattern' => 'const\s+VERSION\s*=\s*[\'\"]v?([0-9][0-9.]{0,38})',
        ),
        array('file' => 'includes/OSC/version.txt', 'pattern' => '^\s*v?([0-9][0-9A-Za-z. -]{0,38})\s*$'),
        array('file' => 'includes/version.php', 'pattern' => '^\s*v?([0-9][0-9A-Za-z. -]{0,38})\s*$'),
        array(
            'file' => 'includes/application_top.php',
            'pattern' => 'define\(\s*[\'\"]PROJECT_VERSION[\'\"]\s*,\s*[\'\"][^0-9\'\"]{0,80}([0-9][0-9A-Za-z. -]{0,39})',
        ),
    );
}

// End of what is generated.

// ==== The family ==========================================================================================

/** Returns the family of this shop: the first whose columns all exist. An unknown one is reported as unknown, not guessed. */
function onhand_family($columns) {
    foreach (onhand_marks() as $family => $places) {
        if (!array_diff($places, array_keys($columns))) {
            return $family;
        }
    }
    return 'unknown';
}

/** Returns the version, from the shop's database or one of its files; '' if neither has it. */
function onhand_version($shop, $db, $columns) {
    foreach (onhand_version_tables() as $known) {
        if (isset($columns[$known['place']])) {
            $row = $db->row(str_replace('{table}', $shop->table(strtok($known['place'], '.')), $known['question']));
            if ($row) {
                return substr((string) onhand_text($row[0]), 0, 40);
            }
        }
    }
    foreach (onhand_version_files() as $known) {
        if (preg_match("~$known[pattern]~sD", onhand_shop_file($known['file'], 20000), $part)) {
            return substr(trim(implode('.', array_slice($part, 1))), 0, 40);
        }
    }
    return '';
}

// ==== The shop's tables ===================================================================================

/** The places of things in the shop's database, and their types. */
class OnhandShop {
    public $prefix, $renamed, $state, $products, $descriptions, $attributes, $downloads, $lines, $orders, $history;
    protected $db, $languages;
    private $columns = array(), $engine;

    /** `$renamed`: tables, by their usual names, whose names are not prefix and usual name. */
    public function __construct($db, $prefix, $renamed) {
        $this->db = $db;
        $this->prefix = $prefix;
        foreach ($renamed as $usual => $name) {
            if ($name === $prefix . $usual) {
                unset($renamed[$usual]);
            }
        }
        $this->renamed = $renamed;
        $names = array('state' => 'onhand_state', 'products' => 'products', 'descriptions' => 'products_description',
            'attributes' => 'products_attributes', 'downloads' => 'products_attributes_download', 'lines' => 'orders_products',
            'orders' => 'orders', 'history' => 'orders_status_history', 'languages' => 'languages');
        foreach ($names as $member => $usual) {
            $this->$member = $this->table($usual);
        }
    }

    /** Returns a table, by its usual name, as it goes into a statement. */
    public function table($usual) {
        return '`' . (isset($this->renamed[$usual]) ? $this->renamed[$usual] : $this->prefix . $usual) . '`';
    }

    /**
     * Returns type, width, nullability and collation of every column of these tables (by their usual names), by table.column; and whether
     * the database writes the time of every change into it.
     */
    public function columns($tables = array('products')) {
        $names = array();
        foreach (array_diff($tables, array_keys($this->columns)) as $usual) {
            $this->columns[$usual] = array();
            $names[strtolower(trim($this->table($usual), '`'))] = $usual;
        }
        if ($names) {
            foreach ($this->db->rows("SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH,"
                . " COLLATION_NAME, NUMERIC_PRECISION, NUMERIC_SCALE, EXTRA FROM information_schema.COLUMNS"
                . " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('" . implode("','", array_keys($names)) . "')") as $row) {
                $usual = $names[strtolower($row[0])];
                $this->columns[$usual][$usual . '.' . strtolower($row[1])] = array('type' => strtolower($row[2]), 'shape' => $row[3],
                    'unsigned' => stripos($row[3], 'unsigned') !== false, 'null' => $row[4] === 'YES', 'length' => (int) $row[5],
                    'collation' => $row[6], 'digits' => $row[7] - $row[8], 'stamped' => stripos($row[9], 'on update') !== false);
            }
        }
        foreach (onhand_needed_columns() as $place) {
            if (in_array('products', $tables, true) && !isset($this->columns['products'][$place])) {
                throw new OnhandRefusal('tables', "The shop's database has no column " . substr($place, strlen('products.')) . ' in a table '
                    . trim($this->products, '`') . ': check the table prefix in onhand-key.php and the database in includes/configure.php.' . $this->prefixes());
            }
        }
        $found = array();
        foreach ($tables as $usual) {
            $found += $this->columns[$usual];
        }
        return $found;
    }

    /** Says, in a sentence, under which prefixes this database has the tables of a shop. */
    private function prefixes() {
        $found = array();
        foreach ($this->db->rows("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
            . " AND TABLE_NAME LIKE '%orders\\_products' ORDER BY TABLE_NAME LIMIT 5") as $row) {
            $found[] = "'" . substr(onhand_text($row[0]), 0, -strlen('orders_products')) . "'";
        }
        return $found ? ' A shop stands there under the prefix ' . implode(' and ', $found) . '.' : '';
    }

    public function engine() {
        if ($this->engine === null) {
            $row = $this->db->row("SELECT ENGINE FROM information_schema.TABLES"
                . " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '" . trim($this->products, '`') . "'");
            $this->engine = (string) $row[0];
        }
        return $this->engine;
    }

    public function transactional() {
        return strcasecmp($this->engine(), 'InnoDB') === 0;
    }

    /** Returns why this shop cannot be kept in sync at all, in a sentence that says what to do; '' if it can. */
    public function obstacle() {
        if (onhand_is_oscommerce4()) {
            return 'This copy of onhand.php lacks the part for osCommerce 4, which this shop needs: download onhand.php from'
                . ' the page of this cart in OnHand and replace this copy with it.';
        }
        $columns = $this->columns();
        foreach (onhand_own_parts() as $place => $title) {
            if (isset($columns[$place])) {
                return "This is the database of an $title, and its files are not here: copy onhand.php and onhand-key.php into"
                    . " the folder of that shop's index.php.";
            }
        }
        return '';
    }

    /** Returns where to read products, for a FROM: all, or those with these ids. */
    public function stock($ids = null) {
        return $this->products;
    }

    /** Returns how to read an order line: `units`; `there`, a condition: it counts; `paid`, whether it is, NULL: as the order's history says. */
    public function line($alias) {
        return array('units' => "CAST(ROUND($alias.products_quantity) AS SIGNED)", 'there' => 'TRUE', 'paid' => 'NULL');
    }

    /** Writes posts inside a transaction; returns the results. */
    public function post($posts) {
        return onhand_write_at_once($posts, $this, $this->db);
    }

    public function quantity($alias) {
        return $this->counter($alias, 'products_quantity');
    }

    public function ordered($alias) {
        return $this->counter($alias, 'products_ordered');
    }

    /** Returns h(id): the weight of a product in the checking sums. */
    public function weight($alias) {
        $columns = $this->columns();
        $id = $columns['products.products_id']['unsigned'] ? "CAST($alias.products_id AS SIGNED)" : "$alias.products_id";
        return '(' . $id . ' * ' . ONHAND_WEIGHT . ' % ' . ONHAND_WORD . ')';
    }

    /**
     * Returns how to read a counter: `plain`, as it is; `value`, as a whole number; `wide`, safe to multiply by a weight; `fraction`,
     * whether it has one; `sum`, what it would be after a post d; `min` and `max`, the range that the column holds exactly.
     */
    protected function counter($alias, $name, $table = 'products') {
        $columns = $this->columns(array($table));
        $column = $columns["$table.$name"];
        $plain = $column['null'] ? "IFNULL($alias.$name, 0)" : "$alias.$name";
        $bits = array('tinyint' => 8, 'smallint' => 16, 'mediumint' => 24, 'int' => 32, 'bigint' => 64);
        if (isset($bits[$column['type']])) {
            $value = $column['unsigned'] ? "CAST($plain AS SIGNED)" : $plain;
            $max = pow(2, min(53, $bits[$column['type']] - ($column['unsigned'] ? 0 : 1))) - 1;
            $min = $column['unsigned'] ? 0 : -$max - 1;
            $fraction = '0';
            $narrow = $column['type'] !== 'bigint' && !$column['unsigned'];
        } else {
            $value = "CAST(ROUND($plain) AS SIGNED)";
            // The shop reads six digits of a FLOAT; anything beyond would be rounded at its next sale.
            $exact = array('float' => 999999, 'double' => pow(2, 53), 'decimal' => pow(10, min($column['digits'], 15)) - 1);
            if (!isset($exact[$column['type']])) {
                throw new OnhandRefusal('tables', "The column $name is of type $column[type], which holds no quantities.");
            }
            $max = $exact[$column['type']];
            $min = $column['unsigned'] ? 0 : -$max;
            $fraction = "($plain <> ROUND($plain))";
            $narrow = false;
        }
        return array('plain' => $plain, 'value' => $value, 'wide' => $narrow ? $value : "CAST($value AS DECIMAL(30))", 'fraction' => $fraction,
            'sum' => "$value + d.delta", 'min' => sprintf('%.0f', $min), 'max' => sprintf('%.0f', $max));
    }

    /** Returns a condition: the product p is sold as a download, so that its counter moves without its quantity. */
    public function download() {
        $subtracting = onhand_downloads_subtracted();
        $on = array_keys($this->switches(array_merge(array('DOWNLOAD_ENABLED'), $subtracting)), 'true', true);
        if (!in_array('DOWNLOAD_ENABLED', $on, true) || array_intersect($subtracting, $on)) {
            return '0';                   // not sold as downloads, or subtracted like anything else
        }
        $sent = '';
        foreach (array_intersect_key(onhand_sent_as_well(), $this->columns()) as $when) {
            $sent .= " AND NOT ($when)";
        }
        return "(EXISTS (SELECT 1 FROM $this->attributes a JOIN $this->downloads f ON f.products_attributes_id = a.products_attributes_id"
            . " WHERE a.products_id = p.products_id AND f.products_attributes_filename <> '')$sent)";
    }

    /** Returns SQL for a number that changes when a product becomes or stops being a download, or has its quantity worked out from others. */
    public function apart() {
        $sums = array('0');
        foreach ($this->other_stock() as $place => $when) {
            $sums[] = '(SELECT IFNULL(SUM(CRC32(d.product)), 0) FROM (' . $this->named($place, $when) . ') d)';
        }
        if ($this->download() !== '0') {
            $sums[] = "(SELECT IFNULL(SUM(CRC32(a.products_id)), 0) FROM $this->attributes a JOIN $this->downloads f"
                . " ON f.products_attributes_id = a.products_attributes_id WHERE f.products_attributes_filename <> '')";
        }
        return implode(' + ', $sums);
    }

    /** Returns the columns of onhand_other_stock() that this shop has. */
    public function stock_elsewhere() {
        return array_keys($this->other_stock());
    }

    private function other_stock() {
        return array_intersect_key(onhand_other_stock(), $this->columns(onhand_telling_tables()));
    }

    /** Returns, by id, those of these products whose quantity the shop works out from others: variants, sub-products. */
    public function derived($ids) {
        $found = array();
        foreach ($this->other_stock() as $place => $when) {
            foreach ($this->db->rows($this->named($place, $when, $ids)) as $row) {
                $found[(int) $row[0]] = true;
            }
        }
        return $found;
    }

    /** Returns a SELECT of the products that a column of onhand_other_stock() names: all, or those of these ids. */
    private function named($place, $when, $ids = null) {
        list($table, $column) = explode('.', $place);
        $from = $this->table($table) . ' e';
        $where = $ids === null ? 'TRUE' : "e.$column IN (" . implode(',', $ids) . ')';
        if ($when !== '') {
            $from .= " JOIN $this->products p ON p.products_id = e.$column";
            $where .= ' AND (' . $this->with_settings($when) . ')';
        }
        return "SELECT DISTINCT e.$column AS product FROM $from WHERE $where";
    }

    /** Returns a condition with its settings in braces replaced: 1 for those that are on, 0 for the others. */
    private function with_settings($condition) {
        preg_match_all('/\{([A-Z_]+)\}/', $condition, $named);
        $switches = $this->switches($named[1]);
        foreach ($named[1] as $name) {
            $on = isset($switches[$name]) && $switches[$name] === 'true';
            $condition = str_replace('{' . $name . '}', $on ? '1' : '0', $condition);
        }
        return $condition;
    }

    /** Returns this shop's entry of onhand_settings_tables(), with the table's name as it goes into a statement. */
    private function settings() {
        $columns = $this->columns(onhand_telling_tables());
        foreach (onhand_settings_tables() as $known) {
            if (isset($columns["$known[table].$known[name]"])) {
                break;
            }
        }
        return array('table' => $this->table($known['table'])) + $known;
    }

    /** Returns the settings that decide how this shop sells. */
    public function selling() {
        return $this->switches(onhand_switches('usual'));
    }

    /** Returns those of the named settings that the shop has. If one appears twice, the shop uses the first. */
    public function switches($names) {
        $place = $this->settings();
        $wanted = array();
        foreach ($names as $name) {
            $wanted[strpos($name, '/') === false ? $place['before'] . $name : $name] = $name;
        }
        $found = array();
        foreach ($this->db->rows("SELECT `$place[name]`, `$place[value]` FROM $place[table] WHERE `$place[name]` IN ('"
            . implode("','", array_keys($wanted)) . "') ORDER BY $place[order]") as $row) {
            if (isset($wanted[$row[0]])) {    // the collation may also find a name in other letters, which the shop never uses
                $found += array($wanted[$row[0]] => onhand_text($row[1]));
            }
        }
        return $found;
    }

    /** Returns the order of a product's descriptions, the best first: one with a name, in the shop's default language. */
    public function best_name($alias) {
        $place = $this->settings();
        $row = $this->db->row("SELECT l.languages_id FROM $place[table] s JOIN $this->languages l ON l.code = s.`$place[value]`"
            . " WHERE s.`$place[name]` = '$place[before]DEFAULT_LANGUAGE' ORDER BY s.$place[order] LIMIT 1");
        return "$alias.products_name = '', $alias.language_id <> " . (int) $row[0] . ", $alias.language_id";
    }
}

// ==== osCommerce 4 ========================================================================================
// This section does not concern any other cart.

/** Returns the shop, if this is an osCommerce 4. A copy of onhand.php without this section has no such function. */
function onhand_shop4($db, $prefix) {
    return new OnhandShop4($db, $prefix, array());
}

/**
 * osCommerce 4 has no counter that only sales raise, and products_quantity is a cache there. These are reliable, per product:
 *   P, in the warehouse:                     warehouses_products.warehouse_stock_quantity
 *   O, taken by orders but not sent yet:     orders_products_allocate, received - dispatched
 *   F, ordered, but missing in the shop:     orders_products of the states below, ordered - cancelled - received
 *   H, sent to buyers, less returns:         stock_history, rows with an order, less those of baskets
 * Left to sell is P - O - F, ever ordered O + F + H; stock() returns them as products_quantity and products_ordered. Their sum is
 * P + H: an order changes neither, and a dispatch moves units from one to the other. So the conservation law holds here as well.
 *
 * A post changes P by a signed amount, updates the caches, and adds an entry to the stock journal, as all programs do there.
 * Rows whose products_id has a { belong to a variant; products with a stock for each variant are left out.
 */
class OnhandShop4 extends OnhandShop {
    private $places, $journal, $taken, $channels, $own_settings, $warehouses, $suppliers, $obstacle, $enabled;

    public function __construct($db, $prefix, $renamed) {
        parent::__construct($db, $prefix, $renamed);
        $names = array('places' => 'warehouses_products', 'journal' => 'stock_history', 'taken' => 'orders_products_allocate',
            'channels' => 'platforms', 'own_settings' => 'platforms_configuration', 'warehouses' => 'warehouses', 'suppliers' => 'suppliers');
        foreach ($names as $member => $usual) {
            $this->$member = $this->table($usual);
        }
    }

    public function obstacle() {
        if ($this->obstacle === null) {
            $this->obstacle = $this->find_obstacle();
        }
        return $this->obstacle;
    }

    private function find_obstacle() {
        $needed = array(
            'products' => 'warehouse_stock_quantity allocated_stock_quantity temporary_stock_quantity suppliers_stock_quantity products_file'
                . ' is_bundle manual_stock_unlimited products_id_stock stock_control',
            'warehouses_products' => 'warehouse_id suppliers_id location_id layers_id batch_id products_id prid products_model products_quantity'
                . ' warehouse_stock_quantity',
            'stock_history' => 'warehouse_id suppliers_id location_id layers_id batch_id products_id prid products_model products_quantity_before'
                . ' warehouse_quantity_before products_quantity_update_prefix products_quantity_update comments orders_id admin_id is_temporary'
                . ' date_added',
            'orders_products' => 'orders_products_status products_quantity qty_cnld qty_rcvd',
            'orders_products_allocate' => 'prid allocate_received allocate_dispatched',
            'platforms' => 'default_language is_default',
            'platforms_configuration' => 'platform_id configuration_key configuration_value',
        );
        $columns = $this->columns(array_keys($needed));
        foreach ($needed as $table => $names) {
            foreach (explode(' ', $names) as $name) {
                if (!isset($columns["$table.$name"])) {
                    throw new OnhandRefusal('tables', "This osCommerce 4 has no column $name in a table $table, where OnHand reads stock:"
                        . ' update it to a version of late 2022 or later, or check the prefix in onhand-key.php.');
                }
            }
        }
        $weak = array();
        $written = str_replace('`', "'", implode(',', array($this->products, $this->places, $this->journal, $this->lines, $this->taken)));
        foreach ($this->db->rows("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND ENGINE <> 'InnoDB'"
            . " AND TABLE_NAME IN ($written)") as $row) {
            $weak[] = onhand_text($row[0]);
        }
        if ($weak) {
            return 'The stock of this shop lies in tables without transactions: convert ' . implode(', ', $weak) . ' to InnoDB.';
        }
        foreach (array('ReportFreezeStock' => 'while it freezes the stock, the shop books in other tables',
            'SupplierPurchase' => 'it books stock in a way of its own') as $extension => $why) {
            if ($this->is_on($extension)) {
                return "The extension $extension is on in this shop, and $why: switch it off to have the shop kept in step.";
            }
        }
        return '';
    }

    /** Returns whether an extension exists and is switched on, as the shop itself decides: by a setting and by its file. */
    private function is_on($extension) {
        if ($this->enabled === null) {
            $this->enabled = array();
            $codes = array('ReportFreezeStock', 'SupplierPurchase', 'Inventory', 'StockControl', 'PurchaseOrders', 'Rma');
            foreach ($this->db->rows("SELECT configuration_key FROM $this->own_settings WHERE platform_id = 0 AND configuration_value = 'True'"
                . " AND configuration_key IN ('" . implode("_EXTENSION_STATUS','", $codes) . "_EXTENSION_STATUS')") as $row) {
                $this->enabled[$row[0]] = true;
            }
        }
        return isset($this->enabled[$extension . '_EXTENSION_STATUS'])
            && is_file(dirname(__FILE__) . "/lib/common/extensions/$extension/$extension.php");
    }

    /**
     * Each table is summed up separately, so that the joined part is no longer than the list of products; + 0 keeps the server from
     * walking along an index and back to the table for each row. products_last_modified is when a person or an import last changed the
     * stock: the shop's own column moves with every save of the form, and not when stock does. Our own entries do not count. It is
     * found only for named products.
     */
    public function stock($ids = null) {
        $in = implode(',', (array) $ids);
        $named = $ids === null ? '' : " AND products_id IN ($in)";
        $rows = $ids === null ? '' : " AND prid IN ($in)";
        $touched = $ids === null ? 'NULL' : "MAX(IF(orders_id = 0 AND IFNULL(comments, '') <> 'OnHand', date_added, NULL))";
        return '(SELECT s.products_id, s.products_model, s.products_status, s.products_file, c.touched AS products_last_modified,'
            . ' CAST(IFNULL(c.p - c.o - c.f, 0) AS SIGNED) AS products_quantity, CAST(IFNULL(c.o + c.f + c.h, 0) AS SIGNED) AS products_ordered'
            . " FROM $this->products s LEFT JOIN (SELECT product, SUM(p) AS p, SUM(o) AS o, SUM(f) AS f, SUM(h) AS h, MAX(touched) AS touched FROM ("
            . 'SELECT prid AS product, SUM(warehouse_stock_quantity) AS p, 0 AS o, 0 AS f, 0 AS h, NULL AS touched'
            . " FROM $this->places WHERE LOCATE('{', products_id) = 0$rows GROUP BY prid + 0"
            . ' UNION ALL SELECT prid, 0, SUM(CAST(allocate_received AS SIGNED) - allocate_dispatched), 0, 0, NULL'
            . " FROM $this->taken WHERE allocate_received <> allocate_dispatched$rows GROUP BY prid + 0"
            // In these states a line waits for goods: 10 missing, 12 and 15 ordered from a supplier.
            . ' UNION ALL SELECT products_id, 0, 0, SUM(GREATEST(CAST(products_quantity AS SIGNED) - qty_cnld - qty_rcvd, 0)), 0, NULL'
            . " FROM $this->lines WHERE orders_products_status IN (10, 12, 15)$named GROUP BY products_id + 0"
            . " UNION ALL SELECT prid, 0, 0, 0, SUM(IF(orders_id > 0, IF(products_quantity_update_prefix = '-', 1, -1)"
            . " * CAST(products_quantity_update AS SIGNED), 0)), $touched"
            . " FROM $this->journal WHERE is_temporary = 0" . ($ids === null ? ' AND orders_id > 0' : $rows) . " GROUP BY prid + 0"
            . ') pieces GROUP BY product) c ON c.product = s.products_id WHERE TRUE' . $named . ')';
    }

    /** Describes the columns of stock(): whole numbers, wider than any column. */
    protected function counter($alias, $name, $table = 'products') {
        return array('plain' => "$alias.$name", 'value' => "$alias.$name", 'wide' => "CAST($alias.$name AS DECIMAL(30))", 'fraction' => '0')
            + parent::counter($alias, $name, $table);
    }

    /** Describes order lines. A cancelled one (50) counts as gone, and names what came back; a mere request (1) has taken nothing yet. */
    public function line($alias) {
        return array('units' => "CAST($alias.products_quantity AS SIGNED) - $alias.qty_cnld", 'there' => "$alias.orders_products_status <> 50",
            'paid' => "$alias.orders_products_status <> 1");
    }

    /**
     * Writes posts. It locks the rows it will write before it reads from them, first products, then places, each in order of their ids:
     * the server calls a read lock that has to grow a deadlock, and would end the shop's checkout for it.
     * It never switches a product on again: the shop switches off only what it should not sell any more.
     */
    public function post($posts) {
        ksort($posts);
        $ids = implode(',', array_keys($posts));
        $there = $places = $results = $changes = $homeless = array();
        foreach ($this->db->rows("SELECT products_id FROM $this->products FORCE INDEX (PRIMARY) WHERE products_id IN ($ids)"
            . ' ORDER BY products_id FOR UPDATE') as $row) {
            $there[(int) $row[0]] = true;
        }
        foreach ($this->db->rows("SELECT prid, warehouse_stock_quantity FROM $this->places WHERE prid IN ($ids) AND LOCATE('{', products_id) = 0"
            . ' ORDER BY prid FOR UPDATE') as $row) {
            $places[(int) $row[0]][] = $row[1];
        }
        $limits = parent::counter('w', 'warehouse_stock_quantity', 'warehouses_products');
        foreach ($posts as $product => $post) {
            $delta = $post['delta'];
            $lies = isset($places[$product]) ? $places[$product] : array(0);
            if (!isset($there[$product])) {
                $results[] = array($product, 'missing');
            } elseif (count($lies) > 1 || $lies[0] + $delta < $limits['min'] || $lies[0] + $delta > $limits['max']) {
                $results[] = array($product, 'range');   // with several places, it is unknown which one is meant
            } elseif ($delta !== 0) {
                $changes[$product] = $delta;
                if (!isset($places[$product])) {
                    $homeless[] = $product;
                }
            }
        }
        foreach ($homeless ? array_diff($homeless, $this->give_places($homeless)) : array() as $product) {
            $results[] = array($product, 'range');       // or in which of several warehouses its first unit belongs
            unset($changes[$product]);
        }
        if ($changes) {
            $this->write($changes);
        }
        return $results;
    }

    /** Runs the statements that write: the journal with the old values, the place, relatively, and the product's caches. */
    private function write($changes) {
        $selects = array();
        foreach ($changes as $product => $delta) {
            $selects[] = $selects ? "SELECT $product,$delta" : "SELECT $product AS product, $delta AS delta";
        }
        $d = '(' . implode(' UNION ALL ', $selects) . ') d STRAIGHT_JOIN ';
        $w = "$this->places w ON w.prid = d.product AND LOCATE('{', w.products_id) = 0";
        $p = "$this->products p ON p.products_id = d.product";
        $this->db->run("INSERT INTO $this->journal (warehouse_id, suppliers_id, location_id, layers_id, batch_id, products_id, prid,"
            . ' products_model, products_quantity_before, warehouse_quantity_before, products_quantity_update_prefix, products_quantity_update,'
            . ' comments, orders_id, admin_id, is_temporary, date_added)'
            . ' SELECT w.warehouse_id, w.suppliers_id, w.location_id, w.layers_id, w.batch_id, w.products_id, w.prid,'
            . " IFNULL(p.products_model, ''), w.products_quantity, w.warehouse_stock_quantity, IF(d.delta > 0, '+', '-'), ABS(d.delta), 'OnHand', 0, 0, 0, NOW()"
            . " FROM $d$w STRAIGHT_JOIN $p");
        $this->db->run("UPDATE $d$w SET w.products_quantity = w.products_quantity + d.delta,"
            . ' w.warehouse_stock_quantity = w.warehouse_stock_quantity + d.delta');
        // From the row that we locked: this also repairs a cache that a race of the shop itself left wrong.
        $this->db->run("UPDATE $d$p STRAIGHT_JOIN $w SET p.warehouse_stock_quantity = w.warehouse_stock_quantity,"
            . ' p.products_quantity = w.warehouse_stock_quantity - p.allocated_stock_quantity - p.temporary_stock_quantity');
    }

    /** Makes a place for products that have none yet, as the shop would; returns those that have one now. */
    private function give_places($products) {
        $warehouse = $this->usual_warehouse();
        $selects = $placed = array();
        foreach ($warehouse['is_only'] ? $this->db->rows('SELECT p.products_id, ' . $this->supplier() . " FROM $this->products p WHERE p.products_id IN ("
            . implode(',', $products) . ')') : array() as $row) {
            if ($row[1] !== null) {
                $placed[] = (int) $row[0];
                $selects[] = $selects ? 'SELECT ' . (int) $row[0] . ',' . (int) $row[1]
                    : 'SELECT ' . (int) $row[0] . ' AS product, ' . (int) $row[1] . ' AS supplier';
            }
        }
        if ($placed) {
            $this->db->run("INSERT IGNORE INTO $this->places (warehouse_id, suppliers_id, location_id, layers_id, batch_id, products_id, prid,"
                . " products_model) SELECT $warehouse[id], d.supplier, 0, 0, 0, p.products_id, p.products_id, IFNULL(p.products_model, '')"
                . ' FROM (' . implode(' UNION ALL ', $selects) . ") d STRAIGHT_JOIN $this->products p ON p.products_id = d.product");
        }
        return $placed;
    }

    /** Returns the open warehouse: its `id`, 0 if there is none; `is_only`: there is no other open one, and no second supplier. */
    private function usual_warehouse() {
        $row = $this->db->row("SELECT MIN(warehouse_id), COUNT(*), (SELECT COUNT(*) FROM $this->suppliers WHERE status = 1)"
            . " FROM $this->warehouses WHERE status = 1");
        return array('id' => (int) $row[0], 'is_only' => (int) $row[1] === 1 && (int) $row[2] <= 1);
    }

    /** Returns the open supplier of a product p, else the shop's default one. */
    private function supplier() {
        return 'IFNULL((SELECT MIN(x.suppliers_id) ' . $this->open_suppliers() . "), (SELECT MIN(suppliers_id) FROM $this->suppliers"
            . ' WHERE is_default = 1))';
    }

    private function open_suppliers() {
        return 'FROM ' . $this->table('suppliers_products') . " x JOIN $this->suppliers y ON y.suppliers_id = x.suppliers_id AND y.status = 1"
            . " WHERE x.products_id = p.products_id AND LOCATE('{', x.uprid) = 0 AND x.status = 1";
    }

    /**
     * Returns products whose quantity is not one number in one place that the shop counts. It does not count a place whose warehouse is
     * open to none of the product's channels, or whose supplier is closed.
     */
    public function derived($ids) {
        $warehouse = $this->usual_warehouse();
        $open = $this->open_suppliers();
        $not_counted = 'NOT EXISTS (SELECT 1 FROM ' . $this->table('platforms_products') . " c"
            . " JOIN $this->channels f ON f.platform_id = c.platform_id AND f.status = 1"
            . " JOIN $this->warehouses h ON h.warehouse_id = IFNULL(w.warehouse_id, $warehouse[id])"
            . ' LEFT JOIN ' . $this->table('warehouses_to_platforms') . ' t ON t.warehouse_id = h.warehouse_id AND t.platform_id = f.platform_id'
            . ' WHERE c.products_id = p.products_id AND IFNULL(t.status, h.status) = 1)';
        $conditions = array(
            'p.is_bundle > 0', 'p.manual_stock_unlimited > 0', $not_counted,
            "(SELECT COUNT(*) FROM $this->places n WHERE n.prid = p.products_id AND LOCATE('{', n.products_id) = 0) > 1",
            "w.prid IS NOT NULL AND NOT EXISTS (SELECT 1 $open AND x.suppliers_id = w.suppliers_id)"
                . " AND (EXISTS (SELECT 1 $open) OR NOT w.suppliers_id <=> " . $this->supplier() . ')',
            $warehouse['is_only'] ? 'w.prid IS NULL AND ' . $this->supplier() . ' IS NULL' : 'w.prid IS NULL',
        );
        $switches = $this->switches(array('LISTING_SUB_PRODUCT'));
        if (isset($switches['LISTING_SUB_PRODUCT']) && strcasecmp($switches['LISTING_SUB_PRODUCT'], 'true') === 0) {
            $conditions[] = 'p.products_id_stock NOT IN (0, p.products_id)';
        }
        if ($this->is_on('StockControl')) {
            $conditions[] = 'p.stock_control > 0';       // split up by channel or by warehouse
        }
        if ($this->is_on('Inventory')) {
            $conditions[] = 'EXISTS (SELECT 1 FROM ' . $this->table('inventory') . " i JOIN $this->attributes b ON b.products_id = i.prid"
                . ' WHERE i.prid = p.products_id)';
        }
        $found = array();
        foreach ($this->db->rows("SELECT DISTINCT p.products_id FROM $this->products p LEFT JOIN $this->places w ON w.prid = p.products_id"
            . " AND LOCATE('{', w.products_id) = 0 WHERE p.products_id IN (" . implode(',', $ids) . ')'
            . ' AND ((' . implode(') OR (', $conditions) . '))') as $row) {
            $found[(int) $row[0]] = true;
        }
        return $found;
    }

    /** Returns a condition: the product p is a file. Files are counted like anything else there, but they need no count. */
    public function download() {
        $switches = $this->switches(array('DOWNLOAD_ENABLED'));
        return isset($switches['DOWNLOAD_ENABLED']) && $switches['DOWNLOAD_ENABLED'] === 'true' ? "(IFNULL(p.products_file, '') <> '')" : '0';
    }

    public function stock_elsewhere() {
        $sold_for_them = $this->db->row("SELECT 1 FROM $this->products WHERE suppliers_stock_quantity > 0 LIMIT 1");
        return $sold_for_them ? array('products.suppliers_stock_quantity') : array();
    }

    public function selling() {
        $found = $this->switches(onhand_switches('oscommerce4'));
        foreach (array('PurchaseOrders', 'Rma') as $extension) {
            if ($this->is_on($extension)) {
                $found[$extension . '_EXTENSION_STATUS'] = 'True';
            }
        }
        return $found;
    }

    /** Returns settings. The default channel's override those of the whole shop. */
    public function switches($names) {
        $found = array();
        foreach ($this->db->rows("SELECT x.configuration_key, x.configuration_value FROM $this->own_settings x JOIN $this->channels f"
            . " ON f.platform_id = x.platform_id WHERE f.is_default = 1 AND x.configuration_key IN ('"
            . implode("','", $names) . "')") as $row) {
            $found += array($row[0] => onhand_text($row[1]));
        }
        return $found + parent::switches($names);
    }

    /** Returns a name. Names are kept by language and by channel there. */
    public function best_name($alias) {
        $row = $this->db->row("SELECT f.platform_id, l.languages_id FROM $this->channels f JOIN $this->languages l"
            . ' ON l.code = f.default_language WHERE f.is_default = 1 LIMIT 1');
        if (!$row) {
            return parent::best_name($alias) . ", $alias.platform_id";
        }
        return "$alias.products_name = '', $alias.language_id <> " . (int) $row[1] . ", $alias.platform_id <> " . (int) $row[0]
            . ", $alias.language_id, $alias.platform_id";
    }
}

// ==== The database ========================================================================================

/** One connection, over mysqli or, where that is missing, PDO. */
class OnhandDatabase {
    public $forgiving = false;            // whether a missing table is no reason for an entry in the error log
    private $mysqli = null, $pdo = null, $name, $file, $place;

    public function __construct($login) {
        $this->name = $login['database'];
        $this->file = $login['file'];     // the file with the login, to name it to a person
        $this->place = $login['socket'] !== null ? $login['socket'] : $login['host'] . ($login['port'] ? ':' . $login['port'] : '');
        if (function_exists('mysqli_init')) {
            $this->open_mysqli($login);
        } elseif (class_exists('PDO') && in_array('mysql', PDO::getAvailableDrivers(), true)) {
            $this->open_pdo($login);
        } else {
            throw new OnhandRefusal('config', 'This PHP has neither mysqli nor PDO for MySQL: have one of them switched on.');
        }
        // One text mode for every server, and no strictness: what a column cannot hold is found out before writing.
        // Our table must be InnoDB or not exist at all.
        $mode = "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'";
        try {
            $this->run($mode . ', lock_wait_timeout = ' . ONHAND_SHOP_LOCK_SECONDS
                . ', innodb_lock_wait_timeout = ' . ONHAND_SHOP_LOCK_SECONDS);
        } catch (OnhandRefusal $refusal) {    // MySQL before 5.5 has no such limits
            $this->run($mode);
        }
    }

    private function open_mysqli($login) {
        mysqli_report(MYSQLI_REPORT_OFF);
        $this->mysqli = mysqli_init();
        mysqli_options($this->mysqli, MYSQLI_OPT_CONNECT_TIMEOUT, 5);
        if (!@mysqli_real_connect($this->mysqli, $login['host'], $login['user'], $login['password'], $login['database'],
            $login['port'], $login['socket'])) {
            $this->refuse(mysqli_connect_errno(), mysqli_connect_error());
        }
        if (!mysqli_set_charset($this->mysqli, 'utf8mb4')) {
            mysqli_set_charset($this->mysqli, 'utf8');
        }
    }

    private function open_pdo($login) {
        $where = $login['socket'] !== null ? 'unix_socket=' . $login['socket']
            : 'host=' . $login['host'] . ($login['port'] ? ';port=' . $login['port'] : '');
        try {
            $this->pdo = new PDO('mysql:' . $where . ';dbname=' . $login['database'], $login['user'], $login['password'],
                array(PDO::ATTR_ERRMODE => PDO::ERRMODE_SILENT, PDO::ATTR_TIMEOUT => 5));
        } catch (PDOException $problem) {
            $this->refuse((int) $problem->getCode(), $problem->getMessage());
        }
        if ($this->pdo->exec('SET NAMES utf8mb4') === false) {
            $this->run('SET NAMES utf8');
        }
    }

    /** Waits for earlier requests of OnHand to this shop. The lock is held until the connection ends. */
    public function lock($prefix) {
        $row = $this->row("SELECT GET_LOCK('onhand:" . md5($this->name . '|' . $prefix) . "', " . ONHAND_LOCK_SECONDS . ')');
        return (int) $row[0] === 1;
    }

    /** Lets all later reads see one moment of the shop, on engines that can. */
    public function snapshot() {
        $this->run('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        $this->run('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    }

    /** Returns all rows, as lists. */
    public function rows($sql) {
        $result = $this->run($sql);
        if ($this->pdo) {
            return $result->fetchAll(PDO::FETCH_NUM);
        }
        $rows = array();
        while ($row = mysqli_fetch_row($result)) {
            $rows[] = $row;
        }
        return $rows;
    }

    /** Returns the first row as a list, or null. */
    public function row($sql) {
        $rows = $this->rows($sql);
        return $rows ? $rows[0] : null;
    }

    public function run($sql) {
        $result = $this->pdo ? $this->pdo->query($sql) : mysqli_query($this->mysqli, $sql);
        if ($result === false) {
            $error = $this->pdo ? $this->pdo->errorInfo() : array('', mysqli_errno($this->mysqli), mysqli_error($this->mysqli));
            $this->refuse((int) $error[1], $error[2]);
        }
        return $result;
    }

    /** Runs a statement that writes; returns how many rows it changed. */
    public function change($sql) {
        $result = $this->run($sql);
        return $this->pdo ? $result->rowCount() : mysqli_affected_rows($this->mysqli);
    }

    /** Says, by the server's error number, what a person can do. The server's own words go to the error log only. */
    private function refuse($number, $words) {
        if (!($this->forgiving && $number === 1146)) {
            onhand_if_allowed('error_log', "OnHand connector: database error $number: $words");
        }
        if ($number === 1146 || $number === 1054) {
            throw new OnhandRefusal('tables', "The shop's database lacks a table or column of the osCommerce family (error $number):"
                . " check the table prefix in onhand-key.php and the database in $this->file.");
        }
        if ($number === 1205 || $number === 1213) {
            throw new OnhandRefusal('busy', "The shop's own programs hold what is needed (error $number); try again in a few seconds.");
        }
        $advice = array(
            1044 => "the user named in $this->file may not use this database",
            1045 => "user or password in $this->file are wrong",
            1049 => "the database named in $this->file does not exist",
            1142 => "the user named in $this->file needs the rights SELECT, UPDATE, INSERT and CREATE",
            1114 => 'it is full', 1021 => 'its disk is full',
            1290 => 'it is switched to read-only', 1792 => 'it is switched to read-only', 1836 => 'it is switched to read-only',
            1040 => 'it has too many connections', 1203 => 'it has too many connections', 1226 => 'a limit of the host is used up',
            1286 => 'it has no InnoDB, which the table onhand_state needs', 2002 => "it does not answer at $this->place, as $this->file has it",
            2003 => "it does not answer at $this->place, as $this->file has it", 2005 => "the host $this->place, which $this->file names, is not known",
        );
        throw new OnhandRefusal('database', "The shop's database refuses (error $number): "
            . (isset($advice[$number]) ? $advice[$number] : "see the web server's error log") . '.');
    }
}

// ==== Configuration: the shop's login and our key =========================================================

/** Returns the database login and table prefix of the shop, from its own configuration file. */
function onhand_shop_login() {
    $said = onhand_configuration();
    $login = onhand_database_server($said['DB_SERVER']) + array('user' => $said['DB_SERVER_USERNAME'],
        'password' => $said['DB_SERVER_PASSWORD'], 'database' => $said['DB_DATABASE'], 'prefix' => $said['DB_PREFIX'], 'file' => $said['file']);
    if (!preg_match('/^[A-Za-z0-9_]{0,40}$/D', $login['prefix'])) {
        throw new OnhandRefusal('config', "The table prefix in the shop's configuration file is not understood: say it in onhand-key.php.");
    }
    return $login;
}

/**
 * Splits the shop's db_server: host, host:port, [IPv6]:port, host:/socket, or only the path of a socket, as osCommerce 2.4 has it.
 * A leading p: asks mysqli to keep the connection after the request; ours must end, and our lock with it.
 */
function onhand_database_server($said) {
    $said = preg_replace('/^p:/i', '', trim($said));
    $server = array('host' => 'localhost', 'port' => 0, 'socket' => null);
    if (preg_match('#^(?:[^/:]*:)?([^:]*/.+)$#D', $said, $part)) {
        $server['socket'] = $part[1];
    } elseif (preg_match('/^([^:]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]*))?$/D', $said, $part)) {
        $server['host'] = $part[1] === '' ? 'localhost' : $part[1];
        $server['port'] = isset($part[2]) ? (int) $part[2] : 0;
    } else {
        $server['host'] = preg_match('/^[0-9A-Fa-f:.]+$/D', $said) ? "[$said]" : $said;
    }
    return $server;
}

/** Returns what the configuration file says about the database: constants, or in osCommerce 2.4 an ini text. */
function onhand_configuration() {
    $names = array('DB_SERVER' => 'db_server', 'DB_SERVER_USERNAME' => 'db_server_username', 'DB_SERVER_PASSWORD' => 'db_server_password',
        'DB_DATABASE' => 'db_database', 'DB_PREFIX' => 'db_table_prefix');
    $said = array();
    foreach (array('OSC/Conf/global.php', 'OSC/Custom/Conf/global.php') as $file) {   // Custom overrides the other
        if (is_file(onhand_shop_path("includes/$file"))) {
            $ini = null;
            @include onhand_shop_path("includes/$file");
            $said = (array) parse_ini_string((string) $ini) + $said;
        }
    }
    // In the shop's own order: if both files define something, the local one wins. Both only define constants.
    $found = (bool) $said;
    // The one of osCommerce 4 connects, redirects and exits, and is never run; its installer writes the login into the local one.
    $files = onhand_is_oscommerce4() ? array('local/configure.php') : array('local/configure.php', 'configure.php');
    foreach ($said ? array() : $files as $file) {
        if (is_file(onhand_shop_path("includes/$file"))) {
            @include onhand_shop_path("includes/$file");
            $found = true;
        }
    }
    $usual = $said ? 'OSC/Conf/global.php' : end($files);
    $settings = array();
    foreach ($names as $constant => $member) {
        $settings[$constant] = isset($said[$member]) ? (string) $said[$member] : ($said || !defined($constant) ? null : (string) constant($constant));
        if ($settings[$constant] === null && $constant === 'DB_PREFIX') {
            $settings[$constant] = '';
        } elseif ($settings[$constant] === null) {
            throw new OnhandRefusal('config', $found ? "The shop's includes/$usual does not " . ($said ? "say $member." : "define $constant.")
                : "There is no includes/$usual: onhand.php belongs in the folder of the shop's index.php.");
        }
    }
    return $settings + array('file' => "includes/$usual");
}

/** Returns whether the files next to this one belong to osCommerce 4, which must be known before its configuration is touched. */
function onhand_is_oscommerce4() {
    return is_file(onhand_shop_path('yii.php')) && is_file(onhand_shop_path('lib/common/helpers/Warehouses.php'));
}

/** Returns the path of a shop's file, by its name below the shop's folder. */
function onhand_shop_path($file) {
    return dirname(__FILE__) . '/' . $file;
}

/** Returns the beginning of a shop's file, '' if there is none. The file is read, never run. */
function onhand_shop_file($file, $bytes) {
    $path = onhand_shop_path($file);
    return is_file($path) ? (string) @file_get_contents($path, false, null, 0, $bytes) : '';
}

/** Returns tables that the shop's own list of names calls otherwise: usual name => name. Some owners edited that file. */
function onhand_renamed_tables() {
    $usual = array('PRODUCTS', 'PRODUCTS_DESCRIPTION', 'PRODUCTS_ATTRIBUTES', 'PRODUCTS_ATTRIBUTES_DOWNLOAD', 'ORDERS_PRODUCTS', 'ORDERS',
        'ORDERS_STATUS_HISTORY', 'ORDERS_TOTAL', 'CONFIGURATION', 'LANGUAGES', 'PRODUCTS_TO_CATEGORIES');
    // A name may be plain, or DB_PREFIX and a name; any other form is not understood, and the usual name is kept.
    preg_match_all('/^\s*define\(\s*[\'"]TABLE_([A-Z_]+)[\'"]\s*,\s*(DB_PREFIX\s*\.\s*)?[\'"]([A-Za-z0-9_$]{1,64})[\'"]\s*\)/m',
        onhand_shop_file('includes/database_tables.php', 100000), $lines, PREG_SET_ORDER);
    $renamed = array();
    foreach ($lines as $line) {
        if (in_array($line[1], $usual, true)) {
            $prefix = $line[2] !== '' && defined('DB_PREFIX') ? constant('DB_PREFIX') : '';
            $renamed += array(strtolower($line[1]) => $prefix . $line[3]);
        }
    }
    return $renamed;
}

/** Returns our key, which says who may ask. */
function onhand_key() {
    $file = dirname(__FILE__) . '/onhand-key.php';
    $key = is_file($file) ? @include $file : null;
    if (!is_array($key) || !isset($key['key_id'], $key['secret']) || !preg_match('/^[A-Za-z0-9_-]{1,40}$/D', $key['key_id'])
        || !preg_match('/^[0-9a-f]{64}$/Di', $key['secret'])) {
        throw new OnhandRefusal('config', 'Copy the file onhand-key.php that OnHand made for this cart next to onhand.php.');
    }
    $key += array('allow_http' => false, 'prefix' => '');
    if (!preg_match('/^[A-Za-z0-9_]{0,40}$/D', $key['prefix'])) {
        throw new OnhandRefusal('config', 'The table prefix in onhand-key.php may contain letters, digits and underscores only.');
    }
    $key['secret'] = pack('H*', $key['secret']);
    return $key;
}

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
