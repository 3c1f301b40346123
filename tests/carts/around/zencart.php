<?php
/*
 * What stands around OnHand's files in Zen Cart, for tests: the names that they touch, and nothing else. POST one JSON object
 * with `settings`, `decrement` (whether the shop means to take its own step) and `products` ([id, qty, [option, value]?] each).
 * The answer: for each product whether the shop's own step would follow, and the lines of the mail about low stock.
 */

require 'login.php';

$asked = json_decode(file_get_contents('php://input'), true);
foreach ($asked['settings'] as $name => $value) {
    define($name, $value);
}
define('TABLE_PRODUCTS', PREFIX . 'products');
define('TABLE_PRODUCTS_ATTRIBUTES', PREFIX . 'products_attributes');
define('TABLE_PRODUCTS_ATTRIBUTES_DOWNLOAD', PREFIX . 'products_attributes_download');
define('TEXT_PRODUCTS_QUANTITY', 'In stock:');

function zen_get_prid($id)
{
    return (int) $id;
}

class base
{
    public $events;

    public function attach(&$observer, $events)
    {
        $this->events = $events;
    }
}

class Found
{
    public $EOF, $fields;
}

class Database
{
    private $db;

    public function __construct()
    {
        mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
        $server = explode(':', DB_SERVER, 2);
        $this->db = new mysqli($server[0], DB_SERVER_USERNAME, DB_SERVER_PASSWORD, DB_DATABASE, (int) $server[1]);
    }

    public function Execute($sql)
    {
        $result = $this->db->query($sql);
        $found = new Found();
        $found->fields = $result === true ? null : $result->fetch_assoc();
        $found->EOF = $found->fields === null;
        return $found;
    }

    public function ExecuteNoCache($sql)
    {
        return $this->Execute($sql);
    }
}

class Order
{
    public $doStockDecrement, $email_low_stock = '';
}

$db = new Database();
$order = new Order();
require 'includes/classes/observers/auto.onhand_decrement.php';
$observer = new zcObserverOnhandDecrement();
$follows = array();
foreach ($asked['products'] as $at => $given) {
    $order->doStockDecrement = $asked['decrement'];
    $product = array('id' => $given[0], 'qty' => $given[1], 'model' => "M$given[0]", 'name' => "Thing $given[0]");
    if (isset($given[2])) {
        $product['attributes'] = array(array('option_id' => $given[2][0] . '_chk', 'value_id' => $given[2][1]));
    }
    $observer->update($order, $observer->events[0], array('i' => $at), $product, $at);
    $follows[] = $order->doStockDecrement;
}
echo json_encode(array('events' => $observer->events, 'follows' => $follows, 'mail' => $order->email_low_stock));
