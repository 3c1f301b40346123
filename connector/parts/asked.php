<?php
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
