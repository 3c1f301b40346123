<?php
/*
 * osCMax as read in its source, with QTPro. The combination of options is written as a literal, the base product relatively, by what was
 * really there; a combination that is missing is inserted below zero.
 */
class Selling extends Trade
{
    protected function take($line)
    {
        list($product, $n) = $line;
        if ($this->on('STOCK_LIMITED') && !$this->is_download($product)) {
            $taken = $n;
            if (isset($line[2])) {
                $which = "products_id = $product and products_stock_attributes = '" . $this->db->real_escape_string($line[2]) . "'";
                $there = $this->value("select products_stock_quantity from products_stock where $which");
                $this->think();
                if ($there === null) {
                    $this->run("insert into products_stock (products_id, products_stock_attributes, products_stock_quantity)"
                        . " values ($product, '" . $this->db->real_escape_string($line[2]) . "', -$n)");
                    $taken = 0;
                } else {
                    $this->run('update products_stock set products_stock_quantity = ' . ($there - $n) . " where $which");
                    $taken = min($n, max(0, $there));
                }
            }
            $this->run("update products set products_quantity = products_quantity - $taken where products_id = $product");
            $left = $this->value("select products_quantity from products where products_id = $product");
            if ($left < 1 && $this->on('STOCK_SET_INACTIVE')) {
                $this->run("update products set products_status = '0' where products_id = $product");
            }
        }
        $this->count($product, $n);
    }
}
