<?php
/*
 * What stands around OnHand's files in CE Phoenix, for tests: the names that they touch, and nothing else. POST one JSON
 * object with `settings` and `products` ([id, qty] each); every product is one order that is taken by its own.
 */

require 'login.php';

$asked = json_decode(file_get_contents('php://input'), true);
foreach ($asked['settings'] as $name => $value) {
    define($name, $value);
}

class Product
{
    public static function build_prid($id)
    {
        return (int) $id;                     // "7{1}2" is product 7 with an option
    }
}

class Order
{
    public $products = array();
}

mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$server = explode(':', DB_SERVER, 2);
$db = new mysqli($server[0], DB_SERVER_USERNAME, DB_SERVER_PASSWORD, DB_DATABASE, (int) $server[1]);
$order = new Order();
require 'includes/hooks/shop/after/onhand_decrement.php';
foreach ($asked['products'] as $product) {
    $order->products = array(array('id' => $product[0], 'qty' => $product[1]));
    call_user_func(array('hook_shop_after_onhand_decrement', 'update_stock'));
}
