<?php
/*
 * osCommerce 4 as its own classes were seen to sell: the order, its lines as asked for (1), and only then, line by line, what is free is
 * taken for each. No transaction anywhere. Besides the usual actions:
 *
 *   dispatch  order, force        goods leave; force: also those that are not there
 *   cancel    order, restock      an admin cancels an order
 *   reopen    order               and takes that back
 *   pend      order               its status goes back to one that takes nothing
 *   receive   product, n, give    an admin books goods in; give: what is owed gets its share
 *   adjust    product, n          the same for a signed number, without sharing out
 *   reserve   product, n          somebody puts units into a basket
 *   cache     product             the shop works its cached figures out anew
 */
class Selling extends Trade
{
    protected $checks_at_the_end = false;

    public function sell($asked)
    {
        foreach ($asked['lines'] as $line) {
            if (!$this->on('PURCHASE_OFF_STOCK') && $this->free($line[0]) < $line[1]) {
                return array('order' => null, 'refused' => 'stock');
            }
        }
        return $this->order($asked['lines'], 1);
    }

    public function prepare($asked)
    {
        return $this->order($asked['lines'], 4);
    }

    public function pay($asked)
    {
        return $this->status(array('order' => $asked['order'], 'status' => 1));
    }

    public function status($asked)
    {
        parent::status($asked);
        foreach ($this->of($asked['order']) as $line) {
            $this->allocate($line);
        }
        return array('order' => $asked['order']);
    }

    public function remove($asked)
    {
        $order = (int) $asked['order'];
        if (!empty($asked['restock'])) {
            foreach ($this->lines($order) as $line) {
                $this->run("update products set products_ordered = products_ordered - $line[1] where products_id = $line[0]");
            }
        }
        foreach (array('orders', 'orders_products', 'orders_status_history', 'orders_total', 'orders_products_allocate') as $table) {
            $this->run("delete from $table where orders_id = $order");
        }
        return array('order' => $order);          // the caches stay as they are until something else moves the product
    }

    public function save($asked)
    {
        $fields = $asked['fields'];
        $product = (int) $asked['product'];
        if (isset($fields['quantity'])) {
            $this->adjust(array('product' => $product, 'n' => $fields['quantity'] - $this->left($product)));
            unset($fields['quantity']);
        }
        return parent::save(array('product' => $product, 'fields' => $fields));
    }

    public function delete($asked)
    {
        $product = (int) $asked['product'];
        $this->run("delete from warehouses_products where prid = $product");
        foreach (array('products', 'products_description', 'products_attributes', 'platforms_products', 'suppliers_products') as $table) {
            $this->run("delete from $table where products_id = $product");
        }
        return array('product' => $product);
    }

    public function dispatch($asked)
    {
        foreach ($this->of($asked['order']) as $line) {
            list($id, $product, $ordered) = $line;
            $open = $ordered - $line[3] - $this->value("select ifnull(sum(allocate_dispatched), 0) from orders_products_allocate where orders_products_id = $id");
            foreach ($this->rows('select warehouse_id, suppliers_id, allocate_received - allocate_dispatched from orders_products_allocate'
                . " where orders_products_id = $id and allocate_received > allocate_dispatched") as $taken) {
                $n = min($open, $taken[2]);
                $this->book($product, -$n, $asked['order'], $taken[0], $taken[1]);
                $this->run("update orders_products_allocate set allocate_dispatched = allocate_dispatched + $n where orders_products_id = $id"
                    . " and warehouse_id = $taken[0] and suppliers_id = $taken[1]");
                $open -= $n;
            }
            if (!empty($asked['force']) && $open > 0) {   // neither the shelf nor the journal hears of these
                $this->run('insert into orders_products_allocate (orders_products_id, warehouse_id, suppliers_id, orders_id, prid, products_id,'
                    . " allocate_received, allocate_dispatched) values ($id, 1, 1, $asked[order], $product, '$product', $open, $open)"
                    . " on duplicate key update allocate_received = allocate_received + $open, allocate_dispatched = allocate_dispatched + $open");
            }
            $this->evaluate($id);
            $this->keep($product);
        }
        return array('order' => $asked['order']);
    }

    public function cancel($asked)
    {
        parent::status(array('order' => $asked['order'], 'status' => 5));
        foreach ($this->of($asked['order']) as $line) {
            $this->give_up($line, !empty($asked['restock']));
        }
        return array('order' => $asked['order']);
    }

    public function pend($asked)
    {
        $order = (int) $asked['order'];
        parent::status(array('order' => $order, 'status' => 4));
        $this->run("update orders set orders_allocate_allow = 0 where orders_id = $order");
        foreach ($this->of($order) as $line) {
            $this->give_up($line, true);          // for a moment they look cancelled, then short, then asked for
            $this->run("update orders_products set qty_cnld = 0, orders_products_status = 10 where orders_products_id = $line[0]");
            $this->think();
            $this->run("update orders_products set qty_rcvd = 0, orders_products_status = 1 where orders_products_id = $line[0]");
        }
        return array('order' => $order);
    }

    public function reopen($asked)
    {
        $this->run('update orders_products set qty_cnld = 0, orders_products_status = 10 where orders_id = ' . (int) $asked['order']);
        return $this->status(array('order' => $asked['order'], 'status' => 1));
    }

    public function receive($asked)
    {
        $this->adjust($asked);
        if (!empty($asked['give'])) {
            foreach ($this->rows('select orders_products_id, products_id, products_quantity, qty_cnld, orders_id from orders_products'
                . ' where orders_products_status = 10 and products_id = ' . (int) $asked['product'] . ' order by orders_products_id') as $line) {
                $this->allocate($line);
            }
        }
        return array('product' => $asked['product']);
    }

    public function adjust($asked)
    {
        if ($asked['n']) {
            $this->book((int) $asked['product'], $asked['n'], 0, 1, 1);
            $this->keep((int) $asked['product']);
        }
        return array('product' => $asked['product']);
    }

    public function reserve($asked)
    {
        $product = (int) $asked['product'];
        $this->run('insert into temporary_stock (warehouse_id, suppliers_id, session_id, prid, products_id, normalize_id, temporary_stock_quantity)'
            . " values (1, 1, 'somebody', $product, '$product', '$product', $asked[n])");
        $this->keep($product);
        $this->journal($product, -$asked['n'], 0, 1, 1, 1);
        return array('product' => $product);
    }

    public function cache($asked)
    {
        $this->keep((int) $asked['product']);
        return array('product' => $asked['product']);
    }

    // How it counts

    private function order($lines, $status)
    {
        $order = $this->insert_order($status);
        $this->insert_history($order, $status);
        foreach ($lines as $line) {
            if ($this->on('TEMPORARY_STOCK_ENABLE') && $this->value("select count(*) from temporary_stock where prid = $line[0]")) {
                $this->run("delete from temporary_stock where prid = $line[0]");   // the buyer's basket; there is one buyer here
                $this->keep($line[0]);
                $this->journal($line[0], $line[1], $order, 1, 1, 1);
            }
            $this->run("update orders set stock_updated = 1 where orders_id = $order");
            $this->count($line[0], $line[1]);
            $line = $this->insert_line($order, $line);
            $this->run("update orders_products set orders_products_status = 1, uprid = products_id, template_uprid = products_id where orders_products_id = $line");
        }
        foreach ($this->of($order) as $line) {
            $this->allocate($line);
        }
        return array('order' => $order);
    }

    /** The lines of an order: id, product, units, cancelled, order. */
    private function of($order)
    {
        return $this->rows('select orders_products_id, products_id, products_quantity, qty_cnld, orders_id from orders_products where orders_id = '
            . (int) $order . ' order by orders_products_id');
    }

    /** Takes for a line what is free of what it still lacks, if its order may take anything. */
    private function allocate($line)
    {
        list($id, $product, $ordered, $cancelled, $order) = $line;
        if (!$this->value('select o.orders_allocate_allow or ifnull(s.orders_status_allocate_allow, 0) from orders o left join orders_status s'
            . " on s.orders_status_id = o.orders_status where o.orders_id = $order")) {
            return;
        }
        $this->run("update orders set orders_allocate_allow = 1 where orders_id = $order");
        $has = $this->value("select ifnull(sum(allocate_received), 0) from orders_products_allocate where orders_products_id = $id");
        $lacks = $ordered - $cancelled - $has;
        $takes = $this->on('STOCK_LIMITED') ? max(0, min($lacks, $this->free($product))) : $lacks;
        $this->think();
        if ($takes > 0) {
            $this->run('insert into orders_products_allocate (orders_products_id, warehouse_id, suppliers_id, orders_id, prid, products_id, allocate_received)'
                . " values ($id, 1, 1, $order, $product, '$product', $takes) on duplicate key update allocate_received = allocate_received + $takes");
        }
        $this->run("update orders_products set qty_rcvd = $has + $takes where orders_products_id = $id");
        $this->evaluate($id);
        $this->keep($product);
    }

    private function give_up($line, $restock)
    {
        list($id, $product, $ordered) = $line;
        $gone = 0;
        foreach ($this->rows("select warehouse_id, suppliers_id, allocate_dispatched from orders_products_allocate where orders_products_id = $id") as $taken) {
            if ($restock && $taken[2] > 0) {
                $this->book($product, (int) $taken[2], $line[4], $taken[0], $taken[1]);
            }
            $gone += $restock ? 0 : $taken[2];
        }
        $this->run($restock ? "delete from orders_products_allocate where orders_products_id = $id"
            : "update orders_products_allocate set allocate_received = allocate_dispatched where orders_products_id = $id");
        $this->run("update orders_products set qty_cnld = $ordered - $gone where orders_products_id = $id");
        $this->evaluate($id);
        $this->keep($product);
    }

    /** A line's state, from what was taken and what went. */
    private function evaluate($id)
    {
        list($ordered, $cancelled, $received, $dispatched) = array_map('intval', $this->rows('select l.products_quantity, l.qty_cnld,'
            . ' ifnull(sum(a.allocate_received), 0), ifnull(sum(a.allocate_dispatched), 0) from orders_products l'
            . " left join orders_products_allocate a on a.orders_products_id = l.orders_products_id where l.orders_products_id = $id")[0]);
        $real = $ordered - $cancelled;
        $state = $real <= 0 ? 50 : ($dispatched >= $real ? 30 : ($received >= $real ? 20 : 10));
        if ($state === 50) {
            $this->run("delete from orders_products_allocate where orders_products_id = $id");
            $received = $dispatched = 0;
        }
        $this->run("update orders_products set qty_rcvd = $received, qty_dspd = $dispatched, orders_products_status = $state where orders_products_id = $id");
    }

    /** Units come to or leave a place, which never falls below nothing: read, reckon here, write the result back; then the cache, then the journal. */
    private function book($product, $n, $order, $warehouse, $supplier)
    {
        $where = "warehouse_id = $warehouse and suppliers_id = $supplier and products_id = '$product'";
        $lies = (int) $this->value("select warehouse_stock_quantity from warehouses_products where $where");
        $n = max($n, -$lies);
        $this->think();
        $this->run('insert into warehouses_products (warehouse_id, suppliers_id, products_id, prid, warehouse_stock_quantity)'
            . " values ($warehouse, $supplier, '$product', $product, $lies + $n) on duplicate key update warehouse_stock_quantity = $lies + $n");
        $this->run("update products set products_quantity = products_quantity + $n where products_id = $product");
        $this->journal($product, $n, $order, $warehouse, $supplier, 0);
    }

    private function journal($product, $n, $order, $warehouse, $supplier, $basket)
    {
        $this->run('insert into stock_history (warehouse_id, suppliers_id, products_id, prid, products_quantity_update_prefix, products_quantity_update,'
            . " orders_id, is_temporary, admin_id, comments, date_added) values ($warehouse, $supplier, '$product', $product, '" . ($n < 0 ? '-' : '+')
            . "', " . abs($n) . ", $order, $basket, 7, 'by hand', now())");
    }

    /** The caches of a product, from what is there now, as literals. A product that is not to be sold any more goes off when it is out. */
    private function keep($product)
    {
        $baskets = $this->on('TEMPORARY_STOCK_ENABLE') ? "ifnull((select sum(b.temporary_stock_quantity) from temporary_stock b where b.prid = $product), 0)" : '0';
        foreach ($this->rows("select w.warehouse_id, w.suppliers_id, w.warehouse_stock_quantity, ifnull((select sum(a.allocate_received - a.allocate_dispatched)"
            . " from orders_products_allocate a where a.prid = $product), 0), $baskets from warehouses_products w where w.prid = $product") as $place) {
            list($warehouse, $supplier, $lies, $taken, $reserved) = $place;
            $left = $lies - $taken - $reserved;
            $this->run("update warehouses_products set products_quantity = $left, allocated_stock_quantity = $taken, temporary_stock_quantity = $reserved"
                . " where prid = $product and warehouse_id = $warehouse and suppliers_id = $supplier");
            $this->run("update products set products_quantity = $left, warehouse_stock_quantity = $lies, allocated_stock_quantity = $taken,"
                . " temporary_stock_quantity = $reserved where products_id = $product");
        }
        $this->run('update products p join products_stock_indication i on i.stock_indication_id = p.stock_indication_id set p.products_status = 0'
            . " where p.products_id = $product and i.disable_product_on_oos = 1 and p.products_quantity <= 0");
    }

    /** What nobody has taken yet. */
    private function free($product)
    {
        return (int) $this->value("select ifnull((select sum(w.warehouse_stock_quantity) from warehouses_products w where w.prid = $product), 0)"
            . " - ifnull((select sum(a.allocate_received - a.allocate_dispatched) from orders_products_allocate a where a.prid = $product), 0)");
    }

    /** The same, less what is owed. */
    private function left($product)
    {
        return $this->free($product) - (int) $this->value('select ifnull(sum(products_quantity - qty_cnld - qty_rcvd), 0) from orders_products'
            . " where orders_products_status in (10, 12, 15) and products_id = $product");
    }
}
