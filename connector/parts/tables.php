<?php
// ==== The shop's tables ===================================================================================

/** The places of things in the shop's database, and their types. */
class OnhandShop {
    public $prefix, $renamed, $state, $products, $descriptions, $attributes, $downloads, $lines, $orders, $history;
    protected $db, $languages;
    private $columns = array(), $engine;

    /** `$renamed`: tables, by their usual names, whose names are not prefix and usual name. */
    public function __construct($db, $prefix, $renamed) {
        $this->db = $db;
        $this->prefix = $prefix;
        foreach ($renamed as $usual => $name) {
            if ($name === $prefix . $usual) {
                unset($renamed[$usual]);
            }
        }
        $this->renamed = $renamed;
        $names = array('state' => 'onhand_state', 'products' => 'products', 'descriptions' => 'products_description',
            'attributes' => 'products_attributes', 'downloads' => 'products_attributes_download', 'lines' => 'orders_products',
            'orders' => 'orders', 'history' => 'orders_status_history', 'languages' => 'languages');
        foreach ($names as $member => $usual) {
            $this->$member = $this->table($usual);
        }
    }

    /** Returns a table, by its usual name, as it goes into a statement. */
    public function table($usual) {
        return '`' . (isset($this->renamed[$usual]) ? $this->renamed[$usual] : $this->prefix . $usual) . '`';
    }

    /**
     * Returns type, width, nullability and collation of every column of these tables (by their usual names), by table.column; and whether
     * the database writes the time of every change into it.
     */
    public function columns($tables = array('products')) {
        $names = array();
        foreach (array_diff($tables, array_keys($this->columns)) as $usual) {
            $this->columns[$usual] = array();
            $names[strtolower(trim($this->table($usual), '`'))] = $usual;
        }
        if ($names) {
            foreach ($this->db->rows("SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH,"
                . " COLLATION_NAME, NUMERIC_PRECISION, NUMERIC_SCALE, EXTRA FROM information_schema.COLUMNS"
                . " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('" . implode("','", array_keys($names)) . "')") as $row) {
                $usual = $names[strtolower($row[0])];
                $this->columns[$usual][$usual . '.' . strtolower($row[1])] = array('type' => strtolower($row[2]), 'shape' => $row[3],
                    'unsigned' => stripos($row[3], 'unsigned') !== false, 'null' => $row[4] === 'YES', 'length' => (int) $row[5],
                    'collation' => $row[6], 'digits' => $row[7] - $row[8], 'stamped' => stripos($row[9], 'on update') !== false);
            }
        }
        foreach (onhand_needed_columns() as $place) {
            if (in_array('products', $tables, true) && !isset($this->columns['products'][$place])) {
                throw new OnhandRefusal('tables', "The shop's database has no column " . substr($place, strlen('products.')) . ' in a table '
                    . trim($this->products, '`') . ': check the table prefix in onhand-key.php and the database in includes/configure.php.' . $this->prefixes());
            }
        }
        $found = array();
        foreach ($tables as $usual) {
            $found += $this->columns[$usual];
        }
        return $found;
    }

    /** Says, in a sentence, under which prefixes this database has the tables of a shop. */
    private function prefixes() {
        $found = array();
        foreach ($this->db->rows("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
            . " AND TABLE_NAME LIKE '%orders\\_products' ORDER BY TABLE_NAME LIMIT 5") as $row) {
            $found[] = "'" . substr(onhand_text($row[0]), 0, -strlen('orders_products')) . "'";
        }
        return $found ? ' A shop stands there under the prefix ' . implode(' and ', $found) . '.' : '';
    }

    public function engine() {
        if ($this->engine === null) {
            $row = $this->db->row("SELECT ENGINE FROM information_schema.TABLES"
                . " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '" . trim($this->products, '`') . "'");
            $this->engine = (string) $row[0];
        }
        return $this->engine;
    }

    public function transactional() {
        return strcasecmp($this->engine(), 'InnoDB') === 0;
    }

    /** Returns why this shop cannot be kept in sync at all, in a sentence that says what to do; '' if it can. */
    public function obstacle() {
        if (onhand_is_oscommerce4()) {
            return 'This copy of onhand.php lacks the part for osCommerce 4, which this shop needs: download onhand.php from'
                . ' the page of this cart in OnHand and replace this copy with it.';
        }
        $columns = $this->columns();
        foreach (onhand_own_parts() as $place => $title) {
            if (isset($columns[$place])) {
                return "This is the database of an $title, and its files are not here: copy onhand.php and onhand-key.php into"
                    . " the folder of that shop's index.php.";
            }
        }
        return '';
    }

    /** Returns where to read products, for a FROM: all, or those with these ids. */
    public function stock($ids = null) {
        return $this->products;
    }

    /** Returns how to read an order line: `units`; `there`, a condition: it counts; `paid`, whether it is, NULL: as the order's history says. */
    public function line($alias) {
        return array('units' => "CAST(ROUND($alias.products_quantity) AS SIGNED)", 'there' => 'TRUE', 'paid' => 'NULL');
    }

    /** Writes posts inside a transaction; returns the results. */
    public function post($posts) {
        return onhand_write_at_once($posts, $this, $this->db);
    }

    public function quantity($alias) {
        return $this->counter($alias, 'products_quantity');
    }

    public function ordered($alias) {
        return $this->counter($alias, 'products_ordered');
    }

    /** Returns h(id): the weight of a product in the checking sums. */
    public function weight($alias) {
        $columns = $this->columns();
        $id = $columns['products.products_id']['unsigned'] ? "CAST($alias.products_id AS SIGNED)" : "$alias.products_id";
        return '(' . $id . ' * ' . ONHAND_WEIGHT . ' % ' . ONHAND_WORD . ')';
    }

    /**
     * Returns how to read a counter: `plain`, as it is; `value`, as a whole number; `wide`, safe to multiply by a weight; `fraction`,
     * whether it has one; `sum`, what it would be after a post d; `min` and `max`, the range that the column holds exactly.
     */
    protected function counter($alias, $name, $table = 'products') {
        $columns = $this->columns(array($table));
        $column = $columns["$table.$name"];
        $plain = $column['null'] ? "IFNULL($alias.$name, 0)" : "$alias.$name";
        $bits = array('tinyint' => 8, 'smallint' => 16, 'mediumint' => 24, 'int' => 32, 'bigint' => 64);
        if (isset($bits[$column['type']])) {
            $value = $column['unsigned'] ? "CAST($plain AS SIGNED)" : $plain;
            $max = pow(2, min(53, $bits[$column['type']] - ($column['unsigned'] ? 0 : 1))) - 1;
            $min = $column['unsigned'] ? 0 : -$max - 1;
            $fraction = '0';
            $narrow = $column['type'] !== 'bigint' && !$column['unsigned'];
        } else {
            $value = "CAST(ROUND($plain) AS SIGNED)";
            // The shop reads six digits of a FLOAT; anything beyond would be rounded at its next sale.
            $exact = array('float' => 999999, 'double' => pow(2, 53), 'decimal' => pow(10, min($column['digits'], 15)) - 1);
            if (!isset($exact[$column['type']])) {
                throw new OnhandRefusal('tables', "The column $name is of type $column[type], which holds no quantities.");
            }
            $max = $exact[$column['type']];
            $min = $column['unsigned'] ? 0 : -$max;
            $fraction = "($plain <> ROUND($plain))";
            $narrow = false;
        }
        return array('plain' => $plain, 'value' => $value, 'wide' => $narrow ? $value : "CAST($value AS DECIMAL(30))", 'fraction' => $fraction,
            'sum' => "$value + d.delta", 'min' => sprintf('%.0f', $min), 'max' => sprintf('%.0f', $max));
    }

    /** Returns a condition: the product p is sold as a download, so that its counter moves without its quantity. */
    public function download() {
        $subtracting = onhand_downloads_subtracted();
        $on = array_keys($this->switches(array_merge(array('DOWNLOAD_ENABLED'), $subtracting)), 'true', true);
        if (!in_array('DOWNLOAD_ENABLED', $on, true) || array_intersect($subtracting, $on)) {
            return '0';                   // not sold as downloads, or subtracted like anything else
        }
        $sent = '';
        foreach (array_intersect_key(onhand_sent_as_well(), $this->columns()) as $when) {
            $sent .= " AND NOT ($when)";
        }
        return "(EXISTS (SELECT 1 FROM $this->attributes a JOIN $this->downloads f ON f.products_attributes_id = a.products_attributes_id"
            . " WHERE a.products_id = p.products_id AND f.products_attributes_filename <> '')$sent)";
    }

    /** Returns SQL for a number that changes when a product becomes or stops being a download, or has its quantity worked out from others. */
    public function apart() {
        $sums = array('0');
        foreach ($this->other_stock() as $place => $when) {
            $sums[] = '(SELECT IFNULL(SUM(CRC32(d.product)), 0) FROM (' . $this->named($place, $when) . ') d)';
        }
        if ($this->download() !== '0') {
            $sums[] = "(SELECT IFNULL(SUM(CRC32(a.products_id)), 0) FROM $this->attributes a JOIN $this->downloads f"
                . " ON f.products_attributes_id = a.products_attributes_id WHERE f.products_attributes_filename <> '')";
        }
        return implode(' + ', $sums);
    }

    /** Returns the columns of onhand_other_stock() that this shop has. */
    public function stock_elsewhere() {
        return array_keys($this->other_stock());
    }

    private function other_stock() {
        return array_intersect_key(onhand_other_stock(), $this->columns(onhand_telling_tables()));
    }

    /** Returns, by id, those of these products whose quantity the shop works out from others: variants, sub-products. */
    public function derived($ids) {
        $found = array();
        foreach ($this->other_stock() as $place => $when) {
            foreach ($this->db->rows($this->named($place, $when, $ids)) as $row) {
                $found[(int) $row[0]] = true;
            }
        }
        return $found;
    }

    /** Returns a SELECT of the products that a column of onhand_other_stock() names: all, or those of these ids. */
    private function named($place, $when, $ids = null) {
        list($table, $column) = explode('.', $place);
        $from = $this->table($table) . ' e';
        $where = $ids === null ? 'TRUE' : "e.$column IN (" . implode(',', $ids) . ')';
        if ($when !== '') {
            $from .= " JOIN $this->products p ON p.products_id = e.$column";
            $where .= ' AND (' . $this->with_settings($when) . ')';
        }
        return "SELECT DISTINCT e.$column AS product FROM $from WHERE $where";
    }

    /** Returns a condition with its settings in braces replaced: 1 for those that are on, 0 for the others. */
    private function with_settings($condition) {
        preg_match_all('/\{([A-Z_]+)\}/', $condition, $named);
        $switches = $this->switches($named[1]);
        foreach ($named[1] as $name) {
            $on = isset($switches[$name]) && $switches[$name] === 'true';
            $condition = str_replace('{' . $name . '}', $on ? '1' : '0', $condition);
        }
        return $condition;
    }

    /** Returns this shop's entry of onhand_settings_tables(), with the table's name as it goes into a statement. */
    private function settings() {
        $columns = $this->columns(onhand_telling_tables());
        foreach (onhand_settings_tables() as $known) {
            if (isset($columns["$known[table].$known[name]"])) {
                break;
            }
        }
        return array('table' => $this->table($known['table'])) + $known;
    }

    /** Returns the settings that decide how this shop sells. */
    public function selling() {
        return $this->switches(onhand_switches('usual'));
    }

    /** Returns those of the named settings that the shop has. If one appears twice, the shop uses the first. */
    public function switches($names) {
        $place = $this->settings();
        $wanted = array();
        foreach ($names as $name) {
            $wanted[strpos($name, '/') === false ? $place['before'] . $name : $name] = $name;
        }
        $found = array();
        foreach ($this->db->rows("SELECT `$place[name]`, `$place[value]` FROM $place[table] WHERE `$place[name]` IN ('"
            . implode("','", array_keys($wanted)) . "') ORDER BY $place[order]") as $row) {
            if (isset($wanted[$row[0]])) {    // the collation may also find a name in other letters, which the shop never uses
                $found += array($wanted[$row[0]] => onhand_text($row[1]));
            }
        }
        return $found;
    }

    /** Returns the order of a product's descriptions, the best first: one with a name, in the shop's default language. */
    public function best_name($alias) {
        $place = $this->settings();
        $row = $this->db->row("SELECT l.languages_id FROM $place[table] s JOIN $this->languages l ON l.code = s.`$place[value]`"
            . " WHERE s.`$place[name]` = '$place[before]DEFAULT_LANGUAGE' ORDER BY s.$place[order] LIMIT 1");
        return "$alias.products_name = '', $alias.language_id <> " . (int) $row[0] . ", $alias.language_id";
    }
}
