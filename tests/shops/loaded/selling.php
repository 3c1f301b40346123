<?php
/* Loaded Commerce as read in its source: what a sub-product sells is taken from its parent too, and never given back to it. */
class Selling extends Trade
{
    protected $checks_at_the_end = false;

    protected function take($line)
    {
        parent::take($line);
        $parent = (int) $this->value("select products_parent_id from products where products_id = $line[0]");
        if ($parent > 0) {
            $this->subtract($parent, $line[1], $this->settings['STOCK_ALLOW_CHECKOUT'] === 'false' ? 1 : null);
        }
    }
}
