<?php
/*
 * OnHand for CE Phoenix: a hint after each sale. It is optional; to remove it, delete this file.
 *
 * All orders go through the pipeline "after": those of the checkout, and those that payment modules write when the payment
 * comes in. The hint is sent when the page has finished; see onhand-hint.php next to the shop's index.php.
 */

class hook_shop_after_onhand_hint {

  public $version = '1.0.0';

  public function listen_afterStart() {
    if (is_file(DIR_FS_CATALOG . 'onhand-hint.php')) {
      include_once DIR_FS_CATALOG . 'onhand-hint.php';
    }
  }

}
