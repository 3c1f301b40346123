<?php
/*
 * OnHand for CE Phoenix: the safe decrement. It is optional. This file alone changes nothing: switch-on.sql adds the row to the
 * table `hooks` that replaces the shop's own step, and switch-off.sql removes that row. You can also delete this file: the
 * shop then does not find the class, and uses its own step.
 *
 * The shop's own step reads a quantity, subtracts in PHP and writes the result. If two people buy at the same moment, one of
 * the two sales is lost. Here the database subtracts in one statement, so none is lost. The shop's rules stay: STOCK_LIMITED,
 * nothing is subtracted for a download, and a product below one is switched off if STOCK_ALLOW_CHECKOUT is false.
 */

class hook_shop_after_onhand_decrement {

  public $version = '1.0.0';

  public static function update_stock() {
    if (STOCK_LIMITED !== 'true') {
      return;
    }

    foreach ($GLOBALS['order']->products as $product) {
      $id = (int)Product::build_prid($product['id']);
      $sold = (int)$product['qty'];

      // MySQL assigns from left to right: the status has to look at the quantity before that is lowered.
      $status = STOCK_ALLOW_CHECKOUT === 'false'
              ? "products_status = IF(products_quantity - $sold < 1, 0, products_status), "
              : '';

      $kept = DOWNLOAD_ENABLED === 'true'
            ? ' AND NOT EXISTS (SELECT 1 FROM products_attributes a'
              . ' JOIN products_attributes_download d ON d.products_attributes_id = a.products_attributes_id'
              . " WHERE a.products_id = $id)"
            : '';

      $GLOBALS['db']->query(
        "UPDATE products SET {$status}products_quantity = products_quantity - $sold WHERE products_id = $id$kept");
    }
  }

}
