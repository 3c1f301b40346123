<?php
/*
 * A test page that trades as osCommerce 2.3 does: the same statements, in the same order, each committing alone.
 * It is written from observed behaviour, for tests only. POST one JSON object with `action`; the answer is JSON.
 *
 *   sell     lines [[product, n], ...], think_us     a paid order
 *   prepare  lines                                   an order whose payment happens elsewhere and is still open
 *   pay      order, think_us                         that payment comes in
 *   abandon  order                                   that payment never comes: the order is deleted, stock untouched
 *   remove   order, restock                          an admin deletes an order
 *   status   order, status                           an admin sets a status
 *   save     product, fields                         an admin saves the product form: absolute values, last_modified = now()
 *   delete   product                                 an admin deletes a product
 *
 * think_us is a pause in microseconds between reading a quantity and writing it back, to widen the shop's race.
 */

require 'includes/configure.php';
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$server = explode(':', DB_SERVER, 2);
$db = new mysqli($server[0], DB_SERVER_USERNAME, DB_SERVER_PASSWORD, DB_DATABASE, isset($server[1]) ? (int) $server[1] : 3306);
$db->set_charset('utf8');
$db->query("SET SESSION sql_mode = ''");      // as 2.3 does: what does not fit is cut silently

$asked = json_decode(file_get_contents('php://input'), true);
$answer = call_user_func('shop_' . $asked['action'], $db, $asked);
header('Content-Type: application/json');
echo json_encode($answer);

function shop_sell($db, $asked)
{
    $settings = shop_settings($db);
    if ($settings['STOCK_CHECK'] === 'true' && $settings['STOCK_ALLOW_CHECKOUT'] !== 'true') {
        foreach ($asked['lines'] as $line) {   // check, then act much later: part of the race
            if (shop_value($db, "select products_quantity from products where products_id = $line[0]") < $line[1]) {
                return array('order' => null, 'refused' => 'stock');
            }
        }
    }
    $order = shop_insert_order($db, 1);
    $db->query("insert into orders_status_history (orders_id, orders_status_id, date_added) values ($order, 1, now())");
    $lines = array();
    foreach ($asked['lines'] as $line) {
        shop_take($db, $settings, $line[0], $line[1], shop_think($asked));
        $lines[] = shop_insert_line($db, $order, $line[0], $line[1]);
    }
    return array('order' => $order, 'lines' => $lines);
}

function shop_prepare($db, $asked)
{
    $order = shop_insert_order($db, 4);
    $lines = array();
    foreach ($asked['lines'] as $line) {
        $lines[] = shop_insert_line($db, $order, $line[0], $line[1]);
    }
    return array('order' => $order, 'lines' => $lines);
}

function shop_pay($db, $asked)
{
    $order = (int) $asked['order'];
    $settings = shop_settings($db);
    $db->query("update orders set orders_status = 1, last_modified = now() where orders_id = $order");
    $db->query("insert into orders_status_history (orders_id, orders_status_id, date_added) values ($order, 1, now())");
    foreach ($db->query("select products_id, products_quantity from orders_products where orders_id = $order order by orders_products_id")->fetch_all() as $line) {
        shop_take($db, $settings, $line[0], $line[1], shop_think($asked));
    }
    return array('order' => $order);
}

function shop_abandon($db, $asked)
{
    $order = (int) $asked['order'];
    foreach (array('orders', 'orders_total', 'orders_status_history', 'orders_products', 'orders_products_attributes') as $table) {
        $db->query("delete from $table where orders_id = $order");
    }
    return array('order' => $order);
}

function shop_remove($db, $asked)
{
    $order = (int) $asked['order'];
    if (!empty($asked['restock'])) {
        foreach ($db->query("select products_id, products_quantity from orders_products where orders_id = $order")->fetch_all() as $line) {
            $db->query("update products set products_quantity = products_quantity + $line[1], products_ordered = products_ordered - $line[1] where products_id = $line[0]");
        }
    }
    foreach (array('orders', 'orders_products', 'orders_products_attributes', 'orders_status_history', 'orders_total') as $table) {
        $db->query("delete from $table where orders_id = $order");
    }
    return array('order' => $order);
}

function shop_status($db, $asked)
{
    $order = (int) $asked['order'];
    $status = (int) $asked['status'];
    $db->query("update orders set orders_status = $status, last_modified = now() where orders_id = $order");
    $db->query("insert into orders_status_history (orders_id, orders_status_id, date_added) values ($order, $status, now())");
    return array('order' => $order);
}

function shop_save($db, $asked)
{
    $sets = array();
    foreach (array('quantity', 'ordered', 'status', 'model') as $name) {
        if (isset($asked['fields'][$name])) {
            $sets[] = "products_$name = '" . $db->real_escape_string($asked['fields'][$name]) . "'";
        }
    }
    $sets[] = 'products_last_modified = now()';
    $db->query('update products set ' . implode(', ', $sets) . ' where products_id = ' . (int) $asked['product']);
    return array('product' => $asked['product']);
}

function shop_delete($db, $asked)
{
    $product = (int) $asked['product'];
    foreach (array('products_to_categories', 'products', 'products_description', 'products_attributes') as $table) {
        $db->query("delete from $table where products_id = $product");
    }
    return array('product' => $product);
}

// What several of them do

/** Takes n units from a product: read, subtract here, write the result back; then the counter, relatively. */
function shop_take($db, $settings, $product, $n, $think_us)
{
    $product = (int) $product;
    $n = (int) $n;
    $download = $settings['DOWNLOAD_ENABLED'] === 'true' && shop_value($db, "select count(*) from products_attributes a"
        . " join products_attributes_download d on d.products_attributes_id = a.products_attributes_id where a.products_id = $product");
    if ($settings['STOCK_LIMITED'] === 'true') {
        $quantity = shop_value($db, "select products_quantity from products where products_id = $product");
        if ($quantity !== null) {
            $left = $download ? $quantity : $quantity - $n;
            if ($think_us > 0) {
                usleep($think_us);
            }
            if (!$download) {
                $db->query("update products set products_quantity = '$left' where products_id = $product");
            }
            if ($left < 1 && $settings['STOCK_ALLOW_CHECKOUT'] === 'false') {
                $db->query("update products set products_status = '0' where products_id = $product");
            }
        }
    }
    $db->query("update products set products_ordered = products_ordered + $n where products_id = $product");
}

function shop_insert_order($db, $status)
{
    $texts = array('customers_name', 'customers_street_address', 'customers_city', 'customers_postcode', 'customers_country',
        'customers_telephone', 'customers_email_address', 'delivery_name', 'delivery_street_address', 'delivery_city',
        'delivery_postcode', 'delivery_country', 'billing_name', 'billing_street_address', 'billing_city', 'billing_postcode',
        'billing_country', 'payment_method');
    $db->query('insert into orders (customers_id, customers_address_format_id, delivery_address_format_id, billing_address_format_id,'
        . ' date_purchased, orders_status, currency, currency_value, ' . implode(', ', $texts) . ") values (1, 1, 1, 1, now(), $status, 'EUR', 1"
        . str_repeat(", 'x'", count($texts)) . ')');
    $order = $db->insert_id;
    foreach (array('ot_subtotal', 'ot_shipping', 'ot_total') as $at => $class) {
        $db->query("insert into orders_total (orders_id, title, text, value, class, sort_order) values ($order, '$class', '', 0, '$class', $at)");
    }
    return $order;
}

function shop_insert_line($db, $order, $product, $n)
{
    $product = (int) $product;
    $n = (int) $n;
    $db->query("insert into orders_products (orders_id, products_id, products_model, products_name, products_price, final_price, products_tax, products_quantity)"
        . " select $order, $product, max(products_model), 'x', 1, 1, 0, $n from products where products_id = $product");
    return $db->insert_id;
}

function shop_settings($db)
{
    $settings = array();
    foreach ($db->query('select configuration_key, configuration_value from configuration order by configuration_id')->fetch_all() as $row) {
        $settings += array($row[0] => $row[1]);
    }
    return $settings;
}

function shop_think($asked)
{
    return isset($asked['think_us']) ? (int) $asked['think_us'] : 0;
}

function shop_value($db, $sql)
{
    $row = $db->query($sql)->fetch_row();
    return $row ? $row[0] : null;
}
