<?php
/*
 * Zen Cart as measured, with its plugin POSM. A sold-out product is switched off unless SHOW_PRODUCTS_SOLD_OUT says that it stays.
 * A line with a variant: POSM raises the base product to the reorder level and one, so that the core mails nobody, then writes the
 * variant, then the sum of all variants as the base. Without one it sets a base below zero to zero.
 */
class Selling extends Trade
{
    protected $checks_at_the_end = false;

    protected function take($line)
    {
        $product = $line[0];
        $managed = $this->has_posm() && $this->value("select count(*) from products_options_stock where products_id = $product");
        if ($managed) {
            $this->run("update products set products_quantity = 6 where products_id = $product");
            $this->think();
        } else {
            $this->subtract($product, $line[1], $this->settings['SHOW_PRODUCTS_SOLD_OUT'] === '0' ? 0.000001 : null);
        }
        $this->count($product, $line[1]);
        if ($managed) {
            $variant = isset($line[2]) ? (int) $line[2] : 0;
            $left = max(0, $this->value("select products_quantity from products_options_stock where pos_id = $variant") - $line[1]);
            $this->run("update products_options_stock set products_quantity = $left where pos_id = $variant");
            $sum = $this->value("select sum(products_quantity) from products_options_stock where products_id = $product");
            $this->run("update products set products_quantity = $sum where products_id = $product");
        } elseif ($this->has_posm() && $this->value("select products_quantity from products where products_id = $product") < 0) {
            $this->run("update products set products_quantity = 0 where products_id = $product");
        }
    }

    protected function is_download($product)
    {
        return parent::is_download($product)
            && $this->value("select product_is_always_free_shipping from products where products_id = $product") != 2;
    }

    private function has_posm()
    {
        return $this->run("show tables like '" . PREFIX . "products\\_options\\_stock'")->num_rows > 0
            && isset($this->settings['POSM_ENABLE']) && $this->on('POSM_ENABLE');
    }
}
