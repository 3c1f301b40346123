<?php
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
