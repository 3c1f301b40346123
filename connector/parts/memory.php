<?php
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
