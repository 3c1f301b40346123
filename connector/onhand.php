<?php
/*
 * The OnHand connector, version 1.0.0, for osCommerce 2.2 and 2.3.
 *
 * Copy this file and onhand-key.php into the folder of the shop's index.php. That is the whole installation.
 *
 * What it does: it answers OnHand's signed requests about stock. It reads products, order lines and a few settings, and it
 * changes products_quantity by signed amounts (and products_status from off to on, when goods return to a product
 * that was sold out). It keeps one small table of its own, onhand_state.
 *
 * What it never does: it runs none of the shop's code (only includes/configure.php, for the database login), takes no
 * SQL and no file names from outside, calls nobody, and writes no other column. Of what a request brings, only whole numbers
 * ever become part of an SQL statement.
 *
 * It reads from top to bottom: serve a request, the verbs, the memory, the shop's tables, the database, the
 * configuration, signatures, answers. The protocol is described in docs/protocol.md of OnHand. PHP 5.4 to 8.5.
 */

define('ONHAND_VERSION', '1.0.0');
define('ONHAND_PROTOCOL', 1);
define('ONHAND_BODY_MAX', 1048576);       // bytes in a request
define('ONHAND_ROWS_MAX', 2000);          // rows, ids or posts in one request
define('ONHAND_CELLS_MAX', 21845);        // cells in one third
define('ONHAND_SKEW_SECONDS', 300);       // how far the two clocks may differ
define('ONHAND_LOCK_SECONDS', 5);         // how long to wait for an earlier request to end
define('ONHAND_SHOP_LOCK_SECONDS', 10);   // how long to wait for a lock of the shop's own programs
define('ONHAND_WORD', '4294967296');      // 2^32, for the weights of the sums and the cells
define('ONHAND_WEIGHT', '2654435761');

onhand_serve();

// ==== One request =========================================================================================

/** Checks who asks, does what is asked, answers. Nothing but the one JSON object reaches the caller. */
function onhand_serve() {
    onhand_if_allowed('ini_set', 'display_errors', '0');
    onhand_if_allowed('ini_set', 'zlib.output_compression', '0');
    onhand_if_allowed('set_time_limit', 120);
    onhand_if_allowed('ignore_user_abort', true);  // a caller who hangs up must not leave half a batch
    ob_start();                           // whatever the configuration file prints is thrown away
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
    } catch (Throwable $problem) {        // from PHP 7 on; before, there is no such class and nothing to catch
        onhand_give_up($problem);
    }
}

/** Calls a function that is useful but not vital: hosts switch some of them off. */
function onhand_if_allowed($function, $first, $second = null) {
    if (function_exists($function)) {
        $second === null ? $function($first) : $function($first, $second);
    }
}

/** Any failure that has a code in the protocol. */
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
            'config' => 500, 'tables' => 500, 'database' => 503, 'busy' => 503, 'epoch' => 409, 'gap' => 409);
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
    $db = new OnhandDatabase(onhand_shop_login());
    $shop = new OnhandShop($db, $key['prefix']);
    if (!$db->lock($key['prefix'])) {
        throw new OnhandRefusal('busy', 'Another request of OnHand is still being served; try again in a few seconds.');
    }
    // The lock and an open transaction end with the connection: also when this process is killed.
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
    $columns = $shop->columns();
    return array(
        'protocol' => ONHAND_PROTOCOL,
        'connector' => ONHAND_VERSION,
        'runtime' => 'PHP ' . PHP_VERSION,
        'database' => onhand_text($version[0]),
        'family' => 'oscommerce',
        'engine' => $shop->engine(),
        'prefix' => $shop->prefix,
        'collation' => (string) $columns['products_model']['collation'],
        'sku_length' => $columns['products_model']['length'],
        'quantity_type' => $columns['products_quantity']['type'],
        'switches' => (object) $shop->switches(array('STOCK_LIMITED', 'STOCK_ALLOW_CHECKOUT', 'DOWNLOAD_ENABLED')),
        'products' => (int) $count[0],
        'epoch' => $state['epoch'],
        'last_seq' => $state['last_seq'],
        'clock' => time(),
    );
}

/** What is new: order lines above a cursor, and sums that tell whether any counter moved. */
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
            . " IFNULL(SUM($q[wide] * $h), 0), IFNULL(SUM($o[wide] * $h), 0) FROM $shop->products p");
        $sums = array_map('strval', $sums);
        $sums_ms = round((microtime(true) - $started) * 1000, 1);
    }
    $catalogue = null;
    if (!empty($request['catalogue'])) {
        $catalogue = $db->row("SELECT IFNULL(SUM(CRC32(CONCAT(p.products_id, '|', IFNULL(p.products_model, ''), '|',"
            . " IFNULL(p.products_status, 0)))), 0) FROM $shop->products p");
        $catalogue = (string) $catalogue[0];
    }
    $lines = onhand_lines($shop, $db, "l.orders_products_id > $after", $limit + 1);
    $more = count($lines) > $limit;
    $window = $db->row("SELECT (SELECT MAX(orders_products_id) FROM $shop->lines), COUNT(*),"
        . " IFNULL(SUM(orders_products_id), 0) FROM $shop->lines"
        . " WHERE orders_products_id > $low AND orders_products_id <= $after");
    return array(
        'epoch' => $state['epoch'],
        'last_seq' => $state['last_seq'],
        'begun' => $state['begun_first'] !== null,
        'lines' => $more ? array_slice($lines, 0, $limit) : $lines,
        'more' => $more,
        'last_line' => (int) $window[0],
        'window' => array((int) $window[1], (string) $window[2]),
        'sums' => $sums,
        'sums_ms' => $sums_ms,
        'catalogue' => $catalogue,
    );
}

/** The same sums in 3 * size groups, from which OnHand works out the few products that differ. */
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
        . " FROM $shop->products p JOIN (SELECT 0 AS third, 2246822519 AS multiplier UNION ALL SELECT 1, 3266489917"
        . " UNION ALL SELECT 2, 668265263) t GROUP BY cell ORDER BY NULL");
    foreach ($rows as $row) {
        $cells[(int) $row[0]] = array((string) $row[1], (string) $row[2], (string) $row[3], (string) $row[4]);
    }
    return array('epoch' => $state['epoch'], 'last_seq' => $state['last_seq'], 'size' => $size, 'cells' => $cells);
}

/** Products, a page of them in id order or those named. */
function onhand_listings($request, $shop, $db) {
    if (isset($request['ids'])) {
        $ids = onhand_ids($request, 'ids');
        $limit = ONHAND_ROWS_MAX;
        $which = $ids ? 'p.products_id IN (' . implode(',', $ids) . ')' : '1 = 0';
    } else {
        $limit = onhand_limit($request);
        $which = 'p.products_id > ' . onhand_whole($request, 'after', 0);
    }
    $state = onhand_state($shop, $db);
    $q = $shop->quantity('p');
    $o = $shop->ordered('p');
    $language = $shop->default_language();
    $downloads = $shop->switches(array('DOWNLOAD_ENABLED'));
    $download = '0';
    if (isset($downloads['DOWNLOAD_ENABLED']) && $downloads['DOWNLOAD_ENABLED'] === 'true') {
        $download = "EXISTS (SELECT 1 FROM $shop->attributes a JOIN $shop->downloads f"
            . " ON f.products_attributes_id = a.products_attributes_id"
            . " WHERE a.products_id = p.products_id AND f.products_attributes_filename <> '')";
    }
    $rows = $db->rows("SELECT p.products_id, p.products_model,"
        . " (SELECT d.products_name FROM $shop->descriptions d WHERE d.products_id = p.products_id"
        . " ORDER BY d.products_name = '', d.language_id <> $language, d.language_id LIMIT 1),"
        . " $q[value], $o[value], p.products_status, p.products_last_modified,"
        . " TIMESTAMPDIFF(SECOND, p.products_last_modified, NOW()), ($q[fraction] OR $o[fraction]) + 2 * ($download)"
        . " FROM $shop->products p WHERE $which ORDER BY p.products_id LIMIT " . ($limit + 1));
    $more = count($rows) > $limit;
    foreach ($rows as $n => $row) {
        $modified = $row[6] === null || strncmp($row[6], '0000', 4) === 0 ? null : $row[6];
        $rows[$n] = array((int) $row[0], onhand_text($row[1]), (string) onhand_text($row[2]), (int) $row[3],
            (int) $row[4], (int) $row[5], $modified, $modified === null ? null : (int) $row[7], (int) $row[8]);
    }
    return array('epoch' => $state['epoch'], 'last_seq' => $state['last_seq'], 'more' => $more,
        'rows' => $more ? array_slice($rows, 0, $limit) : $rows);
}

/** Those of the named order lines that still exist. */
function onhand_orders($request, $shop, $db) {
    $ids = onhand_ids($request, 'lines');
    $db->snapshot();
    $which = 'l.orders_products_id IN (' . implode(',', $ids) . ')';
    return array('lines' => $ids ? onhand_lines($shop, $db, $which, ONHAND_ROWS_MAX) : array());
}

/** Order lines in id order, each with the status of its order and whether that order has a history. */
function onhand_lines($shop, $db, $which, $limit) {
    $rows = $db->rows("SELECT l.orders_products_id, l.orders_id, l.products_id, l.products_model,"
        . " CAST(ROUND(l.products_quantity) AS SIGNED), o.orders_status"
        . " FROM $shop->lines l LEFT JOIN $shop->orders o ON o.orders_id = l.orders_id"
        . " WHERE $which ORDER BY l.orders_products_id LIMIT $limit");
    $orders = array();
    foreach ($rows as $row) {
        $orders[(int) $row[1]] = 0;
    }
    if ($orders) {
        // One question for all orders: very old shops have no index on this column.
        foreach ($db->rows("SELECT DISTINCT orders_id FROM $shop->history WHERE orders_id IN ("
            . implode(',', array_keys($orders)) . ')') as $row) {
            $orders[(int) $row[0]] = 1;
        }
    }
    foreach ($rows as $n => $row) {
        $rows[$n] = array((int) $row[0], (int) $row[1], (int) $row[2], onhand_text($row[3]), (int) $row[4],
            $row[5] === null ? null : (int) $row[5], $orders[(int) $row[1]]);
    }
    return $rows;
}

/** Applies one numbered batch of posts exactly once, or says what became of it. */
function onhand_apply($request, $shop, $db) {
    $first = onhand_whole($request, 'first', 1);
    $posts = onhand_posts($request);
    $last = $first + count($posts) - 1;
    $close = !empty($request['close']);
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
        $outcome = 'already';
        $results = json_decode($state['last_answer'], true);
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
            $results = onhand_write_at_once($posts, $shop, $db);
        } else {
            list($posts, $results) = onhand_possible_posts($posts, $shop, $db, '');
            onhand_write_noted($posts, $first, $last, $shop, $db);
        }
    }
    if ($outcome === 'applied' || $outcome === 'closed') {
        $db->run("UPDATE $shop->state SET last_seq = $last, begun_first = NULL, begun_last = NULL, last_first = $first,"
            . " last_answer = '" . json_encode($results) . "' WHERE id = 1");
        $state['last_seq'] = $last;
    }
    $db->run('COMMIT');
    return array('outcome' => $outcome, 'epoch' => $state['epoch'], 'last_seq' => $state['last_seq'], 'results' => $results);
}

/** Tells the posts that can take effect from those that cannot: array(posts, results). */
function onhand_possible_posts($posts, $shop, $db, $for_update) {
    $seen = array();
    foreach ($db->rows("SELECT products_id, products_quantity FROM $shop->products FORCE INDEX (PRIMARY) WHERE products_id IN ("
        . implode(',', array_keys($posts)) . ") ORDER BY products_id $for_update") as $row) {
        $seen[(int) $row[0]] = $row[1];
    }
    $q = $shop->quantity('p');
    $results = array();
    foreach ($posts as $product => $post) {
        if (!array_key_exists($product, $seen)) {
            $results[] = array($product, 'missing');
            unset($posts[$product]);
        } elseif ($seen[$product] + $post[1] < $q['min'] || $seen[$product] + $post[1] > $q['max']) {
            $results[] = array($product, 'range');
            unset($posts[$product]);
        }
    }
    ksort($posts);                        // rows are locked and written in id order
    return array($posts, $results);
}

/**
 * The one statement that changes the shop. Always relative: it cannot undo a sale that happens at the same time.
 * The derived table drives the join, so that only the named rows are locked. Status stands before quantity because
 * MySQL computes assignments from left to right, and the condition means the quantity as it was. Answers how many rows it changed.
 */
function onhand_write($posts, $shop, $db) {
    if (!$posts) {
        return 0;
    }
    $q = $shop->quantity('p');
    $selects = array();
    $reactivate = false;
    foreach ($posts as $post) {
        list($product, $delta, $wakes) = $post;
        $selects[] = $selects ? "SELECT $product,$delta,$wakes"
            : "SELECT $product AS product, $delta AS delta, $wakes AS reactivate";
        $reactivate = $reactivate || $wakes;
    }
    $status = $reactivate ? "p.products_status = IF(d.reactivate = 1 AND $q[sum] > 0, 1, p.products_status)," : '';
    return $db->change('UPDATE (' . implode(' UNION ALL ', $selects) . ") d STRAIGHT_JOIN $shop->products p ON p.products_id = d.product"
        . " SET $status p.products_quantity = $q[plain] + d.delta"
        . " WHERE $q[sum] BETWEEN $q[min] AND $q[max]");
}

/**
 * The same in a transaction. As a rule every post takes effect, which the number of changed rows shows; only when
 * one did not is it found out which, and the rest is written anew. Answers the results.
 */
function onhand_write_at_once($posts, $shop, $db) {
    ksort($posts);                        // rows are locked and written in id order
    $db->run('SAVEPOINT posts');
    if (onhand_write($posts, $shop, $db) === count($posts)) {
        return array();
    }
    $db->run('ROLLBACK TO SAVEPOINT posts');
    list($posts, $results) = onhand_possible_posts($posts, $shop, $db, 'FOR UPDATE');
    onhand_write($posts, $shop, $db);
    return $results;
}

/** The same on an engine without transactions: first it is noted that the batch has begun, so that a crash shows. */
function onhand_write_noted($posts, $first, $last, $shop, $db) {
    $db->run("UPDATE $shop->state SET begun_first = $first, begun_last = $last WHERE id = 1");
    $db->run('COMMIT');
    onhand_write($posts, $shop, $db);     // if this fails, nobody here knows how far it came: the note stays
    $db->run('START TRANSACTION');
}

// ==== What a request may contain ==========================================================================

/** A whole number, given as a number or as digits. */
function onhand_whole($values, $name, $least) {
    $value = isset($values[$name]) ? $values[$name] : null;
    if (is_string($value) && preg_match('/^-?[0-9]{1,15}$/D', $value)) {
        $value = (int) $value;
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

/** A list, short enough. */
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

/** The posts of a batch, by product: array(product, delta, reactivate). */
function onhand_posts($request) {
    $posts = array();
    foreach (onhand_list($request, 'posts') as $post) {
        if (!is_array($post) || count($post) !== 3) {
            throw new OnhandRefusal('request', 'A post is a list of product, delta and reactivate.');
        }
        $product = onhand_whole($post, 0, 0);
        if (isset($posts[$product])) {
            throw new OnhandRefusal('request', "Product $product stands twice in this batch.");
        }
        $posts[$product] = array($product, onhand_whole($post, 1, -999999999999999), empty($post[2]) ? 0 : 1);
    }
    if (!$posts) {
        throw new OnhandRefusal('request', 'A batch needs at least one post.');
    }
    return $posts;
}

// ==== The memory ==========================================================================================

/** The one row of our own table. Makes the table, and the row, when they are not there yet. */
function onhand_state($shop, $db, $for_update = '') {
    $select = "SELECT epoch, last_seq, begun_first, begun_last, last_first, last_answer FROM $shop->state WHERE id = 1 $for_update";
    try {
        $row = $db->row($select);
    } catch (OnhandRefusal $refusal) {
        if ($refusal->reason !== 'tables') {
            throw $refusal;
        }
        $row = null;
    }
    if ($row === null) {
        $shop->columns();                 // where there is no shop, nothing of ours is made
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

/** 16 random hexadecimal digits. They need to be new, not secret. */
function onhand_new_epoch() {
    if (function_exists('random_bytes')) {
        return bin2hex(random_bytes(8));
    }
    return substr(hash('sha256', uniqid('', true) . mt_rand()), 0, 16);
}

// ==== The shop's tables ===================================================================================

/** Where things stand in the shop's database, and of what type they are. */
class OnhandShop {
    public $prefix, $state, $products, $descriptions, $attributes, $downloads, $lines, $orders, $history;
    private $settings, $languages, $db, $columns, $engine;

    public function __construct($db, $prefix) {
        $this->db = $db;
        $this->prefix = $prefix;
        $names = array('state' => 'onhand_state', 'products' => 'products', 'descriptions' => 'products_description',
            'attributes' => 'products_attributes', 'downloads' => 'products_attributes_download', 'lines' => 'orders_products',
            'orders' => 'orders', 'history' => 'orders_status_history', 'settings' => 'configuration', 'languages' => 'languages');
        foreach ($names as $member => $table) {
            $this->$member = '`' . $prefix . $table . '`';
        }
    }

    /** Type, width, nullability and collation of the columns of the products table. */
    public function columns() {
        if ($this->columns !== null) {
            return $this->columns;
        }
        $table = trim($this->products, '`');
        $this->columns = array();
        foreach ($this->db->rows("SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH, COLLATION_NAME,"
            . " NUMERIC_PRECISION, NUMERIC_SCALE FROM information_schema.COLUMNS"
            . " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '$table'") as $row) {
            $this->columns[strtolower($row[0])] = array('type' => strtolower($row[1]), 'unsigned' => stripos($row[2], 'unsigned') !== false,
                'null' => $row[3] === 'YES', 'length' => (int) $row[4], 'collation' => $row[5], 'digits' => $row[6] - $row[7]);
        }
        foreach (array('id', 'quantity', 'model', 'status', 'ordered', 'last_modified') as $name) {
            if (!isset($this->columns['products_' . $name])) {
                throw new OnhandRefusal('tables', "The shop's database has no column products_$name in a table $table:"
                    . ' check the table prefix in onhand-key.php and the database in includes/configure.php.');
            }
        }
        return $this->columns;
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

    public function quantity($alias) {
        return $this->counter($alias, 'products_quantity');
    }

    public function ordered($alias) {
        return $this->counter($alias, 'products_ordered');
    }

    /** h(id): what a product weighs in the checking sums. */
    public function weight($alias) {
        $columns = $this->columns();
        $id = $columns['products_id']['unsigned'] ? "CAST($alias.products_id AS SIGNED)" : "$alias.products_id";
        return '(' . $id . ' * ' . ONHAND_WEIGHT . ' % ' . ONHAND_WORD . ')';
    }

    /**
     * How to read a counter: `plain`, as it is; `value`, as a whole number; `wide`, safe to multiply by a weight; `fraction`, whether it
     * is not whole; `sum`, what it would be after a post d; `min` and `max`, what the column holds exactly.
     */
    private function counter($alias, $name) {
        $columns = $this->columns();
        $column = $columns[$name];
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
            $exact = array('float' => pow(2, 24), 'double' => pow(2, 53), 'decimal' => pow(10, min($column['digits'], 15)) - 1);
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

    /** Those of the named settings that the shop has. Where one stands twice, the shop uses the first. */
    public function switches($names) {
        $found = array();
        foreach ($this->db->rows("SELECT configuration_key, configuration_value FROM $this->settings WHERE configuration_key IN ('"
            . implode("','", $names) . "') ORDER BY configuration_id") as $row) {
            $found += array($row[0] => onhand_text($row[1]));
        }
        return $found;
    }

    /** The id of the shop's default language; 0 if it cannot be told. */
    public function default_language() {
        $row = $this->db->row("SELECT l.languages_id FROM $this->settings s JOIN $this->languages l ON l.code = s.configuration_value"
            . " WHERE s.configuration_key = 'DEFAULT_LANGUAGE' ORDER BY s.configuration_id LIMIT 1");
        return (int) $row[0];
    }
}

// ==== The database ========================================================================================

/** One connection, over mysqli or, where that is missing, PDO. */
class OnhandDatabase {
    private $mysqli = null, $pdo = null, $name;

    public function __construct($login) {
        $this->name = $login['database'];
        if (function_exists('mysqli_init')) {
            $this->open_mysqli($login);
        } elseif (class_exists('PDO') && in_array('mysql', PDO::getAvailableDrivers(), true)) {
            $this->open_pdo($login);
        } else {
            throw new OnhandRefusal('config', 'This PHP has neither mysqli nor PDO for MySQL: have one of them switched on.');
        }
        // One text mode for every server, and no strictness: what a column cannot hold is found out before writing.
        // Our table must be InnoDB or not be at all.
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

    /** Waits for earlier requests of OnHand to this shop. Held until the connection ends. */
    public function lock($prefix) {
        $row = $this->row("SELECT GET_LOCK('onhand:" . md5($this->name . '|' . $prefix) . "', " . ONHAND_LOCK_SECONDS . ')');
        return (int) $row[0] === 1;
    }

    /** From here on, all reads see one moment of the shop, on engines that can. */
    public function snapshot() {
        $this->run('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        $this->run('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    }

    /** All rows, as lists. */
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

    /** The first row as a list, or null. */
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

    /** Runs a statement that writes; answers how many rows it changed. */
    public function change($sql) {
        $result = $this->run($sql);
        return $this->pdo ? $result->rowCount() : mysqli_affected_rows($this->mysqli);
    }

    /** Says by the server's error number what a person can do. The server's own words go to the error log only. */
    private function refuse($number, $words) {
        onhand_if_allowed('error_log', "OnHand connector: database error $number: $words");
        if ($number === 1146 || $number === 1054) {
            throw new OnhandRefusal('tables', "The shop's database lacks a table or column of osCommerce 2.2/2.3 (error $number):"
                . ' check the table prefix in onhand-key.php and the database in includes/configure.php.');
        }
        if ($number === 1205 || $number === 1213) {
            throw new OnhandRefusal('busy', "The shop's own programs hold what is needed (error $number); try again in a few seconds.");
        }
        $advice = array(
            1044 => 'the user named in includes/configure.php may not use this database',
            1045 => 'user or password in includes/configure.php are wrong',
            1049 => 'the database named in includes/configure.php does not exist',
            1142 => 'the user named in includes/configure.php needs the rights SELECT, UPDATE, INSERT and CREATE',
            1114 => 'it is full', 1021 => 'its disk is full',
            1290 => 'it is switched to read-only', 1792 => 'it is switched to read-only', 1836 => 'it is switched to read-only',
            1040 => 'it has too many connections', 1203 => 'it has too many connections', 1226 => 'a limit of the host is used up',
            1286 => 'it has no InnoDB, which the table onhand_state needs', 2002 => 'it does not answer', 2003 => 'it does not answer',
        );
        throw new OnhandRefusal('database', "The shop's database refuses (error $number): "
            . (isset($advice[$number]) ? $advice[$number] : "see the web server's error log") . '.');
    }
}

// ==== Configuration: the shop's login and our key =========================================================

/** The database login of the shop, from the constants of its own configuration file. */
function onhand_shop_login() {
    // In the shop's own order: where both files define something, the local one wins. Both only define constants.
    $found = false;
    foreach (array('/includes/local/configure.php', '/includes/configure.php') as $file) {
        if (is_file(dirname(__FILE__) . $file)) {
            @include dirname(__FILE__) . $file;
            $found = true;
        }
    }
    foreach (array('DB_SERVER', 'DB_SERVER_USERNAME', 'DB_SERVER_PASSWORD', 'DB_DATABASE') as $name) {
        if (!defined($name)) {
            throw new OnhandRefusal('config', $found ? "The shop's includes/configure.php does not define $name."
                : 'There is no includes/configure.php: onhand.php belongs in the folder of the shop\'s index.php.');
        }
    }
    $login = array('host' => DB_SERVER, 'port' => 0, 'socket' => null, 'user' => DB_SERVER_USERNAME,
        'password' => DB_SERVER_PASSWORD, 'database' => DB_DATABASE);
    if (preg_match('/^([^:]*):([0-9]+)$/D', DB_SERVER, $part)) {
        $login['host'] = $part[1];
        $login['port'] = (int) $part[2];
    } elseif (preg_match('#^([^:]*):(/.+)$#D', DB_SERVER, $part)) {
        $login['host'] = 'localhost';
        $login['socket'] = $part[2];
    }
    return $login;
}

/** Our key: who may ask. */
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
    // A caller behind a proxy on this very machine is not local, though his address looks so.
    $local = preg_match('/^(127\.|::1$|::ffff:127\.)/', onhand_server('REMOTE_ADDR')) && onhand_server('HTTP_X_FORWARDED_FOR') === '';
    if (!$encrypted && !$local && $key['allow_http'] !== true) {
        throw new OnhandRefusal('https', 'Use the https address of this shop, or set allow_http to true in onhand-key.php.');
    }
}

/** The request, if it was signed with our key for this address a short while ago. */
function onhand_authentic_request($key) {
    if ((float) onhand_server('CONTENT_LENGTH') > ONHAND_BODY_MAX) {
        throw new OnhandRefusal('too_large', 'A request may have at most ' . ONHAND_BODY_MAX . ' bytes.');
    }
    $body = file_get_contents('php://input', false, null, 0, ONHAND_BODY_MAX + 1);
    if (strlen($body) > ONHAND_BODY_MAX) {
        throw new OnhandRefusal('too_large', 'A request may have at most ' . ONHAND_BODY_MAX . ' bytes.');
    }
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
        onhand_reply('key', null);        // this refusal is the one answer that is not signed
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

/** What the web server says about the request; '' if it says nothing. */
function onhand_server($name) {
    return isset($_SERVER[$name]) ? trim((string) $_SERVER[$name]) : '';
}

function onhand_digest($body) {
    return 'sha-256=:' . base64_encode(hash('sha256', $body, true)) . ':';
}

function onhand_signature($base, $key) {
    return ':' . base64_encode(hash_hmac('sha256', $base, $key['secret'], true)) . ':';
}

/** Compares in a time that tells nothing about where two texts differ. */
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

/** Remembers what the answer needs: `key`, to sign with, and `sent`, whether it is on its way. */
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
    header('Content-Length: ' . strlen($body));
    $key = onhand_reply('key');
    $digest = onhand_digest($body);
    header('Content-Digest: ' . $digest);
    if ($key && preg_match('/^onhand=(:[A-Za-z0-9+\/=]{1,100}:)$/D', onhand_server('HTTP_SIGNATURE'), $part)) {
        $covered = '"@status" "content-digest" "signature";req;key="onhand"';
        $input = "($covered);created=" . time() . ';keyid="' . $key['key_id'] . '";alg="hmac-sha256"';
        $base = '"@status": ' . $status . "\n" . '"content-digest": ' . $digest . "\n"
            . '"signature";req;key="onhand": ' . $part[1] . "\n" . '"@signature-params": ' . $input;
        header('Signature-Input: onhand=' . $input);
        header('Signature: onhand=' . onhand_signature($base, $key));
    }
    echo $body;
    exit;
}

/** Something nobody foresaw: the details go to the server's error log, the caller learns that it happened. */
function onhand_give_up($problem) {
    onhand_if_allowed('error_log', 'OnHand connector: ' . $problem->getMessage() . ' in ' . $problem->getFile()
        . ' line ' . $problem->getLine());
    onhand_answer(500, array('ok' => false, 'error' => array('code' => 'internal',
        'message' => "The connector failed; the details are in the web server's error log.")));
}

/** When PHP stops the script by itself, out of memory or time, the caller still gets an answer. */
function onhand_last_words() {
    if (!onhand_reply('sent')) {
        $error = error_get_last();
        onhand_give_up(new Exception($error ? $error['message'] : 'the script ended by itself'));
    }
}

/** Text as valid UTF-8: what is not becomes U+FFFD. Null stays null. */
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
