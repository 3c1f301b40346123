<?php
/*
 * Gambio GX 4.8 as read in its source. The order is written first, with its lines (each without its product, which an UPDATE
 * adds) and history; then, for each line, ONE relative statement
 * takes the units, counts them and switches off what sold out. After it the combination of properties (a literal), then the option's own
 * stock (relative). An order whose payment happens elsewhere is written and taken in the same way, before the buyer leaves for it.
 *
 * A line is [product, n, combination, option]: ids of products_properties_combis and products_attributes, where there are such.
 * prepare and pay are the two halves of one checkout: what is there when somebody looks, or it breaks off, between them.
 *
 *   cancel   order                                           an admin cancels an order, with restock: it stays, with all its lines
 */
class Selling extends Trade
{
    const BY_SETTINGS = 0, OF_PRODUCT = 1, OF_COMBINATIONS = 2;   // whose stock counts; 3 is nobody's

    protected function read_settings()
    {
        return $this->rows("select substring(`key`, 15), value from gx_configurations where `key` like 'configuration/%' order by id");
    }

    public function sell($asked)
    {
        if ($this->on('STOCK_CHECK') && !$this->on('STOCK_ALLOW_CHECKOUT')) {
            foreach ($asked['lines'] as $line) {
                $there = $this->of_combinations($line) ? $this->value('select combi_quantity from products_properties_combis'
                    . " where products_properties_combis_id = $line[2]") : $this->value("select products_quantity from products where products_id = $line[0]");
                if ($there < $line[1]) {
                    return array('order' => null, 'refused' => 'stock');
                }
            }
        }
        $order = $this->insert_order(1);
        foreach ($asked['lines'] as $line) {
            $this->insert_line($order, $line);
        }
        $this->insert_history($order, 1);
        foreach ($asked['lines'] as $line) {
            $this->take($line);
        }
        return array('order' => $order);
    }

    public function cancel($asked)
    {
        $this->status(array('order' => $asked['order'], 'status' => 99));
        foreach ($this->lines((int) $asked['order']) as $line) {
            $this->give_back($line);
        }
        return $asked;
    }

    public function remove($asked)
    {
        $lines = $this->lines((int) $asked['order']);
        $removed = parent::remove($asked);
        foreach ($lines as $line) {
            $this->run("delete from orders_products_properties where orders_products_id = $line[4]");
        }
        return $removed;
    }

    protected function take($line)
    {
        $sets = array();
        if ($this->on('STOCK_LIMITED')) {
            $left = $this->value("select products_quantity from products where products_id = $line[0]");
            // What goes by the settings takes from the product in any case, whatever they say.
            if (empty($line[2]) || $this->kind($line[0]) === self::BY_SETTINGS || $this->of_product($line, null)) {
                $left -= $line[1];
                $sets[] = "products_quantity = products_quantity - $line[1]";
            }
            $this->think();
            if ($left <= 0 && !$this->on('STOCK_ALLOW_CHECKOUT') && $this->on('GM_SET_OUT_OF_STOCK_PRODUCTS') && $this->is_last($line)) {
                $sets[] = "products_status = '0'";
            }
        }
        $sets[] = "products_ordered = products_ordered + $line[1]";
        $this->run('update products set ' . implode(', ', $sets) . " where products_id = $line[0]");
        if ($this->on('STOCK_LIMITED') && $this->of_combinations($line)) {
            $left = $this->value("select combi_quantity from products_properties_combis where products_properties_combis_id = $line[2]") - $line[1];
            $this->run("update products_properties_combis set combi_quantity = '$left' where products_properties_combis_id = $line[2]");
        }
        if ($this->on('STOCK_LIMITED') && !empty($line[3])) {
            $this->run("update products_attributes set attributes_stock = attributes_stock - $line[1] where products_attributes_id = $line[3]");
        }
    }

    /** Two statements, and for the product's quantity another rule than at the sale. */
    protected function give_back($line)
    {
        if ($this->of_product($line, $line[3])) {
            $this->run("update products set products_quantity = products_quantity + $line[1] where products_id = $line[0]");
        }
        $this->run("update products set products_ordered = products_ordered - $line[1] where products_id = $line[0]");
        if ($this->of_combinations($line)) {
            $this->run("update products_properties_combis set combi_quantity = combi_quantity + $line[1] where products_properties_combis_id = $line[2]");
        }
        if ($this->on('ATTRIBUTE_STOCK_CHECK')) {
            $this->run("update products_attributes a join orders_products_attributes o on o.options_id = a.options_id"
                . " and o.options_values_id = a.options_values_id set a.attributes_stock = a.attributes_stock + $line[1]"
                . " where o.orders_products_id = $line[4] and a.products_id = $line[0]");
        }
    }

    /** Two statements: the line is there without a product at first. */
    protected function insert_line($order, $line)
    {
        $this->run('insert into orders_products (orders_id, products_model, products_name, products_quantity)'
            . " select $order, max(products_model), 'x', $line[1] from products where products_id = $line[0]");
        $id = $this->db->insert_id;
        $this->think();
        $this->run("update orders_products set products_id = $line[0] where orders_products_id = $id");
        if (!empty($line[2])) {
            foreach (array('Colour', 'Size') as $property) {
                $this->run("insert into orders_products_properties (orders_products_id, products_properties_combis_id, properties_name)"
                    . " values ($id, $line[2], '$property')");
            }
        }
        if (!empty($line[3])) {
            $this->run('insert into orders_products_attributes (orders_id, orders_products_id, options_id, options_values_id)'
                . " select $order, $id, options_id, options_values_id from products_attributes where products_attributes_id = $line[3]");
        }
        return $id;
    }

    /** Product, units, combination, name of a file that the buyer chose, line. */
    protected function lines($order)
    {
        return $this->rows('select distinct l.products_id, l.products_quantity, c.products_properties_combis_id, f.products_attributes_filename,'
            . ' l.orders_products_id from orders_products l left join orders_products_properties c on c.orders_products_id = l.orders_products_id'
            . ' left join orders_products_attributes o on o.orders_products_id = l.orders_products_id left join products_attributes a'
            . ' on a.products_id = l.products_id and a.options_id = o.options_id and a.options_values_id = o.options_values_id'
            . ' left join products_attributes_download f on f.products_attributes_id = a.products_attributes_id'
            . " where l.orders_id = $order order by l.orders_products_id");
    }

    private function kind($product)
    {
        return (int) $this->value("select use_properties_combis_quantity from products where products_id = $product");
    }

    /** Whether a line is told to be counted by its product. */
    private function of_product($line, $file)
    {
        if (!empty($file)) {
            return $this->on('DOWNLOAD_STOCK_CHECK');
        }
        $kind = $this->kind($line[0]);
        if (empty($line[2])) {
            return $this->on('STOCK_CHECK') && $kind !== 3;
        }
        return $this->on('STOCK_CHECK') && ($kind === self::OF_PRODUCT || ($kind === self::BY_SETTINGS && !$this->on('ATTRIBUTE_STOCK_CHECK')));
    }

    private function of_combinations($line)
    {
        $kind = $this->kind($line[0]);
        return !empty($line[2]) && ($kind === self::OF_COMBINATIONS
            || ($kind === self::BY_SETTINGS && $this->on('STOCK_CHECK') && $this->on('ATTRIBUTE_STOCK_CHECK')));
    }

    /** Whether nothing of the product can be bought after this line. */
    private function is_last($line)
    {
        if (!$this->of_combinations($line)) {
            return empty($line[2]) || $this->kind($line[0]) === self::OF_PRODUCT;
        }
        return !$this->value("select count(*) from products_properties_combis where products_id = $line[0]"
            . " and products_properties_combis_id <> $line[2] and combi_quantity > 0");
    }
}
