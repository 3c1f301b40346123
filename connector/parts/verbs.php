<?php
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
