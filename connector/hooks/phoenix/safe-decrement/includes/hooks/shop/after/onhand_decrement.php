<?php
/*
 * OnHand for CE Phoenix: the safe decrement. Optional. With this file alone nothing changes; switch-on.sql has the row of the
 * table `hooks` that puts it in the place of the shop's own step, switch-off.sql takes that row away. Deleting this file does
 * the same: the shop then finds no such class, and takes its own step.
 *
 * The shop's own step reads a quantity, subtracts in PHP and writes the result; of two buyers at the same moment, one is
 * forgotten. Here the database subtracts, in one statement, and nobody is forgotten. The shop's rules are kept: STOCK_LIMITED,
 * no decrement for a product that has a download, and off with what falls below one where STOCK_ALLOW_CHECKOUT is false.
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
