<?php
/*
 * OnHand for modified eCommerce: a hint after each sale. It is optional; to remove it, delete this file.
 *
 * checkout_process.php includes every file of this folder when an order and its products have been written, before it goes on
 * to a payment service. The hint is sent when the page has finished; see onhand-hint.php next to the shop's index.php.
 */

if (is_file(DIR_FS_CATALOG . 'onhand-hint.php')) {
  include_once DIR_FS_CATALOG . 'onhand-hint.php';
}
