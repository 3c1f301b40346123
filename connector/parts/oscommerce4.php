<?php
// ==== osCommerce 4 ========================================================================================
// This section does not concern any other cart.

/** Returns the shop, if this is an osCommerce 4. A copy of onhand.php without this section has no such function. */
function onhand_shop4($db, $prefix) {
    return new OnhandShop4($db, $prefix, array());
}

/**
 * osCommerce 4 has no counter that only sales raise, and products_quantity is a cache there. These are reliable, per product:
 *   P, in the warehouse:                     warehouses_products.warehouse_stock_quantity
 *   O, taken by orders but not sent yet:     orders_products_allocate, received - dispatched
 *   F, ordered, but missing in the shop:     orders_products of the states below, ordered - cancelled - received
 *   H, sent to buyers, less returns:         stock_history, rows with an order, less those of baskets
 * Left to sell is P - O - F, ever ordered O + F + H; stock() returns them as products_quantity and products_ordered. Their sum is
 * P + H: an order changes neither, and a dispatch moves units from one to the other. So the conservation law holds here as well.
 *
 * A post changes P by a signed amount, updates the caches, and adds an entry to the stock journal, as all programs do there.
 * Rows whose products_id has a { belong to a variant; products with a stock for each variant are left out.
 */
class OnhandShop4 extends OnhandShop {
    private $places, $journal, $taken, $channels, $own_settings, $warehouses, $suppliers, $obstacle, $enabled;

    public function __construct($db, $prefix, $renamed) {
        parent::__construct($db, $prefix, $renamed);
        $names = array('places' => 'warehouses_products', 'journal' => 'stock_history', 'taken' => 'orders_products_allocate',
            'channels' => 'platforms', 'own_settings' => 'platforms_configuration', 'warehouses' => 'warehouses', 'suppliers' => 'suppliers');
        foreach ($names as $member => $usual) {
            $this->$member = $this->table($usual);
        }
    }

    public function obstacle() {
        if ($this->obstacle === null) {
            $this->obstacle = $this->find_obstacle();
        }
        return $this->obstacle;
    }

    private function find_obstacle() {
        $needed = array(
            'products' => 'warehouse_stock_quantity allocated_stock_quantity temporary_stock_quantity suppliers_stock_quantity products_file'
                . ' is_bundle manual_stock_unlimited products_id_stock stock_control',
            'warehouses_products' => 'warehouse_id suppliers_id location_id layers_id batch_id products_id prid products_model products_quantity'
                . ' warehouse_stock_quantity',
            'stock_history' => 'warehouse_id suppliers_id location_id layers_id batch_id products_id prid products_model products_quantity_before'
                . ' warehouse_quantity_before products_quantity_update_prefix products_quantity_update comments orders_id admin_id is_temporary'
                . ' date_added',
            'orders_products' => 'orders_products_status products_quantity qty_cnld qty_rcvd',
            'orders_products_allocate' => 'prid allocate_received allocate_dispatched',
            'platforms' => 'default_language is_default',
            'platforms_configuration' => 'platform_id configuration_key configuration_value',
        );
        $columns = $this->columns(array_keys($needed));
        foreach ($needed as $table => $names) {
            foreach (explode(' ', $names) as $name) {
                if (!isset($columns["$table.$name"])) {
                    throw new OnhandRefusal('tables', "This osCommerce 4 has no column $name in a table $table, where OnHand reads stock:"
                        . ' update it to a version of late 2022 or later, or check the prefix in onhand-key.php.');
                }
            }
        }
        $weak = array();
        $written = str_replace('`', "'", implode(',', array($this->products, $this->places, $this->journal, $this->lines, $this->taken)));
        foreach ($this->db->rows("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND ENGINE <> 'InnoDB'"
            . " AND TABLE_NAME IN ($written)") as $row) {
            $weak[] = onhand_text($row[0]);
        }
        if ($weak) {
            return 'The stock of this shop lies in tables without transactions: convert ' . implode(', ', $weak) . ' to InnoDB.';
        }
        foreach (array('ReportFreezeStock' => 'while it freezes the stock, the shop books in other tables',
            'SupplierPurchase' => 'it books stock in a way of its own') as $extension => $why) {
            if ($this->is_on($extension)) {
                return "The extension $extension is on in this shop, and $why: switch it off to have the shop kept in step.";
            }
        }
        return '';
    }

    /** Returns whether an extension exists and is switched on, as the shop itself decides: by a setting and by its file. */
    private function is_on($extension) {
        if ($this->enabled === null) {
            $this->enabled = array();
            $codes = array('ReportFreezeStock', 'SupplierPurchase', 'Inventory', 'StockControl', 'PurchaseOrders', 'Rma');
            foreach ($this->db->rows("SELECT configuration_key FROM $this->own_settings WHERE platform_id = 0 AND configuration_value = 'True'"
                . " AND configuration_key IN ('" . implode("_EXTENSION_STATUS','", $codes) . "_EXTENSION_STATUS')") as $row) {
                $this->enabled[$row[0]] = true;
            }
        }
        return isset($this->enabled[$extension . '_EXTENSION_STATUS'])
            && is_file(dirname(__FILE__) . "/lib/common/extensions/$extension/$extension.php");
    }

    /**
     * Each table is summed up separately, so that the joined part is no longer than the list of products; + 0 keeps the server from
     * walking along an index and back to the table for each row. products_last_modified is when a person or an import last changed the
     * stock: the shop's own column moves with every save of the form, and not when stock does. Our own entries do not count. It is
     * found only for named products.
     */
    public function stock($ids = null) {
        $in = implode(',', (array) $ids);
        $named = $ids === null ? '' : " AND products_id IN ($in)";
        $rows = $ids === null ? '' : " AND prid IN ($in)";
        $touched = $ids === null ? 'NULL' : "MAX(IF(orders_id = 0 AND IFNULL(comments, '') <> 'OnHand', date_added, NULL))";
        return '(SELECT s.products_id, s.products_model, s.products_status, s.products_file, c.touched AS products_last_modified,'
            . ' CAST(IFNULL(c.p - c.o - c.f, 0) AS SIGNED) AS products_quantity, CAST(IFNULL(c.o + c.f + c.h, 0) AS SIGNED) AS products_ordered'
            . " FROM $this->products s LEFT JOIN (SELECT product, SUM(p) AS p, SUM(o) AS o, SUM(f) AS f, SUM(h) AS h, MAX(touched) AS touched FROM ("
            . 'SELECT prid AS product, SUM(warehouse_stock_quantity) AS p, 0 AS o, 0 AS f, 0 AS h, NULL AS touched'
            . " FROM $this->places WHERE LOCATE('{', products_id) = 0$rows GROUP BY prid + 0"
            . ' UNION ALL SELECT prid, 0, SUM(CAST(allocate_received AS SIGNED) - allocate_dispatched), 0, 0, NULL'
            . " FROM $this->taken WHERE allocate_received <> allocate_dispatched$rows GROUP BY prid + 0"
            // In these states a line waits for goods: 10 missing, 12 and 15 ordered from a supplier.
            . ' UNION ALL SELECT products_id, 0, 0, SUM(GREATEST(CAST(products_quantity AS SIGNED) - qty_cnld - qty_rcvd, 0)), 0, NULL'
            . " FROM $this->lines WHERE orders_products_status IN (10, 12, 15)$named GROUP BY products_id + 0"
            . " UNION ALL SELECT prid, 0, 0, 0, SUM(IF(orders_id > 0, IF(products_quantity_update_prefix = '-', 1, -1)"
            . " * CAST(products_quantity_update AS SIGNED), 0)), $touched"
            . " FROM $this->journal WHERE is_temporary = 0" . ($ids === null ? ' AND orders_id > 0' : $rows) . " GROUP BY prid + 0"
            . ') pieces GROUP BY product) c ON c.product = s.products_id WHERE TRUE' . $named . ')';
    }

    /** Describes the columns of stock(): whole numbers, wider than any column. */
    protected function counter($alias, $name, $table = 'products') {
        return array('plain' => "$alias.$name", 'value' => "$alias.$name", 'wide' => "CAST($alias.$name AS DECIMAL(30))", 'fraction' => '0')
            + parent::counter($alias, $name, $table);
    }

    /** Describes order lines. A cancelled one (50) counts as gone, and names what came back; a mere request (1) has taken nothing yet. */
    public function line($alias) {
        return array('units' => "CAST($alias.products_quantity AS SIGNED) - $alias.qty_cnld", 'there' => "$alias.orders_products_status <> 50",
            'paid' => "$alias.orders_products_status <> 1");
    }

    /**
     * Writes posts. It locks the rows it will write before it reads from them, first products, then places, each in order of their ids:
     * the server calls a read lock that has to grow a deadlock, and would end the shop's checkout for it.
     * It never switches a product on again: the shop switches off only what it should not sell any more.
     */
    public function post($posts) {
        ksort($posts);
        $ids = implode(',', array_keys($posts));
        $there = $places = $results = $changes = $homeless = array();
        foreach ($this->db->rows("SELECT products_id FROM $this->products FORCE INDEX (PRIMARY) WHERE products_id IN ($ids)"
            . ' ORDER BY products_id FOR UPDATE') as $row) {
            $there[(int) $row[0]] = true;
        }
        foreach ($this->db->rows("SELECT prid, warehouse_stock_quantity FROM $this->places WHERE prid IN ($ids) AND LOCATE('{', products_id) = 0"
            . ' ORDER BY prid FOR UPDATE') as $row) {
            $places[(int) $row[0]][] = $row[1];
        }
        $limits = parent::counter('w', 'warehouse_stock_quantity', 'warehouses_products');
        foreach ($posts as $product => $post) {
            $delta = $post['delta'];
            $lies = isset($places[$product]) ? $places[$product] : array(0);
            if (!isset($there[$product])) {
                $results[] = array($product, 'missing');
            } elseif (count($lies) > 1 || $lies[0] + $delta < $limits['min'] || $lies[0] + $delta > $limits['max']) {
                $results[] = array($product, 'range');   // with several places, it is unknown which one is meant
            } elseif ($delta !== 0) {
                $changes[$product] = $delta;
                if (!isset($places[$product])) {
                    $homeless[] = $product;
                }
            }
        }
        foreach ($homeless ? array_diff($homeless, $this->give_places($homeless)) : array() as $product) {
            $results[] = array($product, 'range');       // or in which of several warehouses its first unit belongs
            unset($changes[$product]);
        }
        if ($changes) {
            $this->write($changes);
        }
        return $results;
    }

    /** Runs the statements that write: the journal with the old values, the place, relatively, and the product's caches. */
    private function write($changes) {
        $selects = array();
        foreach ($changes as $product => $delta) {
            $selects[] = $selects ? "SELECT $product,$delta" : "SELECT $product AS product, $delta AS delta";
        }
        $d = '(' . implode(' UNION ALL ', $selects) . ') d STRAIGHT_JOIN ';
        $w = "$this->places w ON w.prid = d.product AND LOCATE('{', w.products_id) = 0";
        $p = "$this->products p ON p.products_id = d.product";
        $this->db->run("INSERT INTO $this->journal (warehouse_id, suppliers_id, location_id, layers_id, batch_id, products_id, prid,"
            . ' products_model, products_quantity_before, warehouse_quantity_before, products_quantity_update_prefix, products_quantity_update,'
            . ' comments, orders_id, admin_id, is_temporary, date_added)'
            . ' SELECT w.warehouse_id, w.suppliers_id, w.location_id, w.layers_id, w.batch_id, w.products_id, w.prid,'
            . " IFNULL(p.products_model, ''), w.products_quantity, w.warehouse_stock_quantity, IF(d.delta > 0, '+', '-'), ABS(d.delta), 'OnHand', 0, 0, 0, NOW()"
            . " FROM $d$w STRAIGHT_JOIN $p");
        $this->db->run("UPDATE $d$w SET w.products_quantity = w.products_quantity + d.delta,"
            . ' w.warehouse_stock_quantity = w.warehouse_stock_quantity + d.delta');
        // From the row that we locked: this also repairs a cache that a race of the shop itself left wrong.
        $this->db->run("UPDATE $d$p STRAIGHT_JOIN $w SET p.warehouse_stock_quantity = w.warehouse_stock_quantity,"
            . ' p.products_quantity = w.warehouse_stock_quantity - p.allocated_stock_quantity - p.temporary_stock_quantity');
    }

    /** Makes a place for products that have none yet, as the shop would; returns those that have one now. */
    private function give_places($products) {
        $warehouse = $this->usual_warehouse();
        $selects = $placed = array();
        foreach ($warehouse['is_only'] ? $this->db->rows('SELECT p.products_id, ' . $this->supplier() . " FROM $this->products p WHERE p.products_id IN ("
            . implode(',', $products) . ')') : array() as $row) {
            if ($row[1] !== null) {
                $placed[] = (int) $row[0];
                $selects[] = $selects ? 'SELECT ' . (int) $row[0] . ',' . (int) $row[1]
                    : 'SELECT ' . (int) $row[0] . ' AS product, ' . (int) $row[1] . ' AS supplier';
            }
        }
        if ($placed) {
            $this->db->run("INSERT IGNORE INTO $this->places (warehouse_id, suppliers_id, location_id, layers_id, batch_id, products_id, prid,"
                . " products_model) SELECT $warehouse[id], d.supplier, 0, 0, 0, p.products_id, p.products_id, IFNULL(p.products_model, '')"
                . ' FROM (' . implode(' UNION ALL ', $selects) . ") d STRAIGHT_JOIN $this->products p ON p.products_id = d.product");
        }
        return $placed;
    }

    /** Returns the open warehouse: its `id`, 0 if there is none; `is_only`: there is no other open one, and no second supplier. */
    private function usual_warehouse() {
        $row = $this->db->row("SELECT MIN(warehouse_id), COUNT(*), (SELECT COUNT(*) FROM $this->suppliers WHERE status = 1)"
            . " FROM $this->warehouses WHERE status = 1");
        return array('id' => (int) $row[0], 'is_only' => (int) $row[1] === 1 && (int) $row[2] <= 1);
    }

    /** Returns the open supplier of a product p, else the shop's default one. */
    private function supplier() {
        return 'IFNULL((SELECT MIN(x.suppliers_id) ' . $this->open_suppliers() . "), (SELECT MIN(suppliers_id) FROM $this->suppliers"
            . ' WHERE is_default = 1))';
    }

    private function open_suppliers() {
        return 'FROM ' . $this->table('suppliers_products') . " x JOIN $this->suppliers y ON y.suppliers_id = x.suppliers_id AND y.status = 1"
            . " WHERE x.products_id = p.products_id AND LOCATE('{', x.uprid) = 0 AND x.status = 1";
    }

    /**
     * Returns products whose quantity is not one number in one place that the shop counts. It does not count a place whose warehouse is
     * open to none of the product's channels, or whose supplier is closed.
     */
    public function derived($ids) {
        $warehouse = $this->usual_warehouse();
        $open = $this->open_suppliers();
        $not_counted = 'NOT EXISTS (SELECT 1 FROM ' . $this->table('platforms_products') . " c"
            . " JOIN $this->channels f ON f.platform_id = c.platform_id AND f.status = 1"
            . " JOIN $this->warehouses h ON h.warehouse_id = IFNULL(w.warehouse_id, $warehouse[id])"
            . ' LEFT JOIN ' . $this->table('warehouses_to_platforms') . ' t ON t.warehouse_id = h.warehouse_id AND t.platform_id = f.platform_id'
            . ' WHERE c.products_id = p.products_id AND IFNULL(t.status, h.status) = 1)';
        $conditions = array(
            'p.is_bundle > 0', 'p.manual_stock_unlimited > 0', $not_counted,
            "(SELECT COUNT(*) FROM $this->places n WHERE n.prid = p.products_id AND LOCATE('{', n.products_id) = 0) > 1",
            "w.prid IS NOT NULL AND NOT EXISTS (SELECT 1 $open AND x.suppliers_id = w.suppliers_id)"
                . " AND (EXISTS (SELECT 1 $open) OR NOT w.suppliers_id <=> " . $this->supplier() . ')',
            $warehouse['is_only'] ? 'w.prid IS NULL AND ' . $this->supplier() . ' IS NULL' : 'w.prid IS NULL',
        );
        $switches = $this->switches(array('LISTING_SUB_PRODUCT'));
        if (isset($switches['LISTING_SUB_PRODUCT']) && strcasecmp($switches['LISTING_SUB_PRODUCT'], 'true') === 0) {
            $conditions[] = 'p.products_id_stock NOT IN (0, p.products_id)';
        }
        if ($this->is_on('StockControl')) {
            $conditions[] = 'p.stock_control > 0';       // split up by channel or by warehouse
        }
        if ($this->is_on('Inventory')) {
            $conditions[] = 'EXISTS (SELECT 1 FROM ' . $this->table('inventory') . " i JOIN $this->attributes b ON b.products_id = i.prid"
                . ' WHERE i.prid = p.products_id)';
        }
        $found = array();
        foreach ($this->db->rows("SELECT DISTINCT p.products_id FROM $this->products p LEFT JOIN $this->places w ON w.prid = p.products_id"
            . " AND LOCATE('{', w.products_id) = 0 WHERE p.products_id IN (" . implode(',', $ids) . ')'
            . ' AND ((' . implode(') OR (', $conditions) . '))') as $row) {
            $found[(int) $row[0]] = true;
        }
        return $found;
    }

    /** Returns a condition: the product p is a file. Files are counted like anything else there, but they need no count. */
    public function download() {
        $switches = $this->switches(array('DOWNLOAD_ENABLED'));
        return isset($switches['DOWNLOAD_ENABLED']) && $switches['DOWNLOAD_ENABLED'] === 'true' ? "(IFNULL(p.products_file, '') <> '')" : '0';
    }

    public function stock_elsewhere() {
        $sold_for_them = $this->db->row("SELECT 1 FROM $this->products WHERE suppliers_stock_quantity > 0 LIMIT 1");
        return $sold_for_them ? array('products.suppliers_stock_quantity') : array();
    }

    public function selling() {
        $found = $this->switches(onhand_switches('oscommerce4'));
        foreach (array('PurchaseOrders', 'Rma') as $extension) {
            if ($this->is_on($extension)) {
                $found[$extension . '_EXTENSION_STATUS'] = 'True';
            }
        }
        return $found;
    }

    /** Returns settings. The default channel's override those of the whole shop. */
    public function switches($names) {
        $found = array();
        foreach ($this->db->rows("SELECT x.configuration_key, x.configuration_value FROM $this->own_settings x JOIN $this->channels f"
            . " ON f.platform_id = x.platform_id WHERE f.is_default = 1 AND x.configuration_key IN ('"
            . implode("','", $names) . "')") as $row) {
            $found += array($row[0] => onhand_text($row[1]));
        }
        return $found + parent::switches($names);
    }

    /** Returns a name. Names are kept by language and by channel there. */
    public function best_name($alias) {
        $row = $this->db->row("SELECT f.platform_id, l.languages_id FROM $this->channels f JOIN $this->languages l"
            . ' ON l.code = f.default_language WHERE f.is_default = 1 LIMIT 1');
        if (!$row) {
            return parent::best_name($alias) . ", $alias.platform_id";
        }
        return "$alias.products_name = '', $alias.language_id <> " . (int) $row[1] . ", $alias.platform_id <> " . (int) $row[0]
            . ", $alias.language_id, $alias.platform_id";
    }
}
