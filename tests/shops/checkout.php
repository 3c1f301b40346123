<?php
/*
 * A test page that trades as a shop of the family does: the same statements, in the same order, each committing alone.
 * Written from observed behaviour, for tests only. POST one JSON object with `action`; the answer is JSON.
 *
 *   sell     lines [[product, n, variant?], ...], think_us   a paid order
 *   prepare  lines                                           an order whose payment happens elsewhere and is still open
 *   pay      order, think_us                                 that payment comes in
 *   abandon  order                                           that payment never comes: the order is deleted, stock untouched
 *   remove   order, restock                                  an admin deletes an order
 *   status   order, status                                   an admin sets a status
 *   save     product, fields                                 an admin saves the product form: absolute values, last_modified = now()
 *   delete   product                                         an admin deletes a product
 *
 * think_us is a pause in microseconds between reading a quantity and writing it back, to widen the shop's race.
 *
 * Trade below is osCommerce 2.2 and 2.3. A relative that sells otherwise brings a selling.php with a class Selling over it.
 */

require 'login.php';                          // DB_SERVER and so on, and PREFIX, whatever the family's own file is like

class Trade
{
    protected $db, $settings = array(), $think_us;
    protected $checks_at_the_end = true;      // whether the last request looks at the stock once more

    public function __construct($db, $asked)
    {
        $this->db = $db;
        $this->think_us = isset($asked['think_us']) ? (int) $asked['think_us'] : 0;
        foreach ($this->read_settings() as $row) {
            $this->settings += array($row[0] => $row[1]);
        }
    }

    /** All settings, name and value. Where one stands twice, the first counts. */
    protected function read_settings()
    {
        return $this->rows('select configuration_key, configuration_value from configuration order by configuration_id');
    }

    // What people do

    public function sell($asked)
    {
        if ($this->checks_at_the_end && $this->on('STOCK_CHECK') && !$this->on('STOCK_ALLOW_CHECKOUT')) {
            foreach ($asked['lines'] as $line) {   // check, then act much later: part of the race
                if ($this->value("select products_quantity from products where products_id = $line[0]") < $line[1]) {
                    return array('order' => null, 'refused' => 'stock');
                }
            }
        }
        $order = $this->insert_order(1);
        $this->insert_history($order, 1);
        foreach ($asked['lines'] as $line) {
            $this->take($line);
            $this->insert_line($order, $line);
        }
        return array('order' => $order);
    }

    public function prepare($asked)
    {
        $order = $this->insert_order(4);
        foreach ($asked['lines'] as $line) {
            $this->insert_line($order, $line);
        }
        return array('order' => $order);
    }

    public function pay($asked)
    {
        $order = (int) $asked['order'];
        $this->run("update orders set orders_status = 1, last_modified = now() where orders_id = $order");
        $this->insert_history($order, 1);
        foreach ($this->lines($order) as $line) {
            $this->take($line);
        }
        return array('order' => $order);
    }

    public function abandon($asked)
    {
        return $this->remove(array('order' => $asked['order'], 'restock' => false));
    }

    public function remove($asked)
    {
        $order = (int) $asked['order'];
        if (!empty($asked['restock'])) {
            foreach ($this->lines($order) as $line) {
                $this->give_back($line);
            }
        }
        foreach (array('orders', 'orders_products', 'orders_products_attributes', 'orders_status_history', 'orders_total') as $table) {
            $this->run("delete from $table where orders_id = $order");
        }
        return array('order' => $order);
    }

    public function status($asked)
    {
        $order = (int) $asked['order'];
        $status = (int) $asked['status'];
        $this->run("update orders set orders_status = $status, last_modified = now() where orders_id = $order");
        $this->insert_history($order, $status);
        return array('order' => $order);
    }

    public function save($asked)
    {
        $sets = array();
        foreach (array('quantity', 'ordered', 'status', 'model') as $name) {
            if (isset($asked['fields'][$name])) {
                $sets[] = "products_$name = '" . $this->db->real_escape_string($asked['fields'][$name]) . "'";
            }
        }
        $sets[] = 'products_last_modified = now()';
        $this->run('update products set ' . implode(', ', $sets) . ' where products_id = ' . (int) $asked['product']);
        return array('product' => $asked['product']);
    }

    public function delete($asked)
    {
        $product = (int) $asked['product'];
        foreach (array('products_to_categories', 'products', 'products_description', 'products_attributes') as $table) {
            $this->run("delete from $table where products_id = $product");
        }
        return array('product' => $product);
    }

    // What the relatives do differently

    /** Takes a line's units from its product: read, subtract here, write the result back; then the counter, relatively. */
    protected function take($line)
    {
        $this->subtract($line[0], $line[1], $this->settings['STOCK_ALLOW_CHECKOUT'] === 'false' ? 1 : null);
        $this->count($line[0], $line[1]);
    }

    protected function give_back($line)
    {
        $this->run("update products set products_quantity = products_quantity + $line[1], products_ordered = products_ordered - $line[1]"
            . " where products_id = $line[0]");
    }

    /** Whether this product is sold as a file. */
    protected function is_download($product)
    {
        return $this->on('DOWNLOAD_ENABLED') && $this->value('select count(*) from products_attributes a join products_attributes_download d'
            . " on d.products_attributes_id = a.products_attributes_id where a.products_id = $product");
    }

    // What they have in common

    /** The careless pair of statements; switches the product off when fewer than $off_below are left, null: never. */
    protected function subtract($product, $n, $off_below)
    {
        if (!$this->on('STOCK_LIMITED')) {
            return;
        }
        $download = $this->is_download($product);
        $quantity = $this->value("select products_quantity from products where products_id = $product");
        if ($quantity === null) {
            return;
        }
        $left = $download ? $quantity : $quantity - $n;
        $this->think();
        if (!$download) {
            $this->run("update products set products_quantity = '$left' where products_id = $product");
        }
        if ($off_below !== null && $left < $off_below) {
            $this->run("update products set products_status = '0' where products_id = $product");
        }
    }

    protected function count($product, $n)
    {
        $this->run("update products set products_ordered = products_ordered + $n where products_id = $product");
    }

    protected function insert_order($status)
    {
        $this->run("insert into orders (customers_id, customers_name, date_purchased, orders_status) values (1, 'x', now(), $status)");
        $order = $this->db->insert_id;
        foreach (array('ot_subtotal', 'ot_shipping', 'ot_total') as $class) {
            $this->run("insert into orders_total (orders_id, title, class) values ($order, '$class', '$class')");
        }
        return $order;
    }

    protected function insert_history($order, $status)
    {
        $this->run("insert into orders_status_history (orders_id, orders_status_id, date_added) values ($order, $status, now())");
    }

    protected function insert_line($order, $line)
    {
        $this->run('insert into orders_products (orders_id, products_id, products_model, products_name, products_quantity)'
            . " select $order, $line[0], max(products_model), 'x', $line[1] from products where products_id = $line[0]");
        return $this->db->insert_id;
    }

    /** The lines of an order as they came: product and units. */
    protected function lines($order)
    {
        return $this->rows("select products_id, products_quantity from orders_products where orders_id = $order order by orders_products_id");
    }

    protected function on($switch)
    {
        return isset($this->settings[$switch]) && $this->settings[$switch] === 'true';
    }

    protected function think()
    {
        if ($this->think_us > 0) {
            usleep($this->think_us);
        }
    }

    protected function rows($sql)
    {
        return $this->run($sql)->fetch_all();
    }

    protected function value($sql)
    {
        $row = $this->run($sql)->fetch_row();
        return $row ? $row[0] : null;
    }

    /** Runs a statement with the shop's prefix before the name of each table. */
    protected function run($sql)
    {
        return $this->db->query(preg_replace('/\b(from|into|update|join) (?=[a-z])/', '$1 ' . PREFIX, $sql));
    }
}

mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$server = explode(':', DB_SERVER, 2);
$db = new mysqli($server[0], DB_SERVER_USERNAME, DB_SERVER_PASSWORD, DB_DATABASE, isset($server[1]) ? (int) $server[1] : 3306);
$db->set_charset('utf8');
$db->query("SET SESSION sql_mode = ''");      // as most of them do: what does not fit is cut silently
$asked = json_decode(file_get_contents('php://input'), true);
if (is_file('selling.php')) {
    require 'selling.php';
}
$class = class_exists('Selling') ? 'Selling' : 'Trade';
$trade = new $class($db, $asked);
header('Content-Type: application/json');
echo json_encode($trade->{$asked['action']}($asked));
