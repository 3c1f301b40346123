<?php
/*
 * OnHand for modified eCommerce: a hint after each sale. Optional; delete this file and it is gone.
 *
 * checkout_process.php includes every file of this folder once an order and its products are written, before it goes on to a
 * payment service. The hint goes out when the page is done; onhand-hint.php, beside the shop's index.php, says how.
 */

if (is_file(DIR_FS_CATALOG . 'onhand-hint.php')) {
  include_once DIR_FS_CATALOG . 'onhand-hint.php';
}
