<?php
/*
 * commerce:SEO v2next as read in its source: the history first; per line the quantity (a literal), what sold out switched off or marked
 * as not for sale, the counter, the line, then each option value's own stock, relatively and whatever the settings say. The last request
 * does not look at the stock again.
 *
 * A line is [product, n, option]: the id of products_attributes, where there is one.
 */
class Selling extends Trade
{
    protected $checks_at_the_end = false;

    protected function take($line)
    {
        $off = !$this->on('STOCK_ALLOW_CHECKOUT') && $this->on('STOCK_ALLOW_CHECKOUT_DEACTIVATE');
        $this->subtract($line[0], $line[1], $off ? 1 : null);
        if ($this->on('STOCK_LIMITED') && $this->on('STOCK_DISABLE_PRODUCT')) {
            $this->run("update products set products_buyable = '0' where products_id = $line[0] and products_quantity < 1");
        }
        $this->count($line[0], $line[1]);
    }

    protected function insert_line($order, $line)
    {
        $id = parent::insert_line($order, $line);
        if (!empty($line[2])) {
            $this->run("update products_attributes set attributes_stock = attributes_stock - $line[1] where products_attributes_id = $line[2]");
            $this->run('insert into orders_products_attributes (orders_id, orders_products_id, products_attributes_id)'
                . " values ($order, $id, $line[2])");
        }
        return $id;
    }

    protected function give_back($line)
    {
        parent::give_back($line);
        if (!empty($line[2])) {
            $this->run("update products_attributes set attributes_stock = attributes_stock + $line[1] where products_attributes_id = $line[2]");
        }
    }

    /** Product, units, option. */
    protected function lines($order)
    {
        return $this->rows('select l.products_id, l.products_quantity, o.products_attributes_id from orders_products l'
            . ' left join orders_products_attributes o on o.orders_products_id = l.orders_products_id'
            . " where l.orders_id = $order order by l.orders_products_id");
    }
}
