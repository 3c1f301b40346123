<?php
/*
 * OnHand for Zen Cart 1.5.8 and later: the safe decrement. It is optional. If you delete this file, the shop uses its own step
 * again.
 *
 * The shop's own step reads a quantity, subtracts in PHP and writes the result. If two people buy at the same moment, one of
 * the two sales is lost. Here the database subtracts in one statement, so none is lost. The shop's rules stay: STOCK_LIMITED,
 * downloads, switching off at zero if SHOW_PRODUCTS_SOLD_OUT is 0, and the lines of the mail about low stock.
 *
 * It does nothing if an add-on keeps stock by variant (POSM, Stock By Attributes), because those calculate in the middle of the
 * shop's step.
 */

class zcObserverOnhandDecrement extends base
{
    public function __construct()
    {
        $this->attach($this, array('NOTIFY_ORDER_PROCESSING_STOCK_DECREMENT_INIT'));
    }

    /** Called once for each product of an order. $order->doStockDecrement says whether the shop's own step follows. */
    public function update($order, $event, $which, &$product)
    {
        if (!$order->doStockDecrement || defined('TABLE_PRODUCTS_OPTIONS_STOCK') || defined('TABLE_PRODUCTS_WITH_ATTRIBUTES_STOCK')) {
            return;
        }
        $order->doStockDecrement = false;
        $id = (int)zen_get_prid($product['id']);
        $sold = $this->sold($id, $product);
        if ($sold === null) {
            return;
        }
        // MySQL assigns from left to right: the status has to look at the quantity before that is lowered.
        $status = SHOW_PRODUCTS_SOLD_OUT == '0' ? "products_status = IF(products_quantity - $sold <= 0, 0, products_status), " : '';
        $GLOBALS['db']->Execute('UPDATE ' . TABLE_PRODUCTS . " SET {$status}products_quantity = products_quantity - $sold"
            . " WHERE products_id = $id");
        $this->note_if_low($order, $id, $product);
    }

    /** How many units to take, as SQL: none of a download. Null where the shop's own step would not find the product. */
    private function sold($id, $product)
    {
        $chosen = '';
        if (DOWNLOAD_ENABLED === 'true' && !empty($product['attributes'])) {
            $first = reset($product['attributes']);   // the shop looks at the first option alone, and so do we
            $chosen = ' AND a.options_id = ' . (int)$first['option_id'] . ' AND a.options_values_id = ' . (int)$first['value_id'];
        }
        $found = $GLOBALS['db']->ExecuteNoCache('SELECT p.product_is_always_free_shipping, d.products_attributes_filename'
            . ' FROM ' . TABLE_PRODUCTS . ' p LEFT JOIN ' . TABLE_PRODUCTS_ATTRIBUTES . ' a ON a.products_id = p.products_id'
            . ' LEFT JOIN ' . TABLE_PRODUCTS_ATTRIBUTES_DOWNLOAD . ' d ON d.products_attributes_id = a.products_attributes_id'
            . " WHERE p.products_id = $id$chosen LIMIT 1");
        if ($found->EOF) {
            return null;
        }
        $download = DOWNLOAD_ENABLED === 'true' && $found->fields['products_attributes_filename']
            && $found->fields['product_is_always_free_shipping'] != 2;
        return $download ? '0' : sprintf('%F', $product['qty']);
    }

    /** The line that the shop's own step would add to the mail about low stock. */
    private function note_if_low($order, $id, $product)
    {
        $row = $GLOBALS['db']->ExecuteNoCache('SELECT products_quantity FROM ' . TABLE_PRODUCTS . " WHERE products_id = $id");
        $left = $row->EOF ? 0 : 0 + $row->fields['products_quantity'];
        if ($left <= STOCK_REORDER_LEVEL) {
            $model = $product['model'] === '' ? '' : "$product[model]\t\t";
            $order->email_low_stock .= "$model \"$product[name]\" (#$id)\t\t " . TEXT_PRODUCTS_QUANTITY . " $left\n";
        }
    }
}
