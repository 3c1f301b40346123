<?php
/*
 * modified eCommerce as measured: the history first; per line the quantity (a literal), the counter, the line, then each option value's
 * own stock, relatively. What sold out is switched off at the end of the checkout, if the shop wants that.
 */
class Selling extends Trade
{
    private $sold_out = array();

    public function sell($asked)
    {
        $sold = parent::sell($asked);
        foreach ($this->sold_out as $product) {
            $this->run("update products set products_status = '0' where products_id = $product");
        }
        return $sold;
    }

    protected function take($line)
    {
        $this->subtract($line[0], $line[1], null);
        $left = $this->value("select products_quantity from products where products_id = $line[0]");
        if ($left !== null && $left < 1 && $this->on('STOCK_CHECKOUT_UPDATE_PRODUCTS_STATUS')) {
            $this->sold_out[] = $line[0];
        }
        $this->count($line[0], $line[1]);
    }

    protected function insert_line($order, $line)
    {
        parent::insert_line($order, $line);
        if (isset($line[2]) && $this->on('STOCK_LIMITED')) {
            $this->run("update products_attributes set attributes_stock = attributes_stock - $line[1] where products_attributes_id = " . (int) $line[2]);
        }
    }

    protected function is_download($product)
    {
        return !$this->on('STOCK_LIMITED_DOWNLOADS') && parent::is_download($product);
    }
}
