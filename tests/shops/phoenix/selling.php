<?php
/* CE Phoenix as measured: all lines, then all quantities with the status in the same statement, then all counters, then the history. */
class Selling extends Trade
{
    public function sell($asked)
    {
        $order = $this->insert_order(1);
        foreach ($asked['lines'] as $line) {
            $this->insert_line($order, $line);
        }
        $this->finish($order);
        return array('order' => $order);
    }

    public function pay($asked)
    {
        $order = (int) $asked['order'];
        $this->run("update orders set orders_status = 1, last_modified = now() where orders_id = $order");
        $this->finish($order);
        return array('order' => $order);
    }

    /** One joined statement: a product that stands on two lines gets back what one of them held. */
    public function remove($asked)
    {
        $order = (int) $asked['order'];
        if (!empty($asked['restock'])) {
            $this->run('update products p inner join orders_products l on l.products_id = p.products_id'
                . ' set p.products_quantity = p.products_quantity + l.products_quantity,'
                . " p.products_ordered = p.products_ordered - l.products_quantity where l.orders_id = $order");
        }
        return parent::remove(array('order' => $order, 'restock' => false));
    }

    private function finish($order)
    {
        $lines = $this->lines($order);
        foreach ($lines as $line) {
            $quantity = $this->value("select products_quantity from products where products_id = $line[0]");
            if ($quantity !== null && $this->on('STOCK_LIMITED') && !$this->is_download($line[0])) {
                $left = $quantity - $line[1];
                $this->think();
                $off = $left < 1 && $this->settings['STOCK_ALLOW_CHECKOUT'] === 'false' ? ', products_status = 0' : '';
                $this->run("update products set products_quantity = $left$off where products_id = $line[0]");
            }
        }
        foreach ($lines as $line) {
            $this->count($line[0], $line[1]);
        }
        $this->insert_history($order, 1);
    }
}
